"""Where the tokens of a SparseFormer look: RoIs, their adjustment, sampling points, sampling.

Letters are the paper's: N tokens of width d, P sampling points, a map of C channels. RoIs are kept
as corners (x1, y1, x2, y2) in units of the image and may leave it. Coordinates are fp32 at least,
whatever the precision of the tokens.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

NORM_EPS = 1e-6
"""Of every layer norm in a SparseFormer."""
OFFSET_EPS = 1e-7
"""Added to the deviation of offsets, so that equal offsets stay finite."""


class Glimpse(NamedTuple):
    """Where the tokens looked in one sampling stage."""

    rois: Tensor
    """B,N,4: corners after the adjustment."""
    points: Tensor
    """B,N,P,2: x and y in units of the image."""


def at_least_fp32(x: Tensor) -> Tensor:
    """A tensor in fp32 where its precision is lower, and as it is otherwise."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def initial_rois(tokens: int, size: str) -> Tensor:
    """N,4: the RoIs that a net starts from, x varying slowest.

    The first r·r of them, r the root of N rounded down, stand in a grid: ``half`` has half the
    image's sides and stays inside it, ``cell`` tiles it without overlap. The rest, and all of
    ``whole``, are the image. A single half stands in the middle.
    """
    side = 0 if size == "whole" else math.isqrt(tokens)
    length = 1 / max(side, 1) if size == "cell" else 0.5
    step = (1 - length) / (side - 1) if side > 1 else 0.0
    first = 0.0 if side > 1 else (1 - length) / 2
    starts = [first + step * index for index in range(side)]
    corners = [(x, y, x + length, y + length) for x in starts for y in starts]
    corners += [(0.0, 0.0, 1.0, 1.0)] * (tokens - len(corners))
    return torch.tensor(corners)


def initial_offsets(points: int) -> Tensor:
    """P·2: centres of a grid of cells less a half, x varying fastest; P is a square."""
    side = math.isqrt(points)
    centres = [(index + 0.5) / side - 0.5 for index in range(side)]
    return torch.tensor([part for y in centres for x in centres for part in (x, y)])


def small_norm(width: int) -> nn.LayerNorm:
    """A layer norm whose gain starts at 1/√d, so that what reads it starts small."""
    norm = nn.LayerNorm(width, eps=NORM_EPS)
    nn.init.constant_(norm.weight, width**-0.5)
    return norm


class RoIAdjustment(nn.Module):
    """Every token moves and scales its RoI: (tx, ty, tw, th) = W_r·LN(t), W_r from zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = small_norm(width)
        self.linear = nn.Linear(width, 4, bias=False)

    def initialise(self) -> None:
        """No adjustment."""
        nn.init.zeros_(self.linear.weight)

    def deltas(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,N,4."""
        return at_least_fp32(self.linear(self.norm(tokens)))

    def forward(self, rois: Tensor, deltas: Tensor) -> Tensor:
        """Corners B,N,4 and deltas B,N,4 -> corners B,N,4; shifts are in units of the old size."""
        low, high = rois[..., :2], rois[..., 2:]
        centre, size = (low + high) / 2, (high - low).abs()
        centre = centre + deltas[..., :2] * size
        size = size * deltas[..., 2:].exp()
        return torch.cat((centre - size / 2, centre + size / 2), dim=-1)


class SamplingPoints(nn.Module):
    """P points in every RoI: offsets centred, divided by three deviations, in units of the RoI."""

    def __init__(self, width: int, points: int) -> None:
        super().__init__()
        self.points = points
        self.norm = small_norm(width)
        self.linear = nn.Linear(width, 2 * points)

    def initialise(self) -> None:
        """Biases that make a grid; weights are those of linear layers in general."""
        with torch.no_grad():
            self.linear.bias.copy_(initial_offsets(self.points))

    def forward(self, tokens: Tensor, rois: Tensor) -> Tensor:
        """Tokens B,N,d and corners B,N,4 -> B,N,P,2."""
        raw = at_least_fp32(self.linear(self.norm(tokens)))
        return placed(normalised(as_pairs(raw)), rois)


class FixedPoints(nn.Module):
    """The initial points of a RoI for ever: what is left when tokens do not choose their points."""

    def __init__(self, points: int) -> None:
        super().__init__()
        self.offsets = nn.Buffer(as_pairs(initial_offsets(points)))

    def forward(self, tokens: Tensor, rois: Tensor) -> Tensor:
        """Tokens, which do not matter, and corners B,N,4 -> B,N,P,2."""
        del tokens
        return placed(normalised(at_least_fp32(self.offsets)), rois)


def as_pairs(offsets: Tensor) -> Tensor:
    """...,P·2 -> ...,P,2."""
    return offsets.reshape(*offsets.shape[:-1], -1, 2)


def normalised(offsets: Tensor) -> Tensor:
    """Offsets ...,P,2 less their mean over P, divided by three unbiased deviations."""
    deviation = offsets.std(dim=-2, keepdim=True)
    return (offsets - offsets.mean(dim=-2, keepdim=True)) / (3 * (deviation + OFFSET_EPS))


def placed(offsets: Tensor, rois: Tensor) -> Tensor:
    """Offsets ...,P,2 in RoIs B,N,4 -> points B,N,P,2: centre + offset·size, not half of it."""
    low, high = rois[..., None, :2], rois[..., None, 2:]
    return (low + high) / 2 + offsets * (high - low).abs()


class _Restricted(torch.autograd.Function):
    """The identity, whose gradient is clamped to ±bound in every element."""

    @staticmethod
    def forward(points: Tensor, bound: float) -> Tensor:
        del bound
        return points.view_as(points)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        del output
        ctx.bound = inputs[1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].clamp(-ctx.bound, ctx.bound), None


def restricted(points: Tensor, bound: float) -> Tensor:
    """Points whose gradient is clamped to ±bound; sampling's gradients are local and noisy."""
    made: Tensor = _Restricted.apply(points, bound)
    return made


def sampled(feature_map: Tensor, points: Tensor) -> Tensor:
    """Map B,C,H,W at points B,N,P,2 -> B,N,P,C: bilinear, zero outside, pixel = point·W - 1/2."""
    features = F.grid_sample(feature_map, 2 * points - 1, align_corners=False)  # B,C,N,P
    return features.permute(0, 2, 3, 1)


class SparseSampling(nn.Module):
    """Adjust the RoIs, choose points, read the map there: P·C values for every token.

    ``fixed`` leaves RoIs and points as they were initialised, without heads for either.
    """

    def __init__(self, width: int, points: int, *, fixed: bool = False) -> None:
        super().__init__()
        self.adjustment = None if fixed else RoIAdjustment(width)
        self.points = FixedPoints(points) if fixed else SamplingPoints(width, points)

    def look(self, tokens: Tensor, rois: Tensor, mask: Tensor | None) -> Glimpse:
        """Tokens B,N,d, corners B,N,4 and a mask B,1,1 of the deltas -> where they look now."""
        if self.adjustment is not None:
            deltas = self.adjustment.deltas(tokens)
            rois = self.adjustment(rois, deltas if mask is None else deltas * mask)
        return Glimpse(rois, self.points(tokens, rois))

    def forward(self, feature_map: Tensor, points: Tensor, loss_scale: float) -> Tensor:
        """Map B,C,H,W at points B,N,P,2 -> B,N,P,C; gradients up to one row of the map."""
        return sampled(feature_map, restricted(points, loss_scale / feature_map.shape[2]))
