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

from vtbench.models.early_features import VARIANCE_EPS, EarlyConvolution, check_size
from vtbench.models.sparse_sampling import at_least_fp32


class Rows(NamedTuple):
    """A map in rows of channels with a border of zeros, and what finds a row."""

    values: Tensor
    """B·(H+2)·(W+2),C."""
    shape: tuple[int, int, int]
    """B, H and W, without the border."""
    least: Tensor
    """2,1: −1, in x and in y; half a pixel outside, where nothing is left to read."""
    most: Tensor
    """2,1: W and H, half a pixel outside on the other side."""
    corners: Tensor
    """B,1,1,4: from the row y·(W+2)+x to the four that a point between x and x+1 reads."""

    def feature_map(self) -> Tensor:
        """B,C,H,W, without the border."""
        batch, height, width = self.shape
        padded = self.values.view(batch, height + 2, width + 2, -1)
        return padded[:, 1:-1, 1:-1].permute(0, 3, 1, 2)


def rows_of(stem: nn.Module, image: Tensor) -> Rows:
    """Images B,3,H,W -> their maps; stems other than the early convolution are called as ever."""
    if isinstance(stem, EarlyConvolution):
        check_size(image)
        conv = stem.conv
        weight = conv.weight.contiguous(memory_format=torch.channels_last)
        x = F.conv2d(image, weight, conv.bias, conv.stride, conv.padding)
        x = F.max_pool2d(x, 3, stride=2, padding=1).relu()
        x = at_least_fp32(x.permute(0, 2, 3, 1))  # B,H,W,C
        x = _channel_norm(x, biased=stem.norms == "library", eps=VARIANCE_EPS[stem.norms])
    else:
        x = stem(image).permute(0, 2, 3, 1)
    batch, height, width, channels = x.shape
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))
    step = torch.arange(2, device=x.device)
    within = (step[:, None] * (width + 2) + step).flatten() + width + 3
    image_starts = torch.arange(batch, device=x.device) * ((height + 2) * (width + 2))
    most = torch.stack((x.new_full((1,), width), x.new_full((1,), height)))
    corners = (image_starts[:, None] + within)[:, None, None]
    return Rows(
        padded.view(-1, channels), (batch, height, width), -torch.ones_like(most), most, corners
    )


def _channel_norm(x: Tensor, *, biased: bool, eps: float) -> Tensor:
    """A layer norm over the last axis whose gain makes its variance what the plain norm divides by.

    With v the biased variance and f = (C−1)/C, 1/√(v/f + eps) = √f/√(v + f·eps).
    """
    channels = x.shape[-1]
    part = 1.0 if biased else (channels - 1) / channels
    gain = None if biased else x.new_full((channels,), math.sqrt(part))
    return F.layer_norm(x, (channels,), gain, None, eps * part)


def taps(rows: Rows, points: Tensor) -> tuple[Tensor, Tensor]:
    """Points B,N,2,P -> the four rows that each reads, and their shares: B·N·P,4 both.

    Points that lie farther out than they can read are brought to where they read zeros.
    """
    pixels = (points * rows.most - 0.5).clamp(rows.least, rows.most)
    low = pixels.detach().floor().minimum(rows.most - 1)
    upper = pixels - low
    shares = torch.stack((1 - upper, upper), dim=-1)  # B,N,2,P,2
    shares = shares[:, :, 1, :, :, None] * shares[:, :, 0, :, None, :]  # B,N,P,2,2: rows, columns
    first = torch.add(low[:, :, 0], low[:, :, 1], alpha=rows.shape[2] + 2)  # B,N,P
    index = first.nan_to_num(0.0).long()[..., None] + rows.corners
    return index.view(-1, 4), shares.reshape(-1, 4)


def gathered(rows: Rows, index: Tensor, shares: Tensor) -> Tensor:
    """Rows by their shares -> B·N·P,C."""
    return F.embedding_bag(index, rows.values, mode="sum", per_sample_weights=shares)
