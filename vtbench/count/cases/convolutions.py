"""Convolutions: every weight once for each output position, or input position if transposed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  # torch's own name for it

from vtbench.count.cases.micro_case import Case, Given, applied, does, image, layer, weight

MAP = (1, 16, 14, 14)
"""One feature map of 16 channels; a convolution that keeps its size makes 32 of them."""


def _conv2d(*shape: int, kernel: int = 3, **options: Any) -> Given:
    return layer(nn.Conv2d(16, 32, kernel, **options), image(*(shape or MAP)))


def _deformable() -> Given:
    from torchvision.ops import DeformConv2d

    return does(
        lambda self, x: self.deformed(x, self.offset(x)),
        image(*MAP),
        offset=nn.Conv2d(16, 2 * 3 * 3, 3, padding=1),
        deformed=DeformConv2d(16, 32, 3, padding=1),
    )


def _unfolded(self: Any, x: torch.Tensor) -> torch.Tensor:
    columns = F.unfold(x, 3, padding=1)
    result: torch.Tensor = self.w @ columns
    return result


CONVOLUTION_CASES = (
    # positions · Co · Ci/groups · kernel
    Case("conv1d", 32 * 16 * 8 * 3, lambda: layer(nn.Conv1d(8, 16, 3, padding=1), image(1, 8, 32))),
    Case("conv2d", 14 * 14 * 32 * 16 * 9, lambda: _conv2d(padding=1)),
    Case(
        "conv3d",
        4 * 7 * 7 * 16 * 8 * 27,
        lambda: layer(nn.Conv3d(8, 16, 3, padding=1), image(1, 8, 4, 7, 7)),
    ),
    Case(
        "functional conv2d",
        14 * 14 * 32 * 16 * 9,
        lambda: does(
            lambda self, x: F.conv2d(x, self.w, padding=1), image(*MAP), w=weight(32, 16, 3, 3)
        ),
    ),
    Case(
        "conv2d, patches",
        14 * 14 * 384 * 3 * 16 * 16,
        lambda: layer(nn.Conv2d(3, 384, 16, stride=16), image(1, 3, 224, 224)),
    ),
    Case("conv2d, strided", 7 * 7 * 32 * 16 * 9, lambda: _conv2d(stride=2, padding=1)),
    # 14 - 2·(3 - 1) positions a side
    Case("conv2d, dilated", 10 * 10 * 32 * 16 * 9, lambda: _conv2d(dilation=2)),
    Case("conv2d, grouped", 14 * 14 * 32 * (16 // 4) * 9, lambda: _conv2d(padding=1, groups=4)),
    Case(
        "conv2d, depthwise",
        14 * 14 * 64 * 1 * 49,
        lambda: layer(nn.Conv2d(64, 64, 7, padding=3, groups=64), image(1, 64, 14, 14)),
    ),
    Case("conv2d, padding same", 14 * 14 * 32 * 16 * 16, lambda: _conv2d(kernel=4, padding="same")),
    Case(
        "conv2d, circular",
        14 * 14 * 32 * 16 * 9,
        lambda: _conv2d(padding=1, padding_mode="circular"),
    ),
    Case("conv2d, no batch axis", 14 * 14 * 32 * 16 * 9, lambda: _conv2d(16, 14, 14, padding=1)),
    Case("conv2d, batch of 3", 3 * 14 * 14 * 32 * 16 * 9, lambda: _conv2d(3, *MAP[1:], padding=1)),
    Case(
        "conv by unfold",
        14 * 14 * 32 * 16 * 9,
        lambda: does(_unfolded, image(*MAP), w=weight(32, 16 * 9)),
    ),
    Case(
        "conv_tbc",
        32 * 16 * 8 * 3,  # time first; padding 1 keeps the 32 steps
        lambda: applied(
            lambda x, w, b: torch.conv_tbc(x, w, b, 1), image(32, 1, 8), image(3, 8, 16), image(16)
        ),
    ),
    # transposed: every input position is spread over the kernel
    Case(
        "transp. conv2d",
        7 * 7 * 32 * 16 * 4,
        lambda: layer(nn.ConvTranspose2d(32, 16, 2, stride=2), image(1, 32, 7, 7)),
    ),
    Case(
        "transp. conv1d",
        20 * 32 * 16 * 5,
        lambda: layer(nn.ConvTranspose1d(32, 16, 5, stride=3), image(1, 32, 20)),
    ),
    Case(
        "transp. conv3d, groups",
        3 * 5 * 5 * 8 * (6 // 2) * 27,
        lambda: layer(nn.ConvTranspose3d(8, 6, 3, stride=2, groups=2), image(1, 8, 3, 5, 5)),
    ),
    Case("deformable conv2d", 14 * 14 * 18 * 16 * 9 + 14 * 14 * 32 * 16 * 9, _deformable),
    Case(
        "norm, pool, upsample",
        0,
        lambda: layer(
            nn.Sequential(
                nn.BatchNorm2d(16),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Upsample(scale_factor=2, mode="bilinear"),
            ),
            image(1, 16, 14, 14),
        ),
    ),
    Case(
        "grid_sample",
        0,  # interpolation, a class of its own
        lambda: applied(
            lambda x, grid: F.grid_sample(x, grid, align_corners=False),
            image(1, 16, 14, 14),
            image(1, 7, 7, 2),
        ),
    ),
)
