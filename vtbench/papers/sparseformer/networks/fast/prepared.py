"""The blocks of a SparseFormer as the fast path runs them, one after the other, and their weights.

Where tokens look, how their RoIs move and what they mix with comes of one product: offsets are
centred in its weights, and the gains and biases of three norms are part of it. With the library's
norms, the generator's has an epsilon of its own, and it stands alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor, nn

from vtbench.papers.sparseformer.networks.adaptive_mixing import Generator, Mixing
from vtbench.papers.sparseformer.networks.body import SparseBody
from vtbench.papers.sparseformer.networks.latent_transformers import (
    FeedForward,
    LatentTransformer,
    SelfAttention,
)
from vtbench.papers.sparseformer.networks.sampling import (
    NORM_EPS,
    RoIAdjustment,
    SamplingPoints,
)

Multiply = Callable[[Tensor], Tensor]
"""A linear layer with its weights."""
Prepare = Callable[[Tensor, Tensor | None], Multiply]
"""From weights and bias to a linear layer; inference packs the weights here."""
Attend = Callable[[Tensor, int], Tensor]
"""From queries, keys and values B,N,3·d and a number of heads to what queries take, B,N,d."""
Part = tuple[nn.LayerNorm, Tensor, Tensor]
"""A norm, and weight and bias of the linear layer that reads it."""


class Kernels(NamedTuple):
    """How a net's blocks compute what has more than one way."""

    prepare: Prepare
    attend: Attend
    in_place: bool
    """Whether nobody needs what an operator was given, such as a gradient."""


def as_they_are(weight: Tensor, bias: Tensor | None) -> Multiply:
    """The linear layer of torch."""
    return lambda x: F.linear(x, weight, bias)


class PreparedBlock(NamedTuple):
    """Attention and feed-forward network."""

    heads: int
    attention_norm: nn.LayerNorm
    qkv: Multiply
    attend: Attend
    in_place: bool
    out: Multiply
    feed_forward_norm: nn.LayerNorm
    widen: Multiply
    narrow: Multiply


class PreparedSampling(NamedTuple):
    """Sampling and decoding."""

    heads: Multiply
    """d -> 4+2·P+d/4: deltas, offsets by axis, and what the generator works on."""
    reduce: Multiply | None
    """d -> d/4, with its norm, if the epsilon of that is its own; ``heads`` lacks it then."""
    channel: Multiply
    """d/4 -> C²."""
    point: Multiply
    """d/4 -> P²."""
    mixing: Mixing
    in_place: bool
    output: Multiply
    points: int
    eps: float
    clamps: bool


class BlockRun(NamedTuple):
    """One block as it is run: a repeat of the focusing transformer, or a block of the cortex."""

    transformer: LatentTransformer
    """Whose stochastic depth and scale of the loss hold."""
    enter: Multiply
    """Before the first block of the cortex, the bridge."""
    block: PreparedBlock
    reader: PreparedSampling | None
    drop: float


def block_runs_of(net: SparseBody, kernels: Kernels) -> list[BlockRun]:
    """All that a net does between its stem and its head, each linear layer prepared."""
    runs: list[BlockRun] = []
    prepare = kernels.prepare
    if net.focusing is not None:
        block, reader = _block(net.focusing, 0, kernels), _reader(net.focusing, kernels)
        runs += [BlockRun(net.focusing, _as_it_is, block, reader, drop) for drop in net.drops[0]]
    bridge, norm = prepare(net.bridge.linear.weight, net.bridge.linear.bias), net.bridge.norm
    for index, drop in enumerate(net.drops[1]):
        block = _block(net.cortex, index, kernels)
        if index == 0:
            reader = _reader(net.cortex, kernels)
            runs.append(BlockRun(net.cortex, lambda x: norm(bridge(x)), block, reader, drop))
        else:
            runs.append(BlockRun(net.cortex, _as_it_is, block, None, drop))
    return runs


def _as_it_is(tokens: Tensor) -> Tensor:
    return tokens


def _block(transformer: LatentTransformer, index: int, kernels: Kernels) -> PreparedBlock:
    prepare = kernels.prepare
    attention = cast("SelfAttention", transformer.attention[index])
    feed_forward = cast("FeedForward", transformer.feed_forward[index])
    return PreparedBlock(
        heads=attention.heads,
        attention_norm=attention.norm,
        qkv=prepare(attention.qkv.weight, attention.qkv.bias),
        attend=kernels.attend,
        in_place=kernels.in_place,
        out=prepare(attention.out.weight, attention.out.bias),
        feed_forward_norm=feed_forward.norm,
        widen=prepare(feed_forward.widen.weight, feed_forward.widen.bias),
        narrow=prepare(feed_forward.narrow.weight, feed_forward.narrow.bias),
    )


def _reader(transformer: LatentTransformer, kernels: Kernels) -> PreparedSampling:
    prepare = kernels.prepare
    sampling, decoding = transformer.sampling, transformer.decoding
    adjustment, points = sampling.adjustment, sampling.points
    generator, mixing = decoding.generator, decoding.mixing
    assert isinstance(adjustment, RoIAdjustment)  # noqa: S101 - the constructor saw to these four
    assert isinstance(points, SamplingPoints)  # noqa: S101
    assert isinstance(generator, Generator)  # noqa: S101
    assert isinstance(mixing, Mixing)  # noqa: S101
    expand, square = generator.expand, generator.channels**2
    seeing = _seeing(adjustment, points)
    reduce: Part = (generator.norm, generator.reduce.weight, generator.reduce.bias)
    alone = generator.norm.eps != NORM_EPS
    return PreparedSampling(
        heads=prepare(*_merged(seeing if alone else [*seeing, reduce])),
        reduce=_alone(reduce, prepare) if alone else None,
        channel=prepare(expand.weight[:square], expand.bias[:square]),
        point=prepare(expand.weight[square:], expand.bias[square:]),
        mixing=mixing,
        in_place=kernels.in_place,
        output=prepare(decoding.output.weight, decoding.output.bias),
        points=points.points,
        eps=points.eps,
        clamps=sampling.clamps,
    )


def _seeing(adjustment: RoIAdjustment, points: SamplingPoints) -> list[Part]:
    """Deltas, and offsets that come out by axis and less their mean over P."""
    offsets = points.linear.weight.view(points.points, 2, -1).transpose(0, 1)  # 2,P,d
    offset_bias = points.linear.bias.view(points.points, 2).t()  # 2,P
    offsets = (offsets - offsets.mean(1, keepdim=True)).flatten(0, 1)
    offset_bias = (offset_bias - offset_bias.mean(1, keepdim=True)).flatten()
    delta = adjustment.linear.weight
    return [
        (adjustment.norm, delta, delta.new_zeros(len(delta))),
        (points.norm, offsets, offset_bias),
    ]


def _alone(part: Part, prepare: Prepare) -> Multiply:
    """A norm and its linear layer, from tokens that nothing has normalised."""
    norm, linear = part[0], prepare(*_merged([part]))
    return lambda tokens: linear(F.layer_norm(tokens, tokens.shape[-1:], eps=norm.eps))


def _merged(parts: list[Part]) -> tuple[Tensor, Tensor]:
    """Norms and linear layers as one layer on normalised tokens: a weight and a bias."""
    weights = [weight * norm.weight for norm, weight, _ in parts]
    biases = [bias + (weight * norm.bias).sum(1) for norm, weight, bias in parts]
    return torch.cat(weights), torch.cat(biases)
