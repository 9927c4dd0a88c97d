"""How much faster one model is than another, from samples taken in turns."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from vtbench.data.measurement import Ratio
from vtbench.report.precision import bracketed
from vtbench.stats.ratio import FEWEST

MOST = 12
"""Ratios that are said in words; all of them stand in the JSON."""


def told(ratios: Sequence[Ratio], to: str | None) -> list[Ratio]:
    """The ratios that are said in words: of the first model, or to the one asked for."""
    if to is None:
        return [each for each in ratios if each.a == ratios[0].a]
    return relative(ratios, to)


def relative(ratios: Sequence[Ratio], to: str | None) -> list[Ratio]:
    """The ratios to one model, turned round where they are of it; all where none is."""
    if to is None:
        return list(ratios)
    turned = [_turned(each) if each.a == to and each.b != to else each for each in ratios]
    own = [each for each in turned if each.b == to]
    return own or list(ratios)


def ratio_lines(ratios: Sequence[Ratio], thin: Collection[str] = ()) -> list[str]:
    """A sentence for each ratio, with the interval that says whether it means anything.

    ``thin`` are the models with too few samples for an interval.
    """
    said = [
        f"{each.a} is {bracketed(each.ratio, each.low, each.high, '×')} "
        f"as fast as {each.b}{_open(each, thin)}."
        for each in ratios[:MOST]
    ]
    rest = len(ratios) - MOST
    return [*said, f"And {rest} more ratios; --format json has them all."] if rest > 0 else said


def _open(ratio: Ratio, thin: Collection[str]) -> str:
    """Where the interval holds 1, or is only the range of a few pairs, the faster is not known."""
    if ratio.a in thin or ratio.b in thin:
        return f"; which is faster stays open, with fewer than {FEWEST} samples"
    return "; which is faster stays open" if ratio.low <= 1 <= ratio.high else ""


def _turned(ratio: Ratio) -> Ratio:
    return msgspec.structs.replace(
        ratio, a=ratio.b, b=ratio.a, ratio=1 / ratio.ratio, low=1 / ratio.high, high=1 / ratio.low
    )
