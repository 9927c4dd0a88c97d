"""Methods that merge or drop between attention and MLP, at every block."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from vtbench.errors import BadOption
from vtbench.reduce.schedules.before_mlp_stages import given_counts
from vtbench.reduce.schedules.body import Body
from vtbench.reduce.schedules.counts import (
    Blocks,
    PerBlock,
    Rates,
    halved,
    pairs,
    removed,
    share,
    steps_between,
)
from vtbench.reduce.schedules.layer import Layer, Overhead, Schedule, cut

NINE_TENTHS = Fraction(9, 10)
HALF = Fraction(1, 2)
_WIDE = 1024
"""From this width on, DTEM's embedding has the channels of two heads."""

_FIXED_R = 8
"""What LTMP drops at every block if no thresholds decide."""

Going = Callable[[int, int], int]
"""Tokens that go, from the block and the tokens that come in."""


def _blocks(body: Body, going: Going) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    tokens = body.tokens
    for block in range(body.depth):
        left = tokens - going(block, tokens)
        if left < body.prefix + 1 and left < tokens:
            raise BadOption(
                f"Block {block} would have {left - body.prefix} of {tokens - body.prefix} patches "
                "left; remove fewer."
            )
        layers.append(cut(tokens, left))
        tokens = left
    return tuple(layers)


def _each(name: str, layers: Sequence[Layer], macs: Callable[[Layer], int]) -> tuple[Overhead, ...]:
    """An overhead at every block; those of nothing are left out."""
    found = (
        Overhead(name=name, macs=macs(layer), block=block) for block, layer in enumerate(layers)
    )
    return tuple(each for each in found if each.macs)


def _going(body: Body, r: PerBlock, keep_rate: Rates | None, blocks: Blocks) -> tuple[int, ...]:
    """What goes at every block: r as it is given, or so that shares are left at some blocks."""
    if keep_rate is None and blocks is not None:
        raise BadOption("blocks: only with keep_rate; r alone is of every block.")
    return removed(body, r) if keep_rate is None else steps_between(body, keep_rate, blocks)


def tome(
    body: Body, *, r: PerBlock = 13, keep_rate: Rates | None = None, blocks: Blocks = None
) -> Schedule:
    """R pairs merge, at most half of the patches; ⌈n/2⌉·⌊n/2⌋·d to find them.

    The similarities are of keys, averaged over the heads to d channels, for all tokens.
    """
    gone = _going(body, r, keep_rate, blocks)
    layers = _blocks(body, lambda block, tokens: halved(gone[block], tokens, body.prefix))
    return Schedule(
        body=body,
        layers=layers,
        overheads=_each(
            "matching", layers, lambda at: pairs(at.q) * body.head_dim if at.left < at.q else 0
        ),
    )


def tofu(body: Body, *, ratio: Rates = NINE_TENTHS) -> Schedule:
    """⌊n - n·ratio⌋ of n tokens go, found as ToMe finds them, at most half of the patches."""
    ratios = share(body, ratio)
    if min(ratios) < HALF:
        raise BadOption(f"ratio={min(ratios):g}: at most half of the patches merge in one block.")
    layers = _blocks(
        body,
        lambda block, tokens: halved(
            math.floor(tokens - tokens * ratios[block]), tokens, body.prefix
        ),
    )
    return Schedule(
        body=body,
        layers=layers,
        overheads=_each(
            "matching", layers, lambda at: pairs(at.q) * body.head_dim if at.left < at.q else 0
        ),
    )


