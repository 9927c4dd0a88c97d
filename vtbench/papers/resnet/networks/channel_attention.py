"""Attention on the channels and pixels of a residual block: SE and CBAM.

Squeeze-and-excitation (Hu et al., CVPR 2018) and the convolutional block attention module (Woo et
al., ECCV 2018), both with reduction 16 and biases, before the shortcut is added.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from vtbench.errors import BadOption

Attention = Literal["none", "se", "cbam"]

REDUCTION = 16


def attention_block(kind: Attention, channels: int) -> nn.Module | None:
    """What a residual block applies before its shortcut; None without attention."""
    kinds = {"none": None, "se": SqueezeExcitation, "cbam": CBAM}
    if kind not in kinds:
        raise BadOption(f"The option attention is one of {', '.join(kinds)}, not {kind!r}.")
    made = kinds[kind]
    return None if made is None else made(channels)


def _gate(channels: int) -> nn.Sequential:
    """A bottleneck over the channels of one vector: 2·C²/16 weights."""
    return nn.Sequential(
        nn.Linear(channels, channels // REDUCTION),
        nn.ReLU(inplace=True),
        nn.Linear(channels // REDUCTION, channels),
    )


class SqueezeExcitation(nn.Module):
    """Every channel times a gate that the mean of all channels decides."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = _gate(channels)

    def forward(self, x: Tensor) -> Tensor:  # N,C,H,W
        """The same map, its channels gated."""
        gate: Tensor = self.gate(x.mean((2, 3))).sigmoid()  # N,C
        return x * gate[:, :, None, None]


class CBAM(nn.Module):
    """A gate per channel from its mean and maximum, then a gate per pixel from theirs."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = _gate(channels)
        self.pixels = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.norm = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:  # N,C,H,W
        """The same map, its channels and then its pixels gated."""
        # The gate runs twice: on means and on maxima.
        gate: Tensor = self.gate(x.mean((2, 3))) + self.gate(x.amax((2, 3)))  # N,C
        x = x * gate.sigmoid()[:, :, None, None]
        seen = torch.cat((x.amax(1, keepdim=True), x.mean(1, keepdim=True)), dim=1)  # N,2,H,W
        shown: Tensor = self.norm(self.pixels(seen)).sigmoid()  # N,1,H,W
        return x * shown
