"""The names of lines with a sample of each: at the height of the line's end, or below the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.report.chart import Chart
from vtbench.report.plot.look import LABEL, Look
from vtbench.report.plot.page import Page, height_of
from vtbench.report.plot.styles import Style

SAMPLE = 19.0
"""Points that a sample takes."""
LEADER = 13.0
"""Points between the axes and a sample beside them, for the thin line from the line's end."""
GAP = 4.0
APART = 10.0
"""Points between two columns of names."""
MOST_ROWS = 2
"""Lines of words that a name beside the axes may take."""
MOST_BESIDE = 0.34
"""The share of the width that may stand beside the axes; wider names stand below them."""
MOST_HIGH = 1.3
"""How much higher than usual the axes may become for the names beside them."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A name and the look of what it names."""

    name: str
    style: Style
    trend: bool = True
    joined: bool = True
    """Whether a line runs through the sample's marker."""
    end: tuple[float, float] | None = None
    """The last mark of a line; None for a level, which ends at the axes."""
    level: float | None = None

    @property
    def height(self) -> float:
        """The value at whose height the name belongs."""
        return self.level if self.end is None else self.end[1]  # type: ignore[return-value]  # one of both


def entries(chart: Chart, styles: Sequence[Style]) -> list[Entry]:
    """What has a name in the key: lines, and then levels."""
    joined = chart.kind == "lines"
    found = [
        Entry(name=line.name, style=style, trend=line.trend, joined=joined, end=_end(line.marks))
        for line, style in zip(chart.lines, styles, strict=False)
    ]
    after = styles[len(chart.lines) :]
    found += [
        Entry(name=level.name, style=style, level=level.y)
        for level, style in zip(chart.levels, after, strict=True)
    ]
    if chart.kind == "points" and len(found) == 1 and not chart.lines[0].front:
        return []
    return [entry for entry in found if entry.name]


def _end(marks: Sequence[Any]) -> tuple[float, float]:
    last = max(marks, key=lambda mark: mark.x)
    return last.x, last.y


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Names laid out."""

    entries: list[Entry]
    names: list[str]
    """The names in lines that fit."""
    beside: bool
    width: float
    """Points that it takes to the right of the axes."""
    height: float
    """Points that it takes below them, or needs beside them."""
    columns: int = 1


def key_of(page: Page, found: list[Entry], look: Look, *, beside: bool) -> Key:
    """Names beside the axes if all of them are short enough there, else in columns below."""
    if not found:
        return Key(entries=[], names=[], beside=True, width=0.0, height=0.0)
    around = LEADER + SAMPLE + GAP
    room = MOST_BESIDE * look.points - around
    names = [page.wrapped(entry.name, room, LABEL) for entry in found]
    high = sum(height_of(name, LABEL) for name in names)
    short = all(name.count("\n") < MOST_ROWS for name in names) and high <= MOST_HIGH * look.height
    whole = all(page.breaks(entry.name, room, LABEL) for entry in found)
    if not beside or not short or not whole:
        return _below(page, found)
    wide = max(page.width_of(name, LABEL) for name in names)
    return Key(entries=found, names=names, beside=True, width=around + wide, height=high)


def _below(page: Page, found: list[Entry]) -> Key:
    room = page.width - SAMPLE - GAP - APART
    names = [page.wrapped(entry.name, room, LABEL) for entry in found]
    each = max(page.width_of(name, LABEL) for name in names) + SAMPLE + GAP + APART
    columns = max(1, min(int(page.width // each), len(found)))
    height = sum(_row_heights(names, columns)) + GAP
    return Key(entries=found, names=names, beside=False, width=0.0, height=height, columns=columns)


def _row_heights(names: Sequence[str], columns: int) -> list[float]:
    rows = [names[start : start + columns] for start in range(0, len(names), columns)]
    return [max(height_of(name, LABEL) for name in row) for row in rows]


def write_below(page: Page, key: Key, left: float, top: float) -> None:
    """Names in rows, from left to right."""
    each = (page.width - left) / key.columns
    heights = _row_heights(key.names, key.columns)
    for i, (entry, name) in enumerate(zip(key.entries, key.names, strict=True)):
        row, column = divmod(i, key.columns)
        x, y = left + column * each, top - sum(heights[:row])
        _sample(page, entry, x, y - height_of("x", LABEL) / 2)
        page.write(x + SAMPLE + GAP, y, name, LABEL)


def write_beside(page: Page, key: Key, axes: Any, box: tuple[float, float, float, float]) -> None:
    """Names to the right of the axes, each as near to the end of its line as the others allow.

    ``box`` are the left, lower, right and upper ends of the axes.
    """
    _, low, right, high = box
    ends = [(right, page.of_data(axes, 1.0, entry.height)[1]) if entry.end is None
            else page.of_data(axes, *entry.end) for entry in key.entries]  # fmt: skip
    heights = [height_of(name, LABEL) for name in key.names]
    places = apart([y for _, y in ends], heights, (low, high))
    lasts = [x for (x, _), entry in zip(ends, key.entries, strict=True) if entry.end is not None]
    led = not lasts or max(lasts) - min(lasts) < 1.0  # a line that ends early would be led across
    for entry, name, end, y in zip(key.entries, key.names, ends, places, strict=True):
        x = right + LEADER
        if led or entry.end is None:
            start = end[0] + (1.0 if entry.end is None else 4.0)
            page.line([start, max(start, right), x - 1.0], [end[1], end[1], y],
                      color=entry.style.color, linewidth=0.5, alpha=0.6)  # fmt: skip
        _sample(page, entry, x, y)
        page.write(x + SAMPLE + GAP, y, name, LABEL, va="center")


def _sample(page: Page, entry: Entry, x: float, y: float) -> None:
    """A piece of a line with its marker."""
    style = entry.style
    if entry.joined and entry.trend:
        page.line([x, x + SAMPLE], [y, y], color=style.color, linestyle=style.dashes, linewidth=1.3)
    elif entry.joined:
        page.line([x, x + SAMPLE], [y, y], color="#999999", linewidth=0.6)
    if style.marker:
        page.line([x + SAMPLE / 2], [y], color=style.color, marker=style.marker,
                  markersize=style.marker_size, markeredgewidth=0.8)  # fmt: skip


def apart(
    wanted: Sequence[float], heights: Sequence[float], ends: tuple[float, float]
) -> list[float]:
    """The middles of labels, moved as little as it takes for none to overlap, in the same order.

    Isotonic regression of what is wanted less the room that the labels below take, then cut at
    the ends; there has to be room for all.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    below, taken = [], 0.0
    for i in order:
        below.append(taken + heights[i] / 2)
        taken += heights[i]
    groups: list[tuple[float, int]] = []
    for i, room in zip(order, below, strict=True):
        groups.append((wanted[i] - room, 1))
        while len(groups) > 1 and groups[-1][0] < groups[-2][0]:
            (a, n), (b, m) = groups[-2:]
            groups[-2:] = [((a * n + b * m) / (n + m), n + m)]
    low, high = ends[0], ends[1] - taken
    starts = [min(max(mean, low), high) for mean, number in groups for _ in range(number)]
    placed = [0.0] * len(wanted)
    for i, room, start in zip(order, below, starts, strict=True):
        placed[i] = start + room
    return placed
