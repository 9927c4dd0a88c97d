"""Arithmetic over speeds, as a ratio within one session: what the device's pace is cancels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from vtbench.claims.judge.timings import Figure, Timed, ratio_to, speed_of, timed_of
from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.formulas import interval_of, names_in, value_of, with_names
from vtbench.claims.suite.speed import SPEEDS
from vtbench.claims.suite.types import Unknown
from vtbench.data.measurement import Measurement
from vtbench.errors import BadSuite

Direction = Literal["agrees", "disagrees", "open"]

LEVEL = 0.95
_ONE = Decimal(1)
_SAME = Decimal("1e-18")
"""Two values of exact arithmetic that differ by less, as a share, are the same."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What an expression over speeds speaks of."""

    expression: str
    """With every derived figure in it written out."""
    speeds: dict[str, Timed]
    counts: dict[str, Decimal]
    """The figures in it that are counted and not measured."""

    @property
    def metric(self) -> str:
        """That of all its speeds."""
        return next(iter(self.speeds.values())).metric

    @property
    def relative(self) -> bool:
        """Whether it stays the same when every speed is multiplied by one number."""
        try:
            one = self._at({name: Decimal(k) for k, name in enumerate(self.speeds, 2)})
            other = self._at({name: Decimal(3 * k) for k, name in enumerate(self.speeds, 2)})
        except BadSuite:
            return False
        return abs(one - other) <= _SAME * max(abs(one), abs(other))

    @property
    def neutral(self) -> Decimal | None:
        """What it gives where all speeds are equal: 1 of a ratio, 0 of a gain in per cent."""
        try:
            return self._at(dict.fromkeys(self.speeds, _ONE))
        except BadSuite:
            return None

    def _at(self, speeds: Mapping[str, Decimal]) -> Decimal:
        return value_of(self.expression, {**self.counts, **speeds})


def speaks_of_speed(claim: Claim, figures: Mapping[str, Figure]) -> bool:
    """Whether a derived figure follows from a speed, however far down."""
    if claim.expression is None:
        return claim.metric in SPEEDS
    parts = (figures.get(name) for name in names_in(claim.expression))
    return any(
        speaks_of_speed(part, figures) if isinstance(part, Claim) else part.metric in SPEEDS
        for part in parts
        if part is not None
    )


def written_out(claim: Claim, figures: Mapping[str, Figure]) -> str:
    """The arithmetic of a claim over figures that follow from no others."""

    def replaced(name: str) -> str:
        part = figures.get(name)
        if not isinstance(part, Claim) or part.expression is None:
            return name
        return f"({written_out(part, figures)})"

    return with_names(claim.expression or "", replaced)


def parts_of_speed(
    claim: Claim, figures: Mapping[str, Figure], counts: Mapping[str, Decimal]
) -> Parts | tuple[Unknown, str]:
    """What a claim's arithmetic speaks of, or why that cannot be measured."""
    expression = written_out(claim, figures)
    speeds: dict[str, Timed] = {}
    known: dict[str, Decimal] = {}
    for name in names_in(expression):
        figure = figures.get(name)
        if figure is None or figure.metric not in SPEEDS:
            if name not in counts:
                return "not-measured", f"It needs {name}, of which there is no record."
            known[name] = counts[name]
            continue
        timed = timed_of(figure, claim.conditions)
        if timed is None:
            kind = figure.unknown if isinstance(figure, Claim) and figure.unknown else "undefined"
            return kind, f"It needs {name}, which cannot be measured ({kind})."
        speeds[name] = timed
    if len({timed.shared for timed in speeds.values()}) > 1:
        return "undefined", (
            "It needs speeds of several metrics or precisions, which one session cannot measure."
        )
    return Parts(expression=expression, speeds=speeds, counts=known)


def in_session(parts: Parts, session: Sequence[Measurement]) -> tuple[Decimal, Interval]:
    """What an expression comes to in one session, with its interval.

    A ratio is worked out from the ratios to one of its parts, whichever leaves the least room;
    with more than two parts their intervals are wider, so that all hold together.
    """
    records = dict(zip(parts.speeds, session, strict=True))
    if not parts.relative:
        found = {name: speed_of(parts.metric, record) for name, record in records.items()}
        return _combined(parts, found)
    level = 1 - (1 - LEVEL) / max(1, len(records) - 1)
    tried = [_relative_to(parts, records, reference, level) for reference in records]
    return min(tried, key=lambda found: found[1].high - found[1].low)


def _relative_to(
    parts: Parts, records: Mapping[str, Measurement], reference: str, level: float
) -> tuple[Decimal, Interval]:
    found = {
        name: (_ONE, Interval(_ONE, _ONE))
        if name == reference
        else ratio_to(parts.metric, (record, records[reference]), level)
        for name, record in records.items()
    }
    return _combined(parts, found)


def _combined(
    parts: Parts, found: Mapping[str, tuple[Decimal, Interval]]
) -> tuple[Decimal, Interval]:
    exact = {name: Interval(value, value) for name, value in parts.counts.items()}
    ranges = {name: each for name, (_, each) in found.items()}
    values = {name: value for name, (value, _) in found.items()}
    value = value_of(parts.expression, {**parts.counts, **values})
    return value, interval_of(parts.expression, {**exact, **ranges})


def direction(printed: Interval, found: Interval, parts: Parts) -> Direction:
    """Whether both say that the same one is faster; open if one of them says neither."""
    neutral = parts.neutral
    if neutral is None:
        return "open"
    return agreement(side(printed, neutral), side(found, neutral))


def agreement(one: int, other: int) -> Direction:
    """What two sides say of each other; open if one of them is neither."""
    if 0 in (one, other):
        return "open"
    return "agrees" if one == other else "disagrees"


def side(interval: Interval, neutral: Decimal) -> int:
    """1 above, -1 below, 0 if the interval holds it."""
    if interval.holds(neutral):
        return 0
    return 1 if interval.low >= neutral else -1
