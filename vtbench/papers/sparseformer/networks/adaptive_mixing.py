"""How a SparseFormer decodes what it sampled: P·C values of every token become an update of it.

``adaptive`` is the paper's: every token generates its own channel weights M_c, C,C, and point
weights M_s, P,P. ``static`` learns one pair for all tokens, ``linear`` has none; both are rows of
the paper's table 3e. C channels, P points, tokens of width d.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.sparseformer.networks.sampling import (
    GENERATOR_EPS,
    NORM_EPS,
    Norms,
    small_norm,
)

MixingKind = Literal["adaptive", "static", "linear"]
MIXINGS = ("adaptive", "static", "linear")


class Generator(nn.Module):
    """M_c, C,C, and M_s, P',P, of every token: two linear layers with nothing between them.

    The second starts with zero weights and a Xavier bias, so that mixing starts unconditional.
    Between them is a quarter of the width, unless ``hidden`` says otherwise; P' is P, unless
    ``mixed`` does.
    """

    def __init__(
        self,
        width: int,
        channels: int,
        points: int,
        *,
        hidden: int | None = None,
        mixed: int | None = None,
        eps: float = NORM_EPS,
    ) -> None:
        super().__init__()
        self.channels, self.points, self.mixed = channels, points, mixed or points
        hidden = hidden or width // 4
        self.norm = small_norm(width, eps)
        self.reduce = nn.Linear(width, hidden)
        self.expand = nn.Linear(hidden, channels**2 + self.mixed * points)

    def initialise(self) -> None:
        """Zero weights and a Xavier bias in the second layer."""
        nn.init.zeros_(self.expand.weight)
        for weights in self.split(self.expand.bias.detach()):
            nn.init.xavier_uniform_(weights)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """B,N,d -> M_c B,N,C,C (rows read, columns write) and M_s B,N,P',P (columns read)."""
        return self.split(self.expand(self.reduce(self.norm(tokens))))

    def split(self, generated: Tensor) -> tuple[Tensor, Tensor]:
        """...,C²+P'·P -> ...,C,C and ...,P',P."""
        square = self.channels**2
        leading = generated.shape[:-1]
        return (
            generated[..., :square].reshape(*leading, self.channels, self.channels),
            generated[..., square:].reshape(*leading, self.mixed, self.points),
        )


class StaticWeights(nn.Module):
    """M_c and M_s that are the same for every token."""

    def __init__(self, channels: int, points: int) -> None:
        super().__init__()
        self.channel_weights = nn.Parameter(torch.empty(channels, channels))
        self.point_weights = nn.Parameter(torch.empty(points, points))

    def initialise(self) -> None:
        """Xavier, as the adaptive weights start."""
        nn.init.xavier_uniform_(self.channel_weights)
        nn.init.xavier_uniform_(self.point_weights)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Any tokens -> M_c C,C and M_s P,P."""
        del tokens
        return self.channel_weights, self.point_weights


class Mixing(nn.Module):
    """y = GELU(x·M_c + β_c), z = GELU(M_s·y + β_s): N·(P·C² + P²·C) multiply-adds."""

    def __init__(self, channels: int, points: int) -> None:
        super().__init__()
        self.channel_bias = nn.Parameter(torch.zeros(channels))
        self.point_bias = nn.Parameter(torch.zeros(points))

    def forward(self, x: Tensor, channel_weights: Tensor, point_weights: Tensor) -> Tensor:
        """B,N,P,C -> B,N,P,C; weights of every token, B,N,..., or one pair for all."""
        leading = x.shape[:2]
        each = x.flatten(0, 1)  # B·N,P,C
        # Product and bias in one operator, as the authors compute it: counters differ on it.
        y = F.gelu(torch.baddbmm(self.channel_bias, each, _of_each(channel_weights, leading)))
        z = torch.baddbmm(self.point_bias[:, None], _of_each(point_weights, leading), y)
        return F.gelu(z).reshape(*leading, *z.shape[1:])


def _of_each(weights: Tensor, leading: torch.Size) -> Tensor:
    """B,N,i,j or, the same for every token, i,j -> B·N,i,j."""
    return weights.expand(*leading, *weights.shape[-2:]).flatten(0, 1)


class Decoding(nn.Module):
    """Sampled features and the tokens that sampled them -> what is added to the tokens."""

    def __init__(
        self, width: int, channels: int, points: int, kind: MixingKind, norms: Norms = "v1"
    ) -> None:
        super().__init__()
        self.generator: Generator | StaticWeights | None = None
        if kind == "adaptive":
            self.generator = Generator(width, channels, points, eps=GENERATOR_EPS[norms])
        elif kind == "static":
            self.generator = StaticWeights(channels, points)
        self.mixing = None if kind == "linear" else Mixing(channels, points)
        self.output = nn.Linear(points * channels, width)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        """Features B,N,P,C and tokens B,N,d -> B,N,d; channels vary fastest."""
        if self.generator is not None and self.mixing is not None:
            x = self.mixing(x, *self.generator(tokens))
        update: Tensor = self.output(x.flatten(2))
        return update
