"""Section 3.1's sparse feature sampling by itself: N tokens read P points each of a map.

A point is read where it lies, whatever the size of the map, so that N·P·C values are written and
a map of any height and width costs the same. Where the points come from (a linear layer on every
token) is not a part of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vtbench.models.arguments import at_least_1
from vtbench.papers.sparseformer.networks.options import check_points
from vtbench.papers.sparseformer.networks.sampling import FixedPoints, sampled

SIZE = 56
"""Pixels of a side of the map: what the stem leaves of 224."""


class SparseFeatureSampling(nn.Module):
    """P points in a grid within each of N regions, half as wide as the map, read bilinearly."""

    def __init__(self, tokens: int, points: int) -> None:
        super().__init__()
        self.points = FixedPoints(points)
        centres = torch.linspace(0.25, 0.75, tokens)[:, None].expand(tokens, 2)
        self.rois = nn.Buffer(torch.cat((centres - 0.25, centres + 0.25), dim=-1))  # N,4

    def forward(self, feature_map: Tensor) -> Tensor:
        """B,C,H,W -> B,N,P,C."""
        rois = self.rois.expand(feature_map.shape[0], -1, -1)
        return sampled(feature_map, self.points(rois, rois).to(feature_map.dtype))


def sparse_feature_sampling(
    *,
    tokens: int = 49,
    points: int = 36,
    channels: int = 96,
    resolution: tuple[int, int] | None = None,
    batch_size: int = 1,
) -> tuple[nn.Module, Tensor]:
    """The sampling of N = ``tokens``, P = ``points``, C = ``channels`` in a map of some size."""
    at_least_1(tokens=tokens, channels=channels)
    check_points(points)
    pixels = resolution or (SIZE, SIZE)
    return SparseFeatureSampling(tokens, points), torch.randn(batch_size, channels, *pixels)
