"""A measured number with the range that its samples leave open."""

from __future__ import annotations

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """An estimate and the two ends of its interval, which is a 95 % one unless said otherwise."""

    value: float
    """The estimate itself; it lies between the two ends."""
    low: float
    """The lower end."""
    high: float
    """The upper end."""


def half_width(interval: Interval) -> float:
    """Half the width of an interval, as a share of its value: 0.01 is ±1 %."""
    return (interval.high - interval.low) / 2 / interval.value
