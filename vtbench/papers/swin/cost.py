"""Swin as cost models: attention within windows of maps that shrink from stage to stage."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from vtbench.data.cost.model import CostModel, Rule, Values
from vtbench.data.cost.symbols import CLASSES, image
from vtbench.data.cost.terms import Amount, Term, ceiling, convolution, divided, product, under
from vtbench.data.cost.tokens import feed_forward, stacked
from vtbench.papers.swin.rows import PAPER

WINDOW = 7
"""Side of a window."""
STRIDE = 32
"""By how much the last map is smaller than the image."""
LEAST = 128
"""From here on, every map but the last holds a window."""

BODIES = {"t": (96, (2, 2, 6, 2)), "s": (96, (2, 2, 18, 2)), "b": (128, (2, 2, 18, 2))}
"""Size -> channels of the first stage, which double from stage to stage, and blocks of each."""

_MAPS = Rule(
    ("H", "W"),
    "maps are halved without a rest and all but the last hold a window, so H and W are "
    "multiples of 32 from 128",
    lambda at: at["H"] % STRIDE == at["W"] % STRIDE == 0 and min(at["H"], at["W"]) >= LEAST,
)


def cost_models() -> Iterator[CostModel]:
    """Swin of every size."""
    for size, body in BODIES.items():
        yield CostModel(
            f"swin_{size}", f"Swin-{size.upper()}", PAPER, (*image(), CLASSES),
            partial(swin, *body), (_MAPS,), depth=2,
        )  # fmt: skip


def swin(width: int, blocks: tuple[int, ...], at: Values) -> tuple[Term, ...]:
    """Four stages; before each but the first, four neighbours become one position.

    Height and width are such that only the last map may be smaller than a window, and is then one.
    """
    terms: list[Term] = []
    for stage, layers in enumerate(blocks):
        stride, channels = 4 * 2**stage, width * 2**stage
        sides = (divided(at["H"], stride), divided(at["W"], stride))
        if stage == 0:
            terms.append(convolution("patches", (3, width), sides[0] * sides[1], kernel=4))
        else:
            merged = convolution("merging", (2 * channels, channels), sides[0] * sides[1])
            terms += under(f"stage{stage + 1}", (merged,))
        last = stage == len(blocks) - 1
        windows = tuple(_least(WINDOW, side) if last else WINDOW for side in sides)
        terms += under(f"stage{stage + 1}", stacked(_windowed(sides, windows, channels), layers))
    return (*terms, convolution("head", (channels, at["classes"]), 1))


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
