"""The map that a SparseFormer samples from: early convolution, a patch embedding, or the image.

All but the raw image are normalised over channels, without parameters. Early convolution is the
paper's choice; the other two are rows of its table 3d.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.errors import BadResolution
from vtbench.papers.sparseformer.networks.sampling import Norms, at_least_fp32

Feature = Literal["conv", "vit8", "rgb"]
FEATURES = ("conv", "vit8", "rgb")

VARIANCE_EPS = {"v1": 1e-7, "library": 1e-5}
KERNEL = 7
"""Side of the early convolution's kernel."""
PATCH = 8
"""Side of the patches of ``vit8``."""


def channel_normalised(x: Tensor, norms: Norms = "v1") -> Tensor:
    """B,C,H,W less its mean over C, divided by the root of its unbiased variance; fp32 at least.

    The authors' library takes the biased variance.
    """
    x = at_least_fp32(x)
    variance = x.var(dim=1, keepdim=True, unbiased=norms == "v1")
    return (x - x.mean(dim=1, keepdim=True)) / torch.sqrt(variance + VARIANCE_EPS[norms])


class EarlyConvolution(nn.Module):
    """Convolution 7x7 of stride 2, ReLU, pooling 3x3 of stride 2: 147·C·(H/2)·(W/2)."""

    def __init__(self, channels: int, norms: Norms = "v1") -> None:
        super().__init__()
        self.norms = norms
        self.conv = nn.Conv2d(3, channels, KERNEL, stride=2, padding=3)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, image: Tensor) -> Tensor:
        """B,3,H,W -> B,C,⌈H/4⌉,⌈W/4⌉."""
        check_size(image)
        x = F.max_pool2d(self.conv(image).relu(), 3, stride=2, padding=1)
        return channel_normalised(x, self.norms)


def check_size(image: Tensor) -> None:
    """Refuse an image that is smaller than the kernel of the early convolution."""
    height, width = image.shape[-2:]
    if height < KERNEL or width < KERNEL:
        raise BadResolution(
            f"An image of {height}x{width} is smaller than the {KERNEL}x{KERNEL} kernel of the "
            f"early convolution; give at least {KERNEL}x{KERNEL}."
        )


class PatchEmbedding(nn.Module):
    """A linear layer on patches of 8x8 that keeps their places: 192·C·(H/8)·(W/8)."""

    def __init__(self, channels: int, norms: Norms = "v1") -> None:
        super().__init__()
        self.norms = norms
        self.conv = nn.Conv2d(3, channels, PATCH, stride=PATCH)

    def forward(self, image: Tensor) -> Tensor:
        """B,3,H,W -> B,C,H/8,W/8."""
        height, width = image.shape[-2:]
        if height < PATCH or width < PATCH or height % PATCH or width % PATCH:
            raise BadResolution(
                f"An image of {height}x{width} cannot be cut into patches of {PATCH}x{PATCH}; "
                f"give multiples of {PATCH}."
            )
        return channel_normalised(self.conv(image), self.norms)


class RawImage(nn.Module):
    """The image itself, in fp32 at least."""

    def forward(self, image: Tensor) -> Tensor:
        """B,3,H,W -> B,3,H,W."""
        return at_least_fp32(image)


def stem(feature: Feature, channels: int, norms: Norms = "v1") -> nn.Module:
    """The module that makes the map."""
    if feature == "rgb":
        return RawImage()
    made = EarlyConvolution if feature == "conv" else PatchEmbedding
    return made(channels, norms)
