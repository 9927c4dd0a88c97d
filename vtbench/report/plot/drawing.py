"""Charts drawn: lines with bands, points with error bars, names beside what they name."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import msgspec

from vtbench.data.visible import visible
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.plot.files import Series, checked, digest, save
from vtbench.report.plot.labels import beside_ends, beside_points

SIZE = (7.2, 4.6)
DPI = 150
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by readers with any kind of colour vision; the markers say the same again."""
MARKERS = "os^DvPX"
DASHES = ("-", "--", ":", "-.")
MOST_ENDS = 12
"""Lines whose names stand at their ends; more of them get a legend."""
CONDITIONS_WIDTH = 118
ZERO_BELOW = 20.0
"""Ratio of the largest to the smallest value up to which a linear axis begins at nothing."""
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def draw(chart: Chart, path: Path) -> None:
    """A chart as a file, PNG or SVG as its name ends."""
    checked(path)
    save(figure_of(chart), path, digest(chart))


def figure_of(chart: Chart) -> Any:
    """A chart as a figure of matplotlib, which a notebook shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from vtbench.report.plot.shown import ShownFigure

    chart = _as_text(chart)
    figure = ShownFigure(figsize=SIZE, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _frame(figure, axes, chart)
    for place, line in enumerate(chart.lines):
        _line(axes, line, chart.kind, place)
        _front(axes, line, place)
    _scale(axes, "x", chart.x)
    _scale(axes, "y", chart.y)
    _limits(axes, chart)
    _names(figure, axes, chart)
    return figure


def _as_text(chart: Chart) -> Chart:
    """The chart with names that are drawn as they stand, and not set as mathematics."""
    made = tuple(
        msgspec.structs.replace(
            line,
            name=_plain(line.name),
            remark=_plain(line.remark),
            marks=tuple(
                msgspec.structs.replace(mark, name=_plain(mark.name)) for mark in line.marks
            ),
        )
        for line in chart.lines
    )
    title, below = _plain(chart.title), _plain(chart.conditions)
    return msgspec.structs.replace(chart, title=title, conditions=below, lines=made)


def _plain(text: str) -> str:
    return visible(text).replace("$", r"\$")


def lines(series: Series, x_label: str, y_label: str, path: Path) -> None:
    """One line per series."""
    made = tuple(
        Line(name=name, marks=tuple(Mark(x=float(x), y=float(y)) for x, y in points))
        for name, points in series.items()
    )
    draw(Chart(title="", x=Scale(label=x_label), y=Scale(label=y_label), lines=made), path)


def color(place: int) -> str:
    """The colour of a line by its place."""
    return COLORS[place % len(COLORS)]


def _frame(figure: Any, axes: Any, chart: Chart) -> None:
    axes.set_title(chart.title, loc="left", fontsize=11, fontweight="bold")
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if chart.conditions:
        said = textwrap.fill(chart.conditions, CONDITIONS_WIDTH)
        figure.supxlabel(said, x=0.01, ha="left", fontsize=6.5, color="#555555")


def _line(axes: Any, line: Line, kind: str, place: int) -> None:
    """Marks, joined where asked, with a band or bars for their intervals."""
    drawn = sorted(line.marks, key=lambda mark: mark.x) if kind == "lines" else line.marks
    own = color(place)
    style = DASHES[place // len(COLORS) % len(DASHES)] if kind == "lines" else "none"
    axes.plot(
        [mark.x for mark in drawn],
        [mark.y for mark in drawn],
        color=own,
        linestyle=style,
        marker=MARKERS[place % len(MARKERS)],
        markersize=5.5,
        linewidth=1.6,
        label=" ".join(filter(None, (line.name, line.remark))),
    )
    for low, high, which in (("low", "high", "yerr"), ("x_low", "x_high", "xerr")):
        _bars(axes, drawn, (low, high), which, own)
    held = [mark for mark in drawn if mark.low is not None and mark.high is not None]
    if kind == "lines" and len(held) > 1:
        axes.fill_between(
            [m.x for m in held], [m.low for m in held], [m.high for m in held], color=own,
            alpha=0.18, linewidth=0,
        )  # fmt: skip


def _bars(axes: Any, marks: Any, ends: tuple[str, str], which: str, own: str) -> None:
    """Error bars of the marks that have both ends."""
    held = [m for m in marks if getattr(m, ends[0]) is not None and getattr(m, ends[1]) is not None]
    if not held:
        return
    value = "y" if which == "yerr" else "x"
    below = [max(getattr(m, value) - getattr(m, ends[0]), 0.0) for m in held]
    above = [max(getattr(m, ends[1]) - getattr(m, value), 0.0) for m in held]
    axes.errorbar(
        [m.x for m in held], [m.y for m in held], **{which: [below, above]}, fmt="none",
        ecolor=own, elinewidth=1.0, capsize=2.5,
    )  # fmt: skip


def _front(axes: Any, line: Line, place: int) -> None:
    """The front of a line's marks as a staircase behind them."""
    if line.front:
        axes.plot(
            [x for x, _ in line.front],
            [y for _, y in line.front],
            color=color(place),
            linestyle=(0, (4, 2)),
            linewidth=1.2,
            alpha=0.6,
            zorder=1,
            label="its front",
        )


def _scale(axes: Any, which: str, scale: Scale) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis = getattr(axes, f"{which}axis")
    axis.set_label_text(scale.label)
    if scale.logarithmic:
        getattr(axes, f"set_{which}scale")("log")
        axis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _said(value)))
    if scale.ticks:
        getattr(axes, f"set_{which}ticks")(
            list(scale.ticks), list(scale.names or map(_said, scale.ticks))
        )
        axis.set_minor_locator(NullLocator())


def _said(value: float) -> str:
    """A tick in as few characters as tell it from the others."""
    for size, prefix in PREFIXES:
        if abs(value) >= size * (10 if prefix == "k" else 1):
            return f"{value / size:.4g} {prefix}"
    return f"{value:.4g}"


def _limits(axes: Any, chart: Chart) -> None:
    """Lines on a linear scale begin at nothing, so that heights compare; points have room."""
    heights = [mark.y for line in chart.lines for mark in line.marks]
    if chart.kind == "lines" and not chart.y.logarithmic and heights and min(heights) > 0:
        axes.set_ylim(bottom=0)
    if chart.kind == "points":
        axes.margins(0.12)


def _names(figure: Any, axes: Any, chart: Chart) -> None:
    """Names at the ends of lines and beside points; a legend if there are too many."""
    if chart.kind == "lines" and 0 < len(chart.lines) <= MOST_ENDS:
        beside_ends(figure, axes, chart, [color(i) for i in range(len(chart.lines))])
    elif chart.lines:
        columns = 1 + len(chart.lines) // 26
        if len(chart.lines) > 1 or chart.kind == "lines" or chart.lines[0].front:
            figure.legend(loc="outside right upper", frameon=False, fontsize=8, ncols=columns)
    if chart.kind == "points":
        beside_points(figure, axes, chart)
