"""The function of a SparseFormer, computed faster: what ``path=fast`` runs, on the same weights.

Every step is an exact rewrite of the plain one:

- Sampling reads rows of channels (``row_sampling``).
- RoIs are kept as centre and size. Adjustment, offsets and generator read the same tokens, so one
  norm and one product serve all three; offsets are centred in its weights.
- Scores stand keys by queries: then the softmax and both products of attention run along rows.
- The classifier reads the mean of the tokens, so the last linear layer before it takes the mean of
  what it would have been given: one row in place of N.

``inference`` says what inference does beyond that. Modules are read and not called, but
for the head, so their hooks stay silent, and all MACs of a count belong to the net as a whole.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor

from vtbench.papers.sparseformer.networks.body import SparseBody
from vtbench.papers.sparseformer.networks.fast.prepared import (
    BlockRun,
    PreparedBlock,
    PreparedSampling,
)
from vtbench.papers.sparseformer.networks.fast.row_sampling import Rows, gathered, taps
from vtbench.papers.sparseformer.networks.sampling import (
    NORM_EPS,
    Glimpse,
    at_least_fp32,
    restricted,
)


class Region(NamedTuple):
    """RoIs as centre and size, B,N,2 each."""

    centre: Tensor
    size: Tensor

    def moved(self, deltas: Tensor) -> Region:
        """RoIs adjusted by B,N,4."""
        shift, growth = deltas.chunk(2, dim=-1)
        return Region(self.centre + shift * self.size, self.size * growth.exp())

    def rois(self) -> Tensor:
        """B,N,4: corners."""
        return torch.cat((self.centre - self.size / 2, self.centre + self.size / 2), dim=-1)


class SamplingPlan(NamedTuple):
    """What tokens decide before they see: where to look, and how to decode."""

    region: Region
    points: Tensor
    """B,N,2,P."""
    hidden: Tensor
    """B,N,d/4: what mixing weights are made of."""

    def glimpse(self) -> Glimpse:
        """The same as the plain path tells it."""
        # A copy, because the first look's points are kept.
        return Glimpse(self.region.rois(), self.points.transpose(-1, -2).clone())


def planned(
    reader: PreparedSampling, tokens: Tensor, region: Region, mask: Tensor | None
) -> SamplingPlan:
    """Tokens B,N,d and the RoIs they have -> where they look, and what they decode with."""
    normed = F.layer_norm(tokens, tokens.shape[-1:], eps=NORM_EPS)
    both = 2 * reader.points
    heads = reader.heads(normed)
    deltas, offsets = at_least_fp32(heads[..., :4]), at_least_fp32(heads[..., 4 : 4 + both])
    region = region.moved(deltas if mask is None else deltas * mask)
    offsets = offsets.reshape(*offsets.shape[:-1], 2, reader.points)  # B,N,2,P
    deviation = torch.linalg.vector_norm(offsets, dim=-1, keepdim=True)
    deviation = deviation * (reader.points - 1) ** -0.5
    spread = region.size[..., None] / (3 * (deviation + reader.eps))
    points = torch.addcmul(region.centre[..., None], offsets, spread)
    hidden = heads[..., 4 + both :].contiguous() if reader.reduce is None else reader.reduce(tokens)
    return SamplingPlan(region, points, hidden)


def generated(reader: PreparedSampling, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """B,N,d/4 -> M_c B,N,C,C and M_s B,N,P,P."""
    channels, points = len(reader.mixing.channel_bias), reader.points
    return (
        reader.channel(hidden).view(*hidden.shape[:2], channels, channels),
        reader.point(hidden).view(*hidden.shape[:2], points, points),
    )


def gelu(x: Tensor, *, in_place: bool, out: Tensor | None = None) -> Tensor:
    """GELU, into ``out`` or what it was given where that may be."""
    if not in_place:
        return F.gelu(x)
    done: Tensor = torch.ops.aten.gelu.out(x, out=x if out is None else out)
    return done


def mixed(
    reader: PreparedSampling, features: Tensor, weights: tuple[Tensor, Tensor], out: Tensor | None
) -> Tensor:
    """Features B·N·P,C -> B,N,P·C, in ``out`` where the reader works in place."""
    mixing, (channel_weights, point_weights) = reader.mixing, weights
    x = features.to(channel_weights.dtype)
    x = x.view(-1, reader.points, x.shape[-1])  # B·N,P,C
    images = len(x) // channel_weights.shape[1]
    channel_weights = channel_weights.expand(images, -1, -1, -1).flatten(0, 1)
    point_weights = point_weights.expand(images, -1, -1, -1).flatten(0, 1)
    in_place = reader.in_place
    y = torch.baddbmm(mixing.channel_bias.to(x.dtype), x, channel_weights)
    y = gelu(y, in_place=in_place)
    z = torch.baddbmm(mixing.point_bias.to(x.dtype)[:, None], point_weights, y)
    z = gelu(z, in_place=in_place, out=None if out is None else out.view(z.shape))
    return z.view(images, -1, z.shape[1] * z.shape[2])


def attention_update(block: PreparedBlock, tokens: Tensor, at_once: int) -> Tensor:
    """What tokens B,N,d take from each other, B,N,d; so many images at once."""
    norm = block.attention_norm
    normed = F.layer_norm(tokens, tokens.shape[-1:], norm.weight, norm.bias, norm.eps)
    qkv = block.qkv(normed)
    if at_once >= len(qkv):
        return block.out(block.attend(qkv, block.heads).to(qkv.dtype))
    values = qkv.new_empty(tokens.shape)
    for part, place in zip(in_parts(qkv, at_once), in_parts(values, at_once), strict=True):
        place.copy_(block.attend(part, block.heads))
    return block.out(values)


def attended_values(qkv: Tensor, heads: int) -> Tensor:
    """Queries, keys and values B,N,3·d -> what the queries take, B,N,d."""
    query, key, value = by_head(qkv, heads)
    scores = scaled_scores(query, key, key.shape[-1] ** -0.5)
    return by_token(torch.bmm(value.transpose(1, 2), scores.softmax(dim=1)), qkv)


def scaled_scores(query: Tensor, key: Tensor, scale: float) -> Tensor:
    """Products of queries and keys B·h,N,d/h each -> B·h,N,N, keys by queries."""
    nothing = key.new_zeros(1, 1, 1)
    return torch.baddbmm(nothing, key, query.transpose(1, 2), beta=0, alpha=scale)


def by_head(qkv: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:
    """B,N,3·d -> queries, keys and values, B·h,N,d/h each."""
    batch, number, _ = qkv.shape
    # Products this small gain nothing from half precision on a CPU.
    wide = qkv if qkv.is_cuda else at_least_fp32(qkv)
    wide = wide.view(batch, number, 3, heads, -1).permute(2, 0, 3, 1, 4)  # 3,B,h,N,d/h
    query, key, value = wide.unbind(0)
    return query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1)


def by_token(values: Tensor, qkv: Tensor) -> Tensor:
    """B·h,d/h,N -> B,N,d."""
    batch, number, _ = qkv.shape
    return values.view(batch, -1, number).transpose(1, 2)


def in_parts(batch: Tensor, at_once: int) -> list[Tensor]:
    """A batch in parts of so many images, the last of which may be smaller."""
    return [batch[start : start + at_once] for start in range(0, batch.shape[0], at_once)]


def joined(some: list[Tensor]) -> Tensor:
    """Parts of a batch, put together."""
    return some[0] if len(some) == 1 else torch.cat(some)


def feed_forward_update(block: PreparedBlock, tokens: Tensor, *, pooled: bool = False) -> Tensor:
    """What the feed-forward network adds to tokens B,N,d, or the mean of it over tokens, B,1,d."""
    norm = block.feed_forward_norm
    normed = F.layer_norm(tokens, tokens.shape[-1:], norm.weight, norm.bias, norm.eps)
    wide = gelu(block.widen(normed), in_place=block.in_place)
    return block.narrow(_mean(wide, in_place=block.in_place) if pooled else wide)


def _mean(tokens: Tensor, *, in_place: bool) -> Tensor:
    """The mean of B,N,d over tokens, B,1,d; as a product where nobody counts products.

    A CPU widens bf16 before it sums them, which takes longer.
    """
    if not in_place:
        return tokens.mean(dim=1, keepdim=True)
    batch, number, _ = tokens.shape
    nothing, ones = tokens.new_zeros(1, 1, 1), tokens.new_ones(1, 1, 1).expand(batch, 1, number)
    return torch.baddbmm(nothing, ones, tokens, beta=0, alpha=1 / number)


class KnownSampling(NamedTuple):
    """What a look needs no image for, while weights stand still."""

    rows: Tensor
    """B·N·P,4: of the largest part of a batch."""
    shares: Tensor
    """B·N·P,4."""
    weights: tuple[Tensor, Tensor]
    """M_c 1,N,C,C and M_s 1,N,P,P."""
    taps_per_image: int

    def of(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """The taps of a part of the batch."""
        end = rows.grid.shape[0] * self.taps_per_image
        return self.rows[:end], self.shares[:end]


class Prologue(NamedTuple):
    """What a net does before it sees the image: the same for all images."""

    tokens: Tensor
    """B,N,d: after the first attention."""
    plan: SamplingPlan
    known: KnownSampling | None = None


def until_sampling(
    run: BlockRun, tokens: Tensor, region: Region, at_once: int
) -> tuple[Tensor, SamplingPlan | None]:
    """A block until it samples: tokens B,N,d after attention, and where they look."""
    transformer, drop = run.transformer, run.drop
    tokens = run.enter(tokens)
    tokens = transformer.added(tokens, attention_update(run.block, tokens, at_once), drop)
    if run.reader is None:
        return tokens, None
    return tokens, planned(run.reader, tokens, region, transformer.mask(tokens, drop))


def decoded(
    reader: PreparedSampling,
    rows: list[Rows],
    plan: SamplingPlan,
    known: KnownSampling | None,
    scale: float,
) -> Tensor:
    """What tokens read from a map in parts, B,N,d; gradients up to one row of the map."""
    points = plan.points
    if reader.clamps:
        points = restricted(points, scale / rows[0].grid.shape[1])
    read: list[Tensor] = []
    whole = _room(reader, rows, plan)
    start = 0
    for part in rows:
        own = slice(start, start + part.grid.shape[0])
        start = own.stop
        if known is None:
            tap, weights = taps(part.grid, points[own]), generated(reader, plan.hidden[own])
        else:
            tap, weights = known.of(part), known.weights
        out = None if whole is None else whole[own]
        read.append(mixed(reader, gathered(part, *tap), weights, out))
    return reader.output(joined(read) if whole is None else whole)


def _room(reader: PreparedSampling, rows: list[Rows], plan: SamplingPlan) -> Tensor | None:
    """Where the parts of a batch write what they read, B,N,P·C; None if they are joined."""
    if len(rows) == 1 or not reader.in_place:
        return None
    batch, number = plan.points.shape[:2]
    return plan.hidden.new_empty(batch, number, reader.points * rows[0].values.shape[1])


def prologue_of(net: SparseBody, runs: list[BlockRun], rows: list[Rows]) -> Prologue:
    """The first attention and the first look, for as many images as there are maps."""
    maps = joined([part.feature_map()[:, :1, :1, :1] for part in rows])
    tokens, rois = net.initial(maps)
    low, high = rois.chunk(2, dim=-1)
    region = Region((low + high) / 2, (high - low).abs())
    tokens, plan = until_sampling(runs[0], tokens, region, len(tokens))
    assert plan is not None  # noqa: S101 - the first block of either transformer samples
    return Prologue(tokens, plan)


def known_sampling_of(run: BlockRun, rows: Rows, plan: SamplingPlan) -> KnownSampling:
    """What the first look comes to, for parts of a batch no larger than this one."""
    assert run.reader is not None  # noqa: S101 - the first block of either transformer samples
    images, number = rows.grid.shape[0], plan.points.shape[1]
    index, shares = taps(rows.grid, plan.points[:images])
    weights = generated(run.reader, plan.hidden[:1])
    return KnownSampling(index, shares, weights, number * run.reader.points)


def last_tokens(
    runs: list[BlockRun], rows: list[Rows], first: Prologue, *, pooled: bool
) -> tuple[Tensor, list[SamplingPlan]]:
    """What is left: the last tokens B,N,d or their mean B,1,d, and where each stage looked."""
    tokens, plan, known = first
    at_once = rows[0].grid.shape[0]
    plans: list[SamplingPlan] = []
    for place, run in enumerate(runs):
        if place:
            tokens, found = until_sampling(run, tokens, plan.region, at_once)
            plan, known = found or plan, None
        if run.reader is not None:
            update = decoded(run.reader, rows, plan, known, run.transformer.loss_scale)
            tokens = run.transformer.added(tokens, update, run.drop)
            plans.append(plan)
        mean = pooled and run is runs[-1]
        update = feed_forward_update(run.block, tokens, pooled=mean)
        tokens = tokens.mean(dim=1, keepdim=True) if mean else tokens
        tokens = run.transformer.added(tokens, update, run.drop)
    return tokens, plans
