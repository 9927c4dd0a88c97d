"""How the tokens of a bootstrapped SparseFormer look: sampling, mixing, and a code of where it was.

The authors' library's reading, as ``bootstrapped`` lists it. N tokens of width d, P points that
become P' in mixing, C channels.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.sparseformer.networks.adaptive_mixing import Generator
from vtbench.papers.sparseformer.networks.sampling import (
    Glimpse,
    SamplingPoints,
    at_least_fp32,
    sampled,
    small_norm,
)

GENERATOR_WIDTH = 128
"""Between the two layers of the generator, whatever the width of the tokens."""
LEAST_MIXED = 32
"""Points after mixing, where fewer are sampled."""
SHORTEST = 128
"""How many times shorter the last period of the position code is than the first."""


def position_code(rois: Tensor, width: int) -> Tensor:
    """Corners B,N,4 -> B,N,d: for each corner d/8 sines, then d/8 cosines of other periods."""
    steps = torch.linspace(
        0, math.log(SHORTEST), width // 4, device=rois.device, dtype=rois.dtype
    ).exp()
    angles = (math.pi * rois)[..., None] * steps  # B,N,4,d/4
    return torch.cat((angles[..., 0::2].sin(), angles[..., 1::2].cos()), dim=-1).flatten(2)


class PositionCode(nn.Module):
    """Where a token's RoI is, as an update of the token: N·d²."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, width)

    def forward(self, tokens: Tensor, rois: Tensor) -> Tensor:
        """B,N,d and corners B,N,4 -> B,N,d; RoIs get no gradient from here."""
        code = position_code(rois.detach(), tokens.shape[-1]).to(tokens.dtype)
        update: Tensor = self.linear(self.norm(code))
        return update


class WideningMixing(nn.Module):
    """GELU(M_s·(x·M_c)): N·(P·C² + P'·P·C)."""

    def forward(self, x: Tensor, channel_weights: Tensor, point_weights: Tensor) -> Tensor:
        """B,N,P,C -> B,N,P',C."""
        return F.gelu(point_weights @ (x @ channel_weights))


class SamplingBlock(nn.Module):
    """Sample where the RoIs are, mix, and add what was seen and where."""

    def __init__(self, width: int, channels: int, points: int) -> None:
        super().__init__()
        mixed = max(points, LEAST_MIXED)
        self.sampling = SamplingPoints(width, points, norms="library")
        self.generator = Generator(width, channels, points, hidden=GENERATOR_WIDTH, mixed=mixed)
        self.mixing = WideningMixing()
        self.output = nn.Linear(mixed * channels, width)
        self.position = PositionCode(width)

    def initialise(self) -> None:
        """Points in a grid whatever the token, mixing unconditional."""
        nn.init.zeros_(self.sampling.linear.weight)
        self.generator.initialise()

    def look(self, tokens: Tensor, rois: Tensor, feature_map: Tensor) -> tuple[Tensor, Glimpse]:
        """B,N,d with corners B,N,4 in a map B,C,H,W -> B,N,d, and where they looked."""
        points = self.sampling(tokens, rois)
        x = sampled(feature_map, points, outside="border").to(tokens.dtype)  # B,N,P,C
        tokens = tokens + self.output(self.mixing(x, *self.generator(tokens)).flatten(2))
        return tokens + self.position(tokens, rois), Glimpse(rois, points)


class RoIHead(nn.Module):
    """Two linear layers to the deltas of a RoI, which start at 0: N·d·(d+4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = small_norm(width)
        self.hidden = nn.Linear(width, width)
        self.deltas = nn.Linear(width, 4, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,N,4."""
        return at_least_fp32(self.deltas(F.gelu(self.hidden(self.norm(tokens)))))
