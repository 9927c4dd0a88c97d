"""Charts drawn: points with their bars, joined if they carry a line; levels; axes with words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from vtbench.data.visible import visible
from vtbench.errors import BadInput
from vtbench.report.chart import Chart, Level, Line, Mark
from vtbench.report.plot.files import digest, save
from vtbench.report.plot.key import entries
from vtbench.report.plot.layout import lay_out
from vtbench.report.plot.look import DPI, INCH, SETTINGS, Look
from vtbench.report.plot.page import Page
from vtbench.report.plot.styles import MOST_LINES, Style, styles

NEUTRAL = "#999999"
HEIGHTS = (1.0, 1.3, 1.7)
"""How high a figure is tried, in usual heights, until every point has its name."""
LOWER_BOUNDS = "Arrows rise from lower bounds: the value is at least so large."
UP = 5
"""Points that an arrow of a lower bound rises above its marker."""


def draw(chart: Chart, path: Path, look: Look | None = None) -> None:
    """A chart as a file, of the kind that its name ends in."""
    save(figure(chart, look), path, digest(chart))


def figure(chart: Chart, look: Look | None = None) -> Any:
    """A chart as a figure of matplotlib, as high as the names of its points need."""
    look, chart = look or Look(), visible_chart(chart)
    if any(mark.at_least for line in chart.lines for mark in line.marks):
        chart = msgspec.structs.replace(chart, notes=(*chart.notes, LOWER_BOUNDS))
    refuse_many(len(chart.lines) + len(chart.levels))
    for stretched in HEIGHTS:
        made, left_out = _made(chart, msgspec.structs.replace(look, stretched=stretched))
        if not left_out:
            return made
    note = f"Points without a name, for lack of room: {', '.join(left_out)}."
    chart = msgspec.structs.replace(chart, notes=(*chart.notes, note))
    return _made(chart, msgspec.structs.replace(look, stretched=HEIGHTS[-1]))[0]


def _made(chart: Chart, look: Look) -> tuple[Any, list[str]]:
    """The figure, and the names for which it has no room."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from vtbench.report.plot.shown import ShownFigure

    with mpl.rc_context(SETTINGS):
        made = ShownFigure(figsize=(look.points / INCH, 1.0), dpi=DPI)
        FigureCanvasAgg(made)
        axes = made.add_axes((0.2, 0.2, 0.6, 0.6))
        known = styles(len(chart.lines), len(chart.levels))
        for line, style in zip(chart.lines, known, strict=False):
            _line(axes, line, chart.kind, style)
        for level, style in zip(chart.levels, known[len(chart.lines) :], strict=True):
            _level(axes, level, style)
        left_out = lay_out(Page(made, look.points), axes, chart, entries(chart, known), look)
    return made, left_out


def visible_chart(chart: Chart) -> Chart:
    """The chart with no letter in its words that would not show, or would turn others round."""
    lines = tuple(
        msgspec.structs.replace(
            line,
            name=visible(line.name),
            marks=tuple(msgspec.structs.replace(m, name=visible(m.name)) for m in line.marks),
        )
        for line in chart.lines
    )
    levels = tuple(msgspec.structs.replace(each, name=visible(each.name)) for each in chart.levels)
    return msgspec.structs.replace(
        chart,
        title=visible(chart.title),
        conditions=visible(chart.conditions),
        notes=tuple(map(visible, chart.notes)),
        lines=lines,
        levels=levels,
    )


def refuse_many(number: int) -> None:
    """Refuse more lines than a reader can tell apart."""
    if number > MOST_LINES:
        raise BadInput(
            f"A figure tells at most {MOST_LINES} lines apart, but this one would have {number}; "
            "leave out models or values of an option, or put another axis across with --across."
        )


def _line(axes: Any, line: Line, kind: str, style: Style) -> None:
    """Marks with their bars; joined in the line's own way, or thinly if they carry no line."""
    drawn = sorted(line.marks, key=lambda mark: mark.x) if kind == "lines" else list(line.marks)
    if kind == "lines":
        own = {"color": style.color, "linestyle": style.dashes, "linewidth": 1.3}
        thin = {"color": NEUTRAL, "linestyle": "-", "linewidth": 0.6}
        axes.plot([m.x for m in drawn], [m.y for m in drawn], zorder=2,
                  **(own if line.trend else thin))  # fmt: skip
    for low, high, which in (("low", "high", "yerr"), ("x_low", "x_high", "xerr")):
        _bars(axes, drawn, (low, high), which, style.color)
    for hollow in (False, True):
        chosen = [mark for mark in drawn if mark.disturbed == hollow]
        if chosen:
            _markers(axes, chosen, style, hollow=hollow)
    for mark in drawn:
        if mark.at_least:
            _arrow(axes, mark, style.color)
    if line.front:
        axes.plot([x for x, _ in line.front], [y for _, y in line.front], color=style.color,
                  linestyle=(0, (4, 2)), linewidth=1.0, alpha=0.7, zorder=1)  # fmt: skip


def _markers(axes: Any, marks: Sequence[Mark], style: Style, *, hollow: bool) -> None:
    axes.plot(
        [mark.x for mark in marks],
        [mark.y for mark in marks],
        linestyle="none",
        marker=style.marker,
        markersize=style.marker_size,
        markeredgecolor=style.color,
        markerfacecolor="white" if hollow else style.color,
        markeredgewidth=1.0,
        clip_on=False,
        zorder=4,
    )


def _bars(axes: Any, marks: Sequence[Mark], ends: tuple[str, str], which: str, color: str) -> None:
    """Error bars of the marks that have both ends."""
    held = [m for m in marks if getattr(m, ends[0]) is not None and getattr(m, ends[1]) is not None]
    if not held:
        return
    value = "y" if which == "yerr" else "x"
    below = [max(getattr(m, value) - getattr(m, ends[0]), 0.0) for m in held]
    above = [max(getattr(m, ends[1]) - getattr(m, value), 0.0) for m in held]
    axes.errorbar(
        [m.x for m in held], [m.y for m in held], **{which: [below, above]}, fmt="none",
        ecolor=color, elinewidth=0.9, capsize=2.2, capthick=0.9, zorder=3,
    )  # fmt: skip


def _arrow(axes: Any, mark: Mark, color: str) -> None:
    """That the value is at least so large."""
    axes.annotate(
        "", xy=(mark.x, mark.y), xytext=(0, 3 * UP), textcoords="offset points",
        arrowprops={"arrowstyle": "<-", "color": color, "linewidth": 1.0, "shrinkA": 0},
    )  # fmt: skip


def _level(axes: Any, level: Level, style: Style) -> None:
    """A line across the whole figure, with a band if it has an interval."""
    axes.axhline(level.y, color=style.color, linestyle=style.dashes, linewidth=1.1, zorder=2)
    if level.low is not None and level.high is not None:
        axes.axhspan(level.low, level.high, color=style.color, alpha=0.12, linewidth=0, zorder=1)
