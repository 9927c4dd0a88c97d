"""Sampling from a map whose pixels lie in rows of channels: what the fast path reads with.

The same function as the early convolution followed by ``grid_sample`` with zeros outside. Pooling
is channels-last, and ReLU comes after it. The norm over channels is one layer norm. A border of
zeros lies around the map, so that what a point reads is always a weighted sum of four rows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.sparseformer.networks.early_features import (
    VARIANCE_EPS,
    EarlyConvolution,
    check_size,
)
from vtbench.papers.sparseformer.networks.sampling import at_least_fp32


class Grid(NamedTuple):
    """What finds the rows of maps of one shape."""

    shape: tuple[int, int, int]
    """B, H and W, without the border."""
    sides: Tensor
    """2,1: W and H."""
    half: Tensor
    """2,1: −1/2; a pixel's centre lies half a pixel inside."""
    least: Tensor
    """2,1: −1, half a pixel outside; nothing is left to read there, nor at W and H."""
    last: Tensor
    """2,1: W−1 and H−1, where a pair of rows begins at the latest."""
    corners: Tensor
    """B,1,1,4: from y·(W+2)+x to the rows of (x, y), (x+1, y), (x, y+1) and (x+1, y+1)."""
    shares: Tensor
    """2,2,4: share of each corner at 0, and how it grows; in x and in y."""


class Rows(NamedTuple):
    """Maps in rows of channels, with a border of zeros."""

    values: Tensor
    """B·(H+2)·(W+2),C."""
    grid: Grid

    def feature_map(self) -> Tensor:
        """B,C,H,W, without the border."""
        batch, height, width = self.grid.shape
        padded = self.values.view(batch, height + 2, width + 2, -1)
        return padded[:, 1:-1, 1:-1].permute(0, 3, 1, 2)


def grid_of(maps: Tensor) -> Grid:
    """The grid of maps B,H,W,C."""
    batch, height, width, _ = maps.shape
    sides = torch.stack((maps.new_full((1,), width), maps.new_full((1,), height)))
    step = torch.arange(2, device=maps.device)
    within = (step[:, None] * (width + 2) + step).flatten() + width + 3
    starts = torch.arange(batch, device=maps.device) * ((height + 2) * (width + 2))
    right = step.repeat(2).to(maps.dtype)
    below = step.repeat_interleave(2).to(maps.dtype)
    growth = torch.stack((2 * right - 1, 2 * below - 1))
    return Grid(
        shape=(batch, height, width),
        sides=sides,
        half=torch.full_like(sides, -0.5),
        least=torch.full_like(sides, -1.0),
        last=sides - 1,
        corners=(starts[:, None] + within)[:, None, None].int(),
        shares=torch.stack((1 - torch.stack((right, below)), growth), dim=1),
    )


WITHOUT_SIGN = 0x7FFF


def pooled(x: Tensor, *, in_place: bool) -> Tensor:
    """B,H,W,C -> the largest of every 3 x 3 at stride 2, B,H/2,W/2,C, not below 0.

    ReLU comes after it, on a quarter of the pixels. On a CPU that needs no gradients, the larger of
    two rows at a time, four times, takes half the time of torch's pooling. bf16 that are not
    negative are ordered as the integers of the same bits, which are compared faster still.
    """
    by_rows = in_place and x.device.type == "cpu" and not (x.shape[1] % 2 or x.shape[2] % 2)
    if not by_rows:
        x = F.max_pool2d(x.permute(0, 3, 1, 2), 3, stride=2, padding=1)
        return x.permute(0, 2, 3, 1).relu()
    if x.dtype == torch.bfloat16:
        bits = x.relu_().view(torch.int16).bitwise_and_(WITHOUT_SIGN)  # NaN is above all, then
        return _highest(bits).view(torch.bfloat16)
    return _highest(x).relu_()


def _highest(x: Tensor) -> Tensor:
    for axis in (1, 2):
        even, odd = x.view(*x.shape[:axis], -1, 2, *x.shape[axis + 1 :]).unbind(axis + 1)
        x = torch.maximum(even, odd)
        later = x.narrow(axis, 1, x.shape[axis] - 1)
        torch.maximum(later, odd.narrow(axis, 0, x.shape[axis] - 1), out=later)
    return x


def bordered(x: Tensor, *, in_place: bool) -> Tensor:
    """B,H,W,C -> B,H+2,W+2,C with zeros around it."""
    if not in_place:
        return F.pad(x, (0, 0, 1, 1, 1, 1))
    batch, height, width, channels = x.shape
    made = x.new_empty(batch, height + 2, width + 2, channels)
    for axis in (1, 2):
        for end in (0, -1):
            made.select(axis, end).zero_()
    made[:, 1:-1, 1:-1] = x
    return made


def rows_of(
    stem: nn.Module,
    image: Tensor,
    known: dict[tuple[int, int, int], Grid],
    *,
    in_place: bool = False,
) -> Rows:
    """Images B,3,H,W -> their maps; a grid that is known need not be made again.

    ``in_place``: nobody needs what an operator was given, such as a gradient. Stems other than the
    early convolution are called as ever.
    """
    if isinstance(stem, EarlyConvolution):
        check_size(image)
        conv = stem.conv
        weight = conv.weight.contiguous(memory_format=torch.channels_last)
        x = F.conv2d(image, weight, conv.bias, conv.stride, conv.padding)
        x = at_least_fp32(pooled(x.permute(0, 2, 3, 1), in_place=in_place))  # B,H,W,C
        x = _channel_norm(x, biased=stem.norms == "library", eps=VARIANCE_EPS[stem.norms])
    else:
        x = stem(image).permute(0, 2, 3, 1)
    batch, height, width, channels = x.shape
    grid = known.get((batch, height, width)) if known else None
    return Rows(bordered(x, in_place=in_place).view(-1, channels), grid or grid_of(x))


def _channel_norm(x: Tensor, *, biased: bool, eps: float) -> Tensor:
    """A layer norm over the last axis whose gain makes its variance what the plain norm divides by.

    With v the biased variance and f = (C−1)/C, 1/√(v/f + eps) = √f/√(v + f·eps).
    """
    channels = x.shape[-1]
    part = 1.0 if biased else (channels - 1) / channels
    gain = None if biased else x.new_full((channels,), math.sqrt(part))
    return F.layer_norm(x, (channels,), gain, None, eps * part)


def taps(grid: Grid, points: Tensor) -> tuple[Tensor, Tensor]:
    """Points B,N,2,P -> the four rows that each reads, and their shares: B·N·P,4 both.

    Points that lie farther out than they can read are brought to where they read zeros.
    """
    pixels = torch.addcmul(grid.half, points, grid.sides).clamp(grid.least, grid.sides)
    low = pixels.detach().floor().minimum(grid.last)
    beyond = (pixels - low)[..., None]  # B,N,2,P,1: how far from the lower of two rows, 0 to 1
    (at_x, grows_x), (at_y, grows_y) = grid.shares
    shares = torch.addcmul(at_x, beyond[:, :, 0], grows_x)
    shares = shares * torch.addcmul(at_y, beyond[:, :, 1], grows_y)
    first = torch.add(low[:, :, 0], low[:, :, 1], alpha=grid.shape[2] + 2)  # B,N,P
    rows = first.nan_to_num(0.0).int()[..., None] + grid.corners
    return rows.view(-1, 4), shares.view(-1, 4)


def gathered(rows: Rows, index: Tensor, shares: Tensor) -> Tensor:
    """Rows by their shares -> B·N·P,C."""
    return F.embedding_bag(index, rows.values, mode="sum", per_sample_weights=shares)
