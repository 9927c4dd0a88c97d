"""When a sweep is to end, and how long its launches take: a promise, and what it rests on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from vtbench.sweep.cells import Cell

LEAST_SLACK = 5.0
"""Seconds after the end that a launch in hand has at least, before it is stopped."""
SLACK = 0.05
"""The same as a share of the whole time, if that is more."""

Now = Callable[[], float]


def slack_of(seconds: float) -> float:
    """Seconds by which a sweep may end later than it was told to."""
    return max(LEAST_SLACK, SLACK * seconds)


class Deadline:
    """The time at which a sweep ends. None is never."""

    def __init__(self, seconds: float | None, now: Now = time.monotonic) -> None:
        self._now = now
        self._ends = math.inf if seconds is None else now() + seconds
        self.slack = 0.0 if seconds is None else slack_of(seconds)

    @property
    def left(self) -> float:
        """Seconds until then; less than none once it is over."""
        return self._ends - self._now()

    @property
    def patience(self) -> float | None:
        """Seconds until a launch in hand is stopped; None is never."""
        return None if math.isinf(self._ends) else max(0.0, self.left + self.slack)


class Pace:
    """How long launches took, cell by cell, from their start to their record."""

    def __init__(self, places: int = 1, now: Now = time.monotonic) -> None:
        self._now = now
        self._places = places
        """How many launches are at work at a time."""
        self._begun: dict[str, float] = {}
        self._took: dict[str, float] = {}

    def begin(self, cell: Cell) -> None:
        """A launch starts."""
        self._begun[cell.key] = self._now()

    def end(self, cell: Cell) -> None:
        """It has a record, or is given up."""
        self._took[cell.key] = self._now() - self._begun.pop(cell.key)

    def seconds(self, cell: Cell) -> float | None:
        """What a launch of a cell took last; None if none was tried yet."""
        return self._took.get(cell.key)

    def together(self, cells: Sequence[Cell]) -> float | None:
        """What cells take on all places; None if one of them has not been tried yet."""
        each = [self._took.get(cell.key) for cell in cells]
        known = [seconds for seconds in each if seconds is not None]
        return math.fsum(known) / self._places if len(known) == len(each) else None
