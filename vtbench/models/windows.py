"""Neighbourhoods of every place of a map, for networks that attend within them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import unfold


def windows(x: Tensor, kernel: int, stride: int = 1) -> Tensor:
    """The kernel x kernel places around each: B,C,H,W -> B,C,k²,P. Outside the map stand zeros."""
    cut = unfold(x, kernel, padding=kernel // 2, stride=stride)  # B,C·k²,P
    return torch.unflatten(cut, 1, (x.shape[1], kernel * kernel))
