"""What a figure shows, as data: marks with their intervals, and where each line's name stands.

The rooms that know what is measured make charts; the one that can draw knows nothing else.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One point, with the ends of its intervals if it has any."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    x_low: float | None = None
    x_high: float | None = None
    name: str = ""
    """What stands beside it; empty if its line has a name."""
    disturbed: bool = False
    """Whether something slowed the measurement; its marker is hollow."""
    at_least: bool = False
    """Whether ``y`` is a lower bound; an arrow points upwards from it."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Marks that belong together."""

    name: str
    marks: tuple[Mark, ...]
    trend: bool = True
    """Whether the marks carry a line; if not, thin grey segments say only what is next to what."""
    front: tuple[tuple[float, float], ...] = ()
    """Corners of the marks' front, from left to right, where one is shown."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A value that has no place along the axis: a dashed line across the figure."""

    name: str
    y: float
    low: float | None = None
    high: float | None = None


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """An axis of a figure."""

    label: str
    unit: str = ""
    prefixed: bool = False
    """Whether the unit takes K, M, G, ..., as MACs and bytes do."""
    logarithmic: bool = False
    ticks: tuple[float, ...] = ()
    """Where ticks may stand; empty leaves that to the figure."""
    names: tuple[str, ...] = ()
    """What stands at the ticks, if it is not their number."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A whole figure."""

    title: str
    x: Scale
    y: Scale
    lines: tuple[Line, ...]
    levels: tuple[Level, ...] = ()
    kind: Literal["lines", "points", "rows"] = "lines"
    """Whether the marks of a line are joined, stand alone, or stand in a row that has a name."""
    notes: tuple[str, ...] = ()
    """What a reader must know before believing the marks, each a sentence."""
    conditions: str = ""
    """What holds for all marks; small, below the figure."""
