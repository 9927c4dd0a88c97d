"""Whether an axis of a figure is linear or logarithmic: by its values, or as it was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log
from typing import Literal, get_args

import msgspec

from vtbench.errors import BadOption
from vtbench.report.chart import Chart, Level, Line, Mark, Scale

ScaleKind = Literal["linear", "log"]
FAR_APART = 10.0
"""Ratio of the largest to the smallest value above which heights need a logarithmic axis."""
WIDE = 4.0
"""Ratio from which the values of an option may be spread more evenly by their logarithms."""


class Scales(msgspec.Struct, frozen=True):
    """The scales that were asked for; None leaves the choice to the values."""

    x: ScaleKind | None = None
    y: ScaleKind | None = None


def scales_of(text: str | None) -> Scales:
    """``x=log,y=linear``: each axis at most once."""
    given: dict[str, ScaleKind] = {}
    for part in text.split(",") if text is not None else ():
        found = re.fullmatch(r"\s*([xy])\s*=\s*(\w+)\s*", part)
        kind = next((each for each in get_args(ScaleKind) if found and each == found[2]), None)
        if found is None or kind is None or found[1] in given:
            raise BadOption(
                f"--scale: expected x=KIND, y=KIND or both, such as x=log,y=linear, with linear "
                f"or log for each axis, got {text!r}."
            )
        given[found[1]] = kind
    return Scales(**given)


def far_apart(values: Iterable[float]) -> bool:
    """Whether values are all above 0 and so far apart that a linear axis would hide the small."""
    known = list(values)
    return bool(known) and min(known) > 0 and max(known) > FAR_APART * min(known)


def doubling(values: Iterable[float]) -> bool:
    """Whether values such as 1, 2, 4, 8 are spread more evenly by their logarithms."""
    known = sorted(set(values))
    if not known or known[0] <= 0 or known[-1] < WIDE * known[0]:
        return False
    return _widest([log(value) for value in known]) < _widest(known)


def _widest(ordered: Sequence[float]) -> float:
    """The widest gap between neighbours, as a share of the whole."""
    return max(b - a for a, b in pairwise(ordered)) / (ordered[-1] - ordered[0])


def rescaled(chart: Chart, asked: Scales) -> Chart:
    """The chart on the scales that were asked for; what they cannot show is named in a note."""
    x, y = _scaled(chart.x, asked.x), _scaled(chart.y, asked.y)
    lines = tuple(_shown(line, x, y) for line in chart.lines)
    levels = tuple(level for level in chart.levels if level.y > 0 or not y.logarithmic)
    left_out = [
        (old.name, len(old.marks) - len(new.marks))
        for old, new in zip(chart.lines, lines, strict=True)
    ]
    gone = [level.name for level in chart.levels if level not in levels]
    return msgspec.structs.replace(
        chart,
        x=x,
        y=y,
        lines=tuple(line for line in lines if line.marks),
        levels=levels,
        notes=(*chart.notes, *_left_out(left_out, gone)),
    )


def _scaled(scale: Scale, asked: ScaleKind | None) -> Scale:
    return scale if asked is None else msgspec.structs.replace(scale, logarithmic=asked == "log")


def _shown(line: Line, x: Scale, y: Scale) -> Line:
    marks = tuple(mark for mark in line.marks if _can_show(mark, x, y))
    return msgspec.structs.replace(line, marks=marks)


def _can_show(mark: Mark, x: Scale, y: Scale) -> bool:
    """A logarithmic axis has no place for 0 and what is below it."""
    return (mark.x > 0 or not x.logarithmic) and (mark.y > 0 or not y.logarithmic)


def _left_out(points: Sequence[tuple[str, int]], levels: Sequence[str]) -> list[str]:
    named = [f"{name} ({number})" for name, number in points if number]
    if not named and not levels:
        return []
    said = ", ".join([*named, *levels])
    return [f"A log scale shows only values above 0; points that are left out: {said}."]


def values_on(chart: Chart, axis: Literal["x", "y"]) -> list[float]:
    """Every value that an axis has to show, ends of intervals included."""
    marks = [mark for line in chart.lines for mark in line.marks]
    known: list[float | None] = []
    if axis == "x":
        known += [each for m in marks for each in (m.x, m.x_low, m.x_high)]
    else:
        spans: list[Mark | Level] = [*marks, *chart.levels]
        known += [each for span in spans for each in (span.y, span.low, span.high)]
    return [each for each in known if each is not None]
