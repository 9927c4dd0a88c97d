"""The focusing and the cortex transformer of a SparseFormer, as the paper's figure 2 has them.

Parts of a kind stand together (all attention of a transformer, all feed-forward networks, ...), so
that each is one stage of the count. N tokens of width d; 64 heads at every width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.sparseformer.networks.adaptive_mixing import Decoding, MixingKind
from vtbench.papers.sparseformer.networks.sampling import NORM_EPS, Glimpse, Norms, SparseSampling


@dataclass(frozen=True)
class LatentShape:
    """The sizes of one transformer."""

    width: int
    """d, channels of a token."""
    blocks: int
    """Blocks with weights of their own."""
    heads: int
    channels: int
    """C of the map that is sampled."""
    points: int
    """P, sampling points of a token."""
    mixing: MixingKind
    fixed: bool
    """Whether RoIs and points stay as they were initialised."""
    axes: int = 2
    """Of RoIs and points; clips have 3."""
    norms: Norms = "v1"
    """Which code's norms, the paper's or the library's."""


class Latent(NamedTuple):
    """Tokens, and the regions of the image that they stand for."""

    tokens: Tensor
    """B,N,d."""
    rois: Tensor
    """B,N,2·A: corners in units of the image, and of the clip."""


class SelfAttention(nn.Module):
    """Every token looks at every token, without the residual: 4·N·d² and, in the products, 2·N²·d.

    The products are a module of the whole transformer, so that they can be told apart from the
    linear layers. Those are applied as functions, as torch's own multi-head attention applies its
    projections: a counter that hooks modules sees neither.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, products: nn.Module) -> Tensor:
        """B,N,d -> B,N,d."""
        qkv = F.linear(self.norm(tokens), self.qkv.weight, self.qkv.bias)
        qkv = qkv.reshape(*qkv.shape[:-1], 3, self.heads, -1)  # B,N,3,h,d/h
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # B,h,N,d/h each
        attended = products(query, key, value).transpose(1, 2).flatten(2)  # B,N,d
        return F.linear(attended, self.out.weight, self.out.bias)


class AttentionProducts(nn.Module):
    """Scores and their use: softmax(q·kᵀ/√(d/h))·v."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """B,h,N,d/h each -> B,h,N,d/h."""
        scores: Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)  # B,h,N,N
        return scores.softmax(dim=-1) @ value


class FeedForward(nn.Module):
    """Two linear layers, four times as wide between them, without the residual: 8·N·d²."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """B,N,d -> B,N,d."""
        out: Tensor = self.narrow(F.gelu(self.widen(self.norm(tokens))))
        return out


class LatentTransformer(nn.Module):
    """Blocks of attention, sampling and decoding where the block samples, and feed-forward."""

    def __init__(self, shape: LatentShape) -> None:
        super().__init__()
        self.attention = nn.ModuleList(
            SelfAttention(shape.width, shape.heads) for _ in range(shape.blocks)
        )
        self.products = AttentionProducts()
        self.sampling = SparseSampling(
            shape.width, shape.points, fixed=shape.fixed, axes=shape.axes, norms=shape.norms
        )
        self.decoding = Decoding(
            shape.width, shape.channels, shape.points, shape.mixing, shape.norms
        )
        self.feed_forward = nn.ModuleList(FeedForward(shape.width) for _ in range(shape.blocks))
        self.loss_scale = 1.0

    def attend(self, tokens: Tensor, index: int, drop: float) -> Tensor:
        """Tokens and what they attend to: t + MHA(LN(t)), with the weights of one block."""
        update = self.attention[index](tokens, self.products)
        return self.added(tokens, update, drop)

    def read(self, latent: Latent, feature_map: Tensor, drop: float) -> tuple[Latent, Glimpse]:
        """Adjust RoIs, sample B,C,H,W and decode, all from the same tokens."""
        tokens, rois = latent
        glimpse = self.sampling.look(tokens, rois, self.mask(tokens, drop))
        features = self.sampling(feature_map, glimpse.points, self.loss_scale).to(tokens.dtype)
        update = self.decoding(features, tokens)
        return Latent(self.added(tokens, update, drop), glimpse.rois), glimpse

    def feed(self, tokens: Tensor, index: int, drop: float) -> Tensor:
        """Tokens, each by itself: t + FFN(LN(t)), with the weights of one block."""
        return self.added(tokens, self.feed_forward[index](tokens), drop)

    def added(self, tokens: Tensor, update: Tensor, drop: float) -> Tensor:
        """The residual, with stochastic depth."""
        mask = self.mask(update, drop)
        return tokens + (update if mask is None else update * mask)

    def mask(self, tokens: Tensor, drop: float) -> Tensor | None:
        """B,1,1: 0 for samples that leave a branch out, 1/(1−drop) else; None while evaluating."""
        if not self.training or not drop:
            return None
        kept = torch.empty_like(tokens[:, :1, :1]).bernoulli_(1 - drop)
        return kept / (1 - drop)


class Focusing(LatentTransformer):
    """One block that samples, repeated with the same weights."""

    def forward(
        self, latent: Latent, feature_map: Tensor, drops: list[float]
    ) -> tuple[Latent, list[Glimpse]]:
        """As many repeats as there are rates of stochastic depth."""
        glimpses: list[Glimpse] = []
        for drop in drops:
            latent = latent._replace(tokens=self.attend(latent.tokens, 0, drop))
            latent, glimpse = self.read(latent, feature_map, drop)
            latent = latent._replace(tokens=self.feed(latent.tokens, 0, drop))
            glimpses.append(glimpse)
        return latent, glimpses


class Cortex(LatentTransformer):
    """Blocks with weights of their own, of which the first samples once more."""

    def forward(
        self, latent: Latent, feature_map: Tensor, drops: list[float]
    ) -> tuple[Latent, list[Glimpse]]:
        """One rate of stochastic depth per block."""
        glimpses: list[Glimpse] = []
        for index, drop in enumerate(drops):
            latent = latent._replace(tokens=self.attend(latent.tokens, index, drop))
            if index == 0:
                latent, glimpse = self.read(latent, feature_map, drop)
                glimpses.append(glimpse)
            latent = latent._replace(tokens=self.feed(latent.tokens, index, drop))
        return latent, glimpses
