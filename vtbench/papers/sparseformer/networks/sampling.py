"""Where the tokens of a SparseFormer look: RoIs, their adjustment, sampling points, sampling.

Letters are the paper's: N tokens of width d, P sampling points, a map of C channels. RoIs are kept
as corners (x1, y1, x2, y2) in units of the image and may leave it; those of clips are tubes with a
third axis, (x1, y1, t1, x2, y2, t2). A axes: 2, or 3 for clips. Coordinates are fp32 at least,
whatever the precision of the tokens.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

NORM_EPS = 1e-6
"""Of every layer norm in a SparseFormer, but for one of the library's."""
Norms = Literal["v1", "library"]
NORMS = ("v1", "library")
"""Norms without parameters, and the one of ``GENERATOR_EPS``: as the paper's models were trained,
or as the authors' library has them, which also leaves gradients unclamped."""
OFFSET_EPS = {"v1": 1e-7, "library": 1e-5}
"""Added to the deviation of offsets, so that equal offsets stay finite."""
GENERATOR_EPS = {"v1": NORM_EPS, "library": 1e-5}
"""Of the layer norm before the generator of mixing weights; the library leaves torch's there."""


class Glimpse(NamedTuple):
    """Where the tokens looked in one sampling stage."""

    rois: Tensor
    """B,N,2·A: corners after the adjustment."""
    points: Tensor
    """B,N,P,A: x and y in units of the image, and the time in units of the clip."""


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


def initial_offsets(points: int, axes: int = 2) -> Tensor:
    """P·A: centres of a grid of cells less a half, x varying fastest; P is a square.

    In time, all are 0.
    """
    side = math.isqrt(points)
    centres = [(index + 0.5) / side - 0.5 for index in range(side)]
    times = [0.0] * (axes - 2)
    return torch.tensor([part for y in centres for x in centres for part in (x, y, *times)])


def small_norm(width: int, eps: float = NORM_EPS) -> nn.LayerNorm:
    """A layer norm whose gain starts at 1/√d, so that what reads it starts small."""
    norm = nn.LayerNorm(width, eps=eps)
    nn.init.constant_(norm.weight, width**-0.5)
    return norm