def pitome(
    body: Body,
    *,
    ratio: Rates | None = None,
    r: PerBlock | None = None,
    keep_rate: Rates | None = None,
    blocks: Blocks = None,
) -> Schedule:
    """⌊T - T·ratio⌋ of T patches merge; similarities of every patch with every patch, T²·d.

    With r or a keep rate in the place of the ratio, so many go, at most half of the patches.
    """
    if ratio is not None and (r is not None or keep_rate is not None):
        raise BadOption("ratio, r and keep_rate exclude each other; give one of them.")
    ratios = share(body, NINE_TENTHS if ratio is None else ratio)
    gone = None if r is None and keep_rate is None else _going(body, r or 0, keep_rate, blocks)

    def going(block: int, tokens: int) -> int:
        patches = tokens - body.prefix
        if gone is not None:
            return halved(gone[block], tokens, body.prefix)
        wanted = math.floor(patches - patches * ratios[block])
        if 2 * wanted > patches:
            raise BadOption(
                f"ratio={ratios[block]:g}: at most half of the patches merge in one block."
            )
        return wanted

    layers = _blocks(body, going)
    return Schedule(
        body=body,
        layers=layers,
        overheads=_each(
            "similarities",
            layers,
            lambda at: (at.q - body.prefix) ** 2 * body.head_dim if at.left < at.q else 0,
        ),
    )


def dtem(
    body: Body,
    *,
    r: PerBlock = 12,
    feature_dim: int | None = None,
    keep_rate: Rates | None = None,
    blocks: Blocks = None,
) -> Schedule:
    """ToMe's rule on an embedding of f channels, which every block computes: n·C·f.

    f is the channels of a head, of two heads from a width of 1024 on.
    """
    dim = feature_dim or body.head_dim * (1 if body.width < _WIDE else 2)
    gone = _going(body, r, keep_rate, blocks)
    layers = _blocks(body, lambda block, tokens: halved(gone[block], tokens, body.prefix))
    embedded = tuple(
        Overhead(
            name="embedding", macs=at.q * body.width * dim, weights=body.width * dim, block=block
        )
        for block, at in enumerate(layers)
    )
    matched = _each("matching", layers, lambda at: pairs(at.q) * dim if at.left < at.q else 0)
    return Schedule(
        body=body,
        layers=layers,
        overheads=embedded + matched,
        parameters=body.depth * (body.width * dim + dim),
    )


def gtp(
    body: Body,
    *,
    r: PerBlock = 8,
    graph: str = "mixed",
    token_scale: bool = False,
    keep_rate: Rates | None = None,
    blocks: Blocks = None,
) -> Schedule:
    """R patches are handed on to those that stay: r·(T - r)·C, or C + 1 if tokens carry a scale.

    Once, a graph of the image's patches: P²·C for their similarities, which a spatial one has not,
    and 2·P³ to normalise it.
    """
    gone = _going(body, r, keep_rate, blocks)
    layers = _blocks(body, lambda block, _: gone[block])
    channels = body.width + int(token_scale)
    similar = 0 if graph == "spatial" else body.patches**2 * body.width
    once = Overhead(name="graph", macs=similar + 2 * body.patches**3)
    handed = _each(
        "propagation", layers, lambda at: (at.q - at.left) * (at.left - body.prefix) * channels
    )
    return Schedule(body=body, layers=layers, overheads=(once, *handed))


def ltmp(
    body: Body,
    *,
    fixed: bool = False,
    r: PerBlock | None = None,
    tokens_left: Sequence[int] | None = None,
) -> Schedule:
    """Thresholds merge and drop as the image has it, so the bound keeps all tokens.

    Matching is paid at every block. ``tokens_left`` are counts that were seen, the prefix among
    them; ``fixed`` drops r at every block instead, 8 unless it is given, and matches nothing.
    """
    if fixed and tokens_left is not None:
        raise BadOption("tokens_left and fixed exclude each other; give one of them.")
    if r is not None and not fixed:
        raise BadOption("r: only with fixed; thresholds decide how many tokens go otherwise.")
    if fixed:
        gone = removed(body, _FIXED_R if r is None else r)
        layers = _blocks(body, lambda block, tokens: halved(gone[block], tokens, body.prefix))
        return Schedule(body=body, layers=layers)
    seen = tokens_left or (body.tokens,) * body.depth
    layers = given_counts(body, seen, "tokens_left")
    return Schedule(
        body=body,
        layers=layers,
        overheads=_each("matching", layers, lambda at: pairs(at.q) * body.head_dim),
        parameters=2 * body.depth,
        bound=tokens_left is None,
    )
