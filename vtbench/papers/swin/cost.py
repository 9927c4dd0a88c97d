"""Swin as cost models: attention within windows of maps that shrink from stage to stage."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import msgspec

from vtbench.data.cost import symbols
from vtbench.data.cost.model import CostModel, Rule, Values
from vtbench.data.cost.terms import Amount, Term, ceiling, convolution, divided, product, under
from vtbench.data.cost.tokens import feed_forward, stacked
from vtbench.papers.swin.rows import PAPER

WINDOW = 7
"""Side of a window."""
STRIDE = 32
"""By how much the last map is smaller than the image."""
LEAST = 128
"""From here on, every map but the last holds a window."""

_MAPS = Rule(
    symbols=("H", "W"),
    sentence="maps are halved without a rest and all but the last hold a window, so H and W are "
    "multiples of 32 from 128",
    holds=lambda at: at["H"] % STRIDE == at["W"] % STRIDE == 0 and min(at["H"], at["W"]) >= LEAST,
)


class Swin(msgspec.Struct, frozen=True, kw_only=True):
    """What tells one Swin transformer from another."""

    width: int
    """Channels of the first stage; every later one has twice as many as the one before."""
    layers: tuple[int, int, int, int]


SWINS = {
    "t": Swin(width=96, layers=(2, 2, 6, 2)),
    "s": Swin(width=96, layers=(2, 2, 18, 2)),
    "b": Swin(width=128, layers=(2, 2, 18, 2)),
}


def swin(net: Swin, height: Amount, width: Amount, classes: Amount) -> tuple[Term, ...]:
    """Four stages; before each but the first, four neighbours become one position.

    Height and width are such that only the last map may be smaller than a window, and is then one.
    """
    terms: list[Term] = [
        convolution("patches", (3, net.width), divided(height, 4) * divided(width, 4), kernel=4)
    ]
    for stage, layers in enumerate(net.layers):
        stride, channels = 4 * 2**stage, net.width * 2**stage
        sides = (divided(height, stride), divided(width, stride))
        if stage:
            merged = convolution("merging", (2 * channels, channels), sides[0] * sides[1])
            terms += under(f"stage{stage + 1}", (merged,))
        last = stage == len(net.layers) - 1
        windows = tuple(_least(WINDOW, side) if last else WINDOW for side in sides)
        blocks = stacked(_windowed(sides, windows, channels), layers)
        terms += under(f"stage{stage + 1}", blocks)
    return (*terms, convolution("head", (net.width * 2 ** (len(net.layers) - 1), classes), 1))


def _windowed(
    sides: tuple[Amount, Amount], windows: tuple[Amount, ...], width: int
) -> tuple[Term, ...]:
    """Attention within windows, for which the map is padded to whole ones."""
    # a side of s has ⌈s/7⌉ windows: one where s < 7, and that one is s wide
    padded = windows[0] * ceiling(sides[0], WINDOW) * windows[1] * ceiling(sides[1], WINDOW)
    return (
        convolution("attention_projections", (width, 4 * width), padded),
        product("attention_products", 2, padded, windows[0], windows[1], width),
        *feed_forward(sides[0] * sides[1], width),
    )


def _least(one: int, other: Amount) -> Amount:
    if isinstance(other, int):
        return min(one, other)
    import sympy  # only symbols come here, so it is loaded already

    return sympy.Min(one, other)


def cost_models() -> Iterator[CostModel]:
    """Swin of every size."""
    for size, net in SWINS.items():
        yield CostModel(
            name=f"swin_{size}", summary=f"Swin-{size.upper()}", paper=PAPER,
            symbols=(*symbols.image(), symbols.CLASSES), rules=(_MAPS,),
            build=functools.partial(_swin, net), depth=2,
        )  # fmt: skip


def _swin(net: Swin, at: Values) -> tuple[Term, ...]:
    return swin(net, at["H"], at["W"], at["classes"])
