"""Neighbours along an axis: which are not told apart, and which stand against the trend.

Only cells that were measured in rounds are judged: an interval of one process cannot say whether
another process would have turned the order round.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from vtbench.data.launches import common_rounds
from vtbench.data.measurement import Measurement
from vtbench.report.measured.axes import number
from vtbench.report.measured.columns import Value
from vtbench.report.measured.conditions import Condition, cell
from vtbench.report.measured.quantities import Quantity
from vtbench.report.units import bracketed
from vtbench.stats import round_ratio

LEVEL = 0.95
FEWEST = 3
"""Points that an axis has at the least before it has a trend."""
MOST = 6
"""Neighbours that a sentence names before it counts the rest."""


def told_apart(
    name: str, records: Sequence[Measurement], condition: Condition, quantity: Quantity
) -> list[str]:
    """Sentences on one row of a table: points against its trend, and points not told apart."""
    placed = {
        size: (record, value)
        for record in records
        if record.error is None
        and record.launches
        and (size := number(condition.name, record)) is not None
        and (value := quantity.read(record)) is not None
    }
    points = [placed[size] for size in sorted(placed)]
    if len(points) < FEWEST:
        return []
    way = _way([value.value for _, value in points])
    against: list[str] = []
    open_: list[str] = []
    for one, other in pairwise(points):
        turned = _compared(one, other, quantity)
        if turned is None:
            open_.append(f"{cell(condition, one[0])} and {cell(condition, other[0])}")
        elif way and turned != way:
            against.append(_sentence(name, (one, other), turned, (condition, quantity)))
    if open_:
        more = f" and {len(open_) - MOST} more" if len(open_) > MOST else ""
        neighbours = ", ".join(open_[:MOST]) + more
        against.append(f"{name}: not told apart by {condition.head.lower()}: {neighbours}.")
    return against


def _way(values: Sequence[float]) -> int:
    """1 if most pairs of points rise along the axis, -1 if most fall, 0 if neither."""
    rises = sum((b > a) - (b < a) for a, b in combinations(values, 2))
    return (rises > 0) - (rises < 0)


Point = tuple[Measurement, Value]


def _compared(one: Point, other: Point, quantity: Quantity) -> int | None:
    """1 if the second is surely larger, -1 if smaller, None if that is open.

    Rounds that both took part in decide; only if there are none, intervals that do not overlap.
    """
    name = "images_per_second" if quantity.name == "throughput" else "median"
    rounds = common_rounds(one[0], other[0])
    known = round_ratio(*([getattr(pair[at], name) for pair in rounds] for at in (0, 1)))
    if known is not None:
        ratio = known.interval(LEVEL)
        return None if ratio.low <= 1 <= ratio.high else (1 if ratio.value > 1 else -1)
    up = 1 if other[1].value > one[1].value else -1
    ends = (one[1].low, one[1].high, other[1].low, other[1].high)
    if any(end is None for end in ends):
        return None
    below, above = (one[1], other[1]) if up > 0 else (other[1], one[1])
    assert below.high is not None  # noqa: S101  # seen above
    assert above.low is not None  # noqa: S101  # seen above
    return up if below.high < above.low else None


def _sentence(
    name: str, points: tuple[Point, Point], turned: int, what: tuple[Condition, Quantity]
) -> str:
    """Such as: vt: tokens 49 is slower than 64: 11.8 [..] against 12.3 [..] images/s."""
    condition, quantity = what
    (one, first), (other, second) = points
    slower = (turned > 0) == quantity.more_is_better
    said = " against ".join(bracketed(each.value, each.low, each.high) for each in (first, second))
    return (
        f"{name}: {condition.head.lower()} {cell(condition, one)} is "
        f"{'slower' if slower else 'faster'} than {cell(condition, other)}, against the trend: "
        f"{said} {quantity.head}."
    )
