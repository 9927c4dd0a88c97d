"""Parts of residual networks for clips: SlowFast's pathways and the inflated ResNet share them.

A 2D bottleneck becomes one for clips when its first 1x1 reaches over ``time`` frames too; strides
in space stand in the 3x3, and no convolution shortens time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

STAGES = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Depth -> bottlenecks in res2 to res5."""


class ConvNorm(nn.Module):
    """A convolution over ``time`` frames and ``side`` x ``side`` pixels, and its norm."""

    def __init__(
        self, c_in: int, c_out: int, time: int, side: int, stride: tuple[int, int, int] = (1, 1, 1)
    ) -> None:
        super().__init__()
        kernel, padding = (time, side, side), (time // 2, side // 2, side // 2)
        self.conv = nn.Conv3d(c_in, c_out, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm3d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        """B,c_in,T,H,W -> B,c_out and what the strides leave of T,H,W."""
        out: Tensor = self.norm(self.conv(x))
        return out


class Bottleneck(nn.Module):
    """A time x 1x1 that narrows, a 1 x 3x3, a 1x1 that widens four times, and a shortcut."""

    def __init__(self, c_in: int, planes: int, time: int, stride: int) -> None:
        super().__init__()
        across = (1, stride, stride)
        self.narrow = ConvNorm(c_in, planes, time, 1)
        self.spatial = ConvNorm(planes, planes, 1, 3, across)
        self.widen = ConvNorm(planes, 4 * planes, 1, 1)
        same = c_in == 4 * planes and stride == 1
        self.shortcut = None if same else ConvNorm(c_in, 4 * planes, 1, 1, across)

    def forward(self, x: Tensor) -> Tensor:
        """B,c_in,T,H,W -> B,4·planes,T,H/stride,W/stride."""
        out = self.widen(self.spatial(self.narrow(x).relu()).relu())
        return torch.relu(out + (x if self.shortcut is None else self.shortcut(x)))


def bottlenecks(c_in: int, planes: int, times: Sequence[int], stride: int) -> Iterator[Bottleneck]:
    """A stage: one block for each reach in time, the first of them with the stride."""
    for index, time in enumerate(times):
        yield Bottleneck(c_in if index == 0 else 4 * planes, planes, time, 1 if index else stride)


def initialise(module: nn.Module) -> None:
    """He et al.'s weights for convolutions; the last norm of each block starts at zero."""
    for part in module.modules():
        if isinstance(part, nn.Conv3d):
            nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=0.01)
            nn.init.zeros_(part.bias)
    for part in module.modules():
        if isinstance(part, Bottleneck):
            nn.init.zeros_(part.widen.norm.weight)
