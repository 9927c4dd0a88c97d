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


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Marks that belong together."""

    name: str
    marks: tuple[Mark, ...]
    remark: str = ""
    """What stands after its name in the legend, such as a fitted power."""
    front: tuple[tuple[float, float], ...] = ()
    """Corners of the marks' front, from left to right, where one is shown."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """An axis of a figure."""

    label: str
    logarithmic: bool = False
    ticks: tuple[float, ...] = ()
    """Where ticks stand; empty leaves that to the figure."""
    names: tuple[str, ...] = ()
    """What stands at the ticks, if it is not their number."""


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """A whole figure."""

    title: str
    x: Scale
    y: Scale
    lines: tuple[Line, ...]
    kind: Literal["lines", "points"] = "lines"
    """Whether the marks of a line are joined."""
    conditions: str = ""
    """What holds for all marks; small, below the figure."""
