"""Where everything of a figure stands: axes of a fixed height, and words around them with room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.report.chart import Chart, Scale
from vtbench.report.chart_scales import values_on
from vtbench.report.plot.key import Entry, Key, key_of, write_below, write_beside
from vtbench.report.plot.look import EDGE, INCH, LABEL, NOTE, TICK, TITLE, Look
from vtbench.report.plot.page import LEADING, Page, height_of
from vtbench.report.plot.point_names import name_points
from vtbench.report.plot.ticks import Ticks, thinned, ticks_of

PAD = 3.0
"""Points between the axes and the numbers beside them, and between those and a label."""
MARGIN = 7.0
"""Points between the outermost mark and the end of the axes."""
ROOM_FOR_NAMES = 26.0
"""The same where names stand beside points."""
OVERHANG = {"lines": 6.0, "points": 14.0, "rows": 14.0}
"""Points to the right of the axes for a number at their end, if nothing else stands there."""
GREY = "#dddddd"
WIDEST_ROW = 0.42
"""The share of the width that names of rows may take."""
PER_TICK = 40.0
PER_HEIGHT = 30.0
"""Points that a number along an axis has, if the figure chooses how many there are."""


class Box(msgspec.Struct, frozen=True):
    """The ends of the axes in points."""

    left: float
    low: float
    right: float
    high: float


def lay_out(page: Page, axes: Any, chart: Chart, found: list[Entry], look: Look) -> list[str]:
    """Give the figure its height and every word its place; names of points without room."""
    key = key_of(page, found, look, beside=chart.kind == "lines")
    chart = _broken_names(page, chart)
    height = _height(chart, key, look)
    margin = ROOM_FOR_NAMES if chart.kind == "points" else MARGIN
    _limits(axes, chart, (page.width * 0.75, height), margin)
    up = ticks_of(chart.y, axes.get_ylim(), int(height / PER_HEIGHT) + 1)
    y_label = page.wrapped(up.label, height, LABEL)
    numbers = max((page.width_of(name, TICK) for name in up.names), default=0.0)
    left = EDGE + height_of(y_label, LABEL) + PAD + numbers + PAD + 2
    right = page.width - EDGE - (key.width or OVERHANG[chart.kind])
    across = ticks_of(chart.x, axes.get_xlim(), int((right - left) / PER_TICK))
    x_label = page.wrapped(across.label, page.width - 2 * EDGE, LABEL)
    title = page.wrapped(chart.title, page.width - 2 * EDGE, TITLE, "bold")
    below = _below(page, chart, key, x_label)
    low = EDGE + sum(height for _, height in below)
    box = Box(left, low, right, low + height)
    whole = box.high + PAD + TICK / 2 + height_of(title, TITLE) + EDGE
    page.figure.set_size_inches(page.width / INCH, whole / INCH)
    axes.set_position((left / page.width, low / whole, (right - left) / page.width, height / whole))
    _limits(axes, chart, (right - left, height), margin)
    _frame(page, axes, across, up)
    _labels(page, axes, (x_label, y_label), box)
    _write_title(page, title, whole)
    _write_below(page, below, chart, key)
    if key.beside and key.entries:
        write_beside(page, key, axes, (left, low, right, box.high))
    if chart.kind != "points":
        return []
    return name_points(page, axes, chart, (left, low, right, box.high))


def _broken_names(page: Page, chart: Chart) -> Chart:
    """The names of rows in lines that leave the values most of the width."""
    if chart.kind != "rows":
        return chart
    names = tuple(page.wrapped(name, WIDEST_ROW * page.width, TICK) for name in chart.y.names)
    return msgspec.structs.replace(chart, y=msgspec.structs.replace(chart.y, names=names))


def _height(chart: Chart, key: Key, look: Look) -> float:
    """The height of the axes: as the page has it, unless names beside them need more."""
    if chart.kind == "rows":
        highest = max((height_of(name, TICK) for name in chart.y.names), default=0.0)
        return (len(chart.y.names) + 0.5) * (highest + PAD)
    return max(look.height * look.stretched, key.height if key.beside else 0.0)


Part = tuple[str, float]


def _below(page: Page, chart: Chart, key: Key, x_label: str) -> list[Part]:
    """What stands below the axes from the top on, each with its height."""
    room = page.width - 2 * EDGE
    parts: list[Part] = [("ticks", PAD + 2 + TICK * LEADING)]
    parts.append(("label", PAD + height_of(x_label, LABEL)))
    if not key.beside:
        parts.append(("key", GAP_ABOVE_KEY + key.height))
    notes = "\n".join(page.wrapped(note, room, NOTE) for note in chart.notes)
    if notes:
        parts.append((notes, PAD + height_of(notes, NOTE)))
    if chart.conditions:
        said = page.wrapped(chart.conditions, room, NOTE)
        parts.append((said, PAD + height_of(said, NOTE)))
    return parts


GAP_ABOVE_KEY = 4.0


def _write_below(page: Page, parts: Sequence[Part], chart: Chart, key: Key) -> None:
    y = EDGE + sum(height for _, height in parts)
    for said, height in parts:
        if said == "key":
            write_below(page, key, EDGE, y - GAP_ABOVE_KEY)
        elif said not in ("ticks", "label"):
            conditions = bool(chart.conditions) and said is parts[-1][0]
            page.write(EDGE, y - PAD, said, NOTE, color="#666666" if conditions else "#222222")
        y -= height


def _write_title(page: Page, title: str, whole: float) -> None:
    if title:
        page.figure.suptitle(
            title, x=EDGE / page.width, y=1 - EDGE / whole, ha="left", va="top", size=TITLE,
            weight="bold", linespacing=LEADING,
        )  # fmt: skip


def _limits(axes: Any, chart: Chart, room: tuple[float, float], margin: float) -> None:
    """Ends a little beyond the marks; heights on a linear axis begin at 0, so that they compare."""
    for axis, scale, length in (("x", chart.x, room[0]), ("y", chart.y, room[1])):
        getattr(axes, f"set_{axis}scale")("log" if scale.logarithmic else "linear")
        values = values_on(chart, axis)  # type: ignore[arg-type]  # x or y
        if chart.kind == "rows" and axis == "y":
            low, high = min(values) - 0.75, max(values) + 0.75
        else:
            measured = (chart.kind, axis) in (("lines", "y"), ("rows", "x"))
            low, high = _ends(values, scale, margin / length, from_zero=measured)
        getattr(axes, f"set_{axis}lim")(low, high)


def _ends(
    values: Sequence[float], scale: Scale, share: float, *, from_zero: bool
) -> tuple[float, float]:
    """The ends of an axis, with a share of it free on both sides."""
    known = [value for value in values if value > 0] if scale.logarithmic else list(values)
    if not known:
        return (0.1, 1.0) if scale.logarithmic else (0.0, 1.0)
    low, high = min(known), max(known)
    free = share / (1 - 2 * share)
    if scale.logarithmic:
        factor = (high / low) ** free if high > low else 2.0
        return low / factor, high * factor
    if from_zero and low >= 0:
        return 0.0, high * (1 + free) if high else 1.0
    span = (high - low) * free if high > low else abs(high) * 0.5 or 1.0
    return low - span, high + span


def _frame(page: Page, axes: Any, across: Ticks, up: Ticks) -> None:
    """Lines behind the marks, and numbers that do not touch each other."""
    axes.grid(visible=True, which="major", color=GREY, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_linewidth(0.7)
    middles = [page.of_data(axes, place, 1.0)[0] for place in across.places]
    halves = [page.width_of(name, TICK) / 2 for name in across.names]
    _set_ticks(axes.xaxis, across, thinned(middles, halves, 5.0))
    middles = [page.of_data(axes, 1.0, place)[1] for place in up.places]
    halves = [height_of(name, TICK) / 2 for name in up.names]
    _set_ticks(axes.yaxis, up, thinned(middles, halves, 0.0))


def _set_ticks(axis: Any, ticks: Ticks, kept: Sequence[int]) -> None:
    """Those that are kept have a name, the others a mark."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter

    named = [ticks.places[i] for i in kept]
    axis.set_major_locator(FixedLocator(named))
    axis.set_major_formatter(FixedFormatter([ticks.names[i] for i in kept]))
    axis.set_minor_locator(FixedLocator([*ticks.places, *ticks.marks]))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="major", labelsize=TICK, length=3, width=0.7, pad=PAD - 1)
    axis.set_tick_params(which="minor", length=1.8, width=0.5)


def _labels(page: Page, axes: Any, labels: tuple[str, str], box: Box) -> None:
    """The labels of both axes, outside their numbers."""
    x_label, y_label = labels
    axes.set_xlabel(x_label, size=LABEL, linespacing=LEADING, va="top")
    axes.set_ylabel(y_label, size=LABEL, linespacing=LEADING, va="top")
    half = page.width_of(x_label, LABEL) / 2
    middle = min(max((box.left + box.right) / 2, EDGE + half), page.width - EDGE - half)
    under = box.low - PAD - 2 - TICK * LEADING - PAD
    axes.xaxis.set_label_coords(middle, under, transform=page.points)
    axes.yaxis.set_label_coords(EDGE, (box.low + box.high) / 2, transform=page.points)