class RoIAdjustment(nn.Module):
    """Every token moves and scales its RoI: (tx, ty, tw, th) = W_r·LN(t), W_r from zero."""

    def __init__(self, width: int, axes: int = 2) -> None:
        super().__init__()
        self.norm = small_norm(width)
        self.linear = nn.Linear(width, 2 * axes, bias=False)

    def initialise(self) -> None:
        """No adjustment."""
        nn.init.zeros_(self.linear.weight)

    def deltas(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,N,2·A."""
        return at_least_fp32(self.linear(self.norm(tokens)))

    def forward(self, rois: Tensor, deltas: Tensor) -> Tensor:
        """Corners B,N,2·A and deltas B,N,2·A -> corners B,N,2·A."""
        return adjusted(rois, deltas)


def adjusted(rois: Tensor, deltas: Tensor) -> Tensor:
    """Corners ...,2·A moved by the first A deltas, in units of the old size, scaled by the rest.

    A size has no sign here: corners that were the wrong way round come out the right way.
    """
    low, high = rois.chunk(2, dim=-1)
    shift, growth = deltas.chunk(2, dim=-1)
    centre, size = (low + high) / 2, (high - low).abs()
    centre = centre + shift * size
    size = size * growth.exp()
    return torch.cat((centre - size / 2, centre + size / 2), dim=-1)


class SamplingPoints(nn.Module):
    """P points in every RoI: offsets centred, divided by three deviations, in units of the RoI."""

    def __init__(self, width: int, points: int, axes: int = 2, norms: Norms = "v1") -> None:
        super().__init__()
        self.points, self.axes, self.eps = points, axes, OFFSET_EPS[norms]
        self.norm = small_norm(width)
        self.linear = nn.Linear(width, axes * points)

    def initialise(self) -> None:
        """Biases that make a grid; weights are those of linear layers in general, 0 in time."""
        with torch.no_grad():
            self.linear.bias.copy_(initial_offsets(self.points, self.axes))
            self.linear.weight.view(self.points, self.axes, -1)[:, 2:].zero_()

    def forward(self, tokens: Tensor, rois: Tensor) -> Tensor:
        """Tokens B,N,d and corners B,N,2·A -> B,N,P,A."""
        raw = at_least_fp32(self.linear(self.norm(tokens)))
        return placed(normalised(per_point(raw, self.axes), self.eps), rois)


class FixedPoints(nn.Module):
    """The initial points of a RoI for ever: what is left when tokens do not choose their points."""

    def __init__(self, points: int, axes: int = 2, norms: Norms = "v1") -> None:
        super().__init__()
        self.eps = OFFSET_EPS[norms]
        self.offsets = nn.Buffer(per_point(initial_offsets(points, axes), axes))

    def forward(self, tokens: Tensor, rois: Tensor) -> Tensor:
        """Tokens, which do not matter, and corners B,N,2·A -> B,N,P,A."""
        del tokens
        return placed(normalised(at_least_fp32(self.offsets), self.eps), rois)


def per_point(offsets: Tensor, axes: int) -> Tensor:
    """...,P·A -> ...,P,A."""
    return offsets.reshape(*offsets.shape[:-1], -1, axes)


def normalised(offsets: Tensor, eps: float = OFFSET_EPS["v1"]) -> Tensor:
    """Offsets ...,P,A less their mean over P, divided by three unbiased deviations."""
    deviation = offsets.std(dim=-2, keepdim=True)
    return (offsets - offsets.mean(dim=-2, keepdim=True)) / (3 * (deviation + eps))


def placed(offsets: Tensor, rois: Tensor) -> Tensor:
    """Offsets ...,P,A in RoIs B,N,2·A -> points B,N,P,A: centre + offset·size, not half of it.

    A RoI whose corners are the wrong way round has a negative size, and its points are mirrored;
    after an adjustment there is none.
    """
    low, high = rois[..., None, :].chunk(2, dim=-1)
    return (low + high) / 2 + offsets * (high - low)


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


def sampled(feature_map: Tensor, points: Tensor, outside: str = "zeros") -> Tensor:
    """Map B,C,H,W at points B,N,P,2 -> B,N,P,C: bilinear, pixel = point·W - 1/2.

    Clips, B,C,T,H,W at points B,N,P,3, are read trilinearly, the time as x and y are.
    """
    grid = 2 * points - 1
    if points.shape[-1] > 2:  # noqa: PLR2004 - clips have a third axis
        features = F.grid_sample(  # B,C,N,P,1
            feature_map, grid[..., None, :], padding_mode=outside, align_corners=False
        )[..., 0]
    else:
        features = F.grid_sample(feature_map, grid, padding_mode=outside, align_corners=False)
    return features.permute(0, 2, 3, 1)


class SparseSampling(nn.Module):
    """Adjust the RoIs, choose points, read the map there: P·C values for every token.

    ``fixed`` leaves RoIs and points as they were initialised, without heads for either.
    """

    def __init__(
        self,
        width: int,
        points: int,
        *,
        fixed: bool = False,
        axes: int = 2,
        norms: Norms = "v1",
    ) -> None:
        super().__init__()
        self.adjustment = None if fixed else RoIAdjustment(width, axes)
        self.points = (
            FixedPoints(points, axes, norms)
            if fixed
            else SamplingPoints(width, points, axes, norms)
        )
        self.clamps = norms == "v1"

    def look(self, tokens: Tensor, rois: Tensor, mask: Tensor | None) -> Glimpse:
        """Tokens B,N,d, corners B,N,2·A and a mask B,1,1 of the deltas -> where they look now."""
        if self.adjustment is not None:
            deltas = self.adjustment.deltas(tokens)
            rois = self.adjustment(rois, deltas if mask is None else deltas * mask)
        return Glimpse(rois, self.points(tokens, rois))

    def forward(self, feature_map: Tensor, points: Tensor, loss_scale: float) -> Tensor:
        """Map B,C,H,W at points B,N,P,2 -> B,N,P,C; gradients up to one row of the map.

        Or B,C,T,H,W at points B,N,P,3.
        """
        if self.clamps:
            points = restricted(points, loss_scale / feature_map.shape[-2])
        return sampled(feature_map, points)
