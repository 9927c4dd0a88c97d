"""LV-ViT as cost models: convolutions, then blocks whose MLP widens 3 times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from vtbench.data.cost.model import CostModel, Rule, Values
from vtbench.data.cost.symbols import CLASSES, image, setting
from vtbench.data.cost.terms import Amount, Term, convolution, divided, exact, under
from vtbench.data.cost.tokens import attention, feed_forward, stacked
from vtbench.papers.lvvit.rows import PAPER, ROWS

_SIDE = 16
_PATCHES = Rule(
    ("H", "W"),
    f"the stem shrinks the image {_SIDE} times, so H and W are multiples of {_SIDE}",
    lambda at: at["H"] % _SIDE == at["W"] % _SIDE == 0,
)
_BODIES = {"t": (320, 14), "s": (384, 16), "m": (512, 20), "l": (768, 24)}
"""Size -> width and number of blocks."""


def cost_models() -> Iterator[CostModel]:
    """LV-ViT of every size, with the stem of its authors or with one that halves four times."""
    for row in ROWS:
        size = row.options["size"]
        width, depth = _BODIES[size]
        halving = row.options.get("stem") == "halving"
        its = (
            *image(*(row.resolution or ())),
            setting("width", "channels of a token", width),
            setting("layers", "blocks", depth),
            CLASSES,
        )
        stem = partial(_halving, more=2 if size == "l" else 0) if halving else _patches
        title = f"LV-ViT-{size.upper()}" + (", halving stem" if halving else "")
        yield CostModel(row.name, title, PAPER, its, partial(_lvvit, stem=stem), (_PATCHES,))


def _lvvit(at: Values, stem: Callable[[Values], tuple[Term, ...]]) -> tuple[Term, ...]:
    """Convolutions, then patches and a class token through the blocks, then the class token."""
    width = at["width"]
    tokens = divided(at["H"], _SIDE) * divided(at["W"], _SIDE) + 1
    block = (*attention(tokens, width), *feed_forward(tokens, width, ratio=3))
    return (
        *under("patch_embed", stem(at)),
        *under("blocks", stacked(block, at["layers"])),
        # a second classifier labels patches, in training alone
        Term(
            name="head",
            macs=exact(width * at["classes"]),
            weights=exact(2 * width * at["classes"]),
        ),
    )


def _patches(at: Values) -> tuple[Term, ...]:
    """7x7 that halves the image, two of 3x3, and patches of 8x8."""
    half, places = _places(at, 2), _places(at, _SIDE)
    return (
        convolution("halving", (3, 64), half, kernel=7),
        *under("same", stacked((convolution("3x3", (64, 64), half, kernel=3),), 2)),
        convolution("patches", (64, at["width"]), places, kernel=8),
    )


def _halving(at: Values, more: int) -> tuple[Term, ...]:
    """Four of 3x3 that halve the image, the width doubling, and ``more`` that do not."""
    first = divided(at["width"], 8)
    channels = (3, first, 2 * first, 4 * first, at["width"])
    halvings = tuple(
        convolution(f"halving{index}", pair, _places(at, 2**index), kernel=3)
        for index, pair in enumerate(pairwise(channels), 1)
    )
    if not more:
        return halvings
    same = convolution("3x3", (first, first), _places(at, 2), kernel=3)
    return (*halvings, *under("same", stacked((same,), more)))


def _places(at: Values, stride: int) -> Amount:
    return divided(at["H"], stride) * divided(at["W"], stride)
