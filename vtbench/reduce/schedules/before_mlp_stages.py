"""Methods that cut between attention and MLP, at a few blocks.

A block there has tuple (n, n, n, n, m): attention sees what comes in, the MLP what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from vtbench.errors import BadOption
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.counts import (
    Blocks,
    PerBlock,
    Rates,
    alike,
    each_stage,
    halved,
    kept,
    pairs,
    stages,
)
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule, cut, whole

SEVEN_TENTHS = Fraction(7, 10)


def _cut_at(body: Body, left_of: Mapping[int, Callable[[int], int]]) -> tuple[Layer, ...]:
    """A cut at some blocks: tokens that come in -> tokens that are left."""
    layers: list[Layer] = []
    tokens = body.tokens
    for block in range(body.depth):
        left = left_of[block](tokens) if block in left_of else tokens
        layers.append(cut(tokens, left))
        tokens = left
    return tuple(layers)


def evit(
    body: Body,
    *,
    keep_rate: Rates = SEVEN_TENTHS,
    fused_token: bool = True,
    rounding: str = "ceil_current",
    blocks: Blocks = None,
) -> Schedule:
    """⌈keep·T⌉ of T patches present and a fused token, which is an ordinary one at the next cut.

    Nothing is cut, and nothing fused, if that is all of them. ``int_original`` counts from the
    patches of the image instead.
    """
    extra = body.prefix + int(fused_token)
    at = stages(body, blocks)

    def rounded_up(rate: float) -> Callable[[int], int]:
        def left(tokens: int) -> int:
            present = tokens - body.prefix
            stay = math.ceil(rate * present)
            return tokens if stay == present else stay + extra

        return left

    def of_the_image(stay: int) -> Callable[[int], int]:
        return lambda tokens: tokens if stay >= tokens - body.prefix else stay + extra

    if rounding == "int_original":
        found = {block: of_the_image(stay) for block, stay in kept(body, keep_rate, at).items()}
    else:
        rates = alike(keep_rate, len(at))
        found = {block: rounded_up(rate) for block, rate in zip(at, rates, strict=True)}
    return Schedule(body=body, layers=_cut_at(body, found))


def topk(
    body: Body,
    *,
    keep_rate: Rates = SEVEN_TENTHS,
    rounding: str = "int_original",
    blocks: Blocks = None,
) -> Schedule:
    """The same cut without a fused token, counted from the patches of the image."""
    return evit(body, keep_rate=keep_rate, fused_token=False, rounding=rounding, blocks=blocks)


def atc(body: Body, *, keep_rate: Rates = SEVEN_TENTHS, blocks: Blocks = None) -> Schedule:
    """Clusters of patches: similarities of all tokens, channels of one head each."""
    stay = kept(body, keep_rate, blocks)
    layers = _cut_at(body, {block: _at_most(body, count) for block, count in stay.items()})
    # n · n · d
    overheads = [
        Overhead(name="similarities", macs=layers[block].q ** 2 * body.head_dim, block=block)
        for block in stay
    ]
    return Schedule(body=body, layers=layers, overheads=tuple(overheads))


def _at_most(body: Body, count: int) -> Callable[[int], int]:
    return lambda tokens: min(count + body.prefix, tokens)


def ppt(body: Body, *, r: PerBlock = 50, mode: str = "merged", blocks: Blocks = None) -> Schedule:
    """R patches go at each stage, pruned or merged; each image decides which, the count does not.

    Only merging forms the similarities of one half with the other.
    """
    at = stages(body, blocks)
    gone = each_stage(r, len(at))
    layers = _cut_at(
        body, {block: _merged(body, each) for block, each in zip(at, gone, strict=True)}
    )
    overheads = tuple(
        Overhead(name="matching", macs=pairs(layers[block].q) * body.head_dim, block=block)
        for block in at
        if mode == "merged" and layers[block].left < layers[block].q
    )
    return Schedule(body=body, layers=layers, overheads=overheads, bound=mode == "merged")


def _merged(body: Body, r: int) -> Callable[[int], int]:
    return lambda tokens: tokens - halved(r, tokens, body.prefix)


def fpet(body: Body, *, r_layer: int | None = None, hidden: int = 32) -> Schedule:
    """Once, one half of a checkerboard of patches joins the other.

    An adapter of the keys, 2·n·d·hidden; similarities of sources and targets, s·t·d; and the mean
    of each target and its sources as a product with their features and sizes, s·t·(C + 1).
    """
    at = body.depth // 2 if r_layer is None else r_layer
    stages(body, (at,))
    sources = body.patches // 2
    targets = body.tokens - sources
    layers = _cut_at(body, {at: lambda _: targets})
    adapter = 2 * body.head_dim * hidden
    overheads = (
        Overhead(name="key_adapter", macs=body.tokens * adapter, weights=adapter, block=at),
        Overhead(name="matching", macs=sources * targets * body.head_dim, block=at),
        Overhead(name="merging", macs=sources * targets * (body.width + 1), block=at),
    )
    return Schedule(body=body, layers=layers, overheads=overheads, parameters=None)


def given_counts(body: Body, counts: Sequence[int], name: str) -> tuple[Layer, ...]:
    """Blocks whose tokens after each cut, the prefix among them, are listed; none grows."""
    if len(counts) != body.depth:
        raise BadOption(f"{name} has {len(counts)} numbers, and there are {body.depth} blocks.")
    if min(counts) < 1:
        raise BadOption(f"{name}: expected at least one token, got {min(counts)}.")
    layers: list[Layer] = []
    tokens = body.tokens
    for count in counts:
        layers.append(cut(tokens, min(tokens, int(count))))
        tokens = layers[-1].left
    return tuple(layers)


def dense(body: Body) -> tuple[Layer, ...]:
    """Every block on all tokens."""
    return tuple(whole(body.tokens) for _ in range(body.depth))
