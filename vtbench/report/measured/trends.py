"""Whether measured points carry a line: every step decided by the intervals, and all one way."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from vtbench.report.measured.columns import Value

PAIRS = 2
"""Pairs of points that a sentence names before it counts the rest."""


class At(msgspec.Struct, frozen=True):
    """A measured value along an axis."""

    place: str
    """The value of the axis as a table has it, such as ``49`` or ``224×224``."""
    value: Value
    text: str
    """The value as a table has it."""


class Trend(msgspec.Struct, frozen=True):
    """The steps of a line that speak against one."""

    undecided: tuple[tuple[At, At], ...]
    """Neighbours whose intervals overlap, so that it is not known which is larger."""
    against: tuple[tuple[At, At], ...]
    """Neighbours that surely go the other way than the line as a whole."""

    @property
    def carried(self) -> bool:
        """Whether a line through the points says nothing that was not measured."""
        return not self.undecided and not self.against


def trend_of(points: Sequence[At]) -> Trend:
    """The trend of points in the order of the axis; figures without an interval are exact.

    Exact figures that a table shows as equal are level, which goes with either way.
    """
    steps = [(a, b) for a, b in pairwise(points) if not _level(a, b)]
    undecided = tuple((a, b) for a, b in steps if _overlap(a.value, b.value))
    decided = [step for step in steps if step not in undecided]
    rising = bool(points) and points[-1].value.value >= points[0].value.value
    against = tuple((a, b) for a, b in decided if (b.value.value > a.value.value) != rising)
    return Trend(undecided, against)


def _level(a: At, b: At) -> bool:
    exact = a.value.low is None and b.value.low is None
    return exact and a.text == b.text


def _overlap(a: Value, b: Value) -> bool:
    low, high = _ends(a)
    other_low, other_high = _ends(b)
    return low <= other_high and other_low <= high


def _ends(value: Value) -> tuple[float, float]:
    if value.low is None or value.high is None:
        return value.value, value.value
    return value.low, value.high


def trend_note(name: str, trend: Trend, quantity: str, axis: str) -> str:
    """Why no trend is drawn: which points go the other way, and which are not decided."""
    reasons = [_said(pair, quantity, axis) for pair in trend.against[:PAIRS]]
    more = len(trend.against) - PAIRS
    if more > 0:
        reasons.append(
            f"{more} more {'pair' if more == 1 else 'pairs'} of neighbours go against it"
        )
    if trend.undecided:
        reasons.append(_overlapping(trend.undecided, axis))
    return f"{name} has no trend: {'; '.join(reasons)}."


def _said(pair: tuple[At, At], quantity: str, axis: str) -> str:
    a, b = pair
    way = "more" if b.value.value > a.value.value else "less"
    return f"its {quantity} is {b.text} at {axis} {b.place}, {way} than the {a.text} at {a.place}"


def _overlapping(pairs: Sequence[tuple[At, At]], axis: str) -> str:
    named = [f"{a.place} and {b.place}" for a, b in pairs[:PAIRS]]
    rest = len(pairs) - PAIRS
    more = f", and of {rest} more pairs" if rest > 1 else ", and of 1 more pair" if rest else ""
    return f"the intervals at {axis} {', and at '.join(named)}{more} overlap"
