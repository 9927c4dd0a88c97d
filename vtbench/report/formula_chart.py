"""Closed forms over a range of sizes as a chart: a line per model, and per value of what varies."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.closed_form import Formula
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.chart_scales import doubling, far_apart
from vtbench.report.formula import Row, Sizes

MOST_TICKS = 40


def axes_of(points: Sequence[Sizes]) -> tuple[str, bool, list[str]]:
    """The size with the most values, whether it is that of squares, and what else varies."""
    numbers = {name: len({sizes[name] for sizes in points}) for name in points[0]}
    axis = max(points[0], key=lambda name: (numbers[name], name == "H"))
    square = all(sizes.get("W") == sizes.get("H") for sizes in points)
    others = [n for n in points[0] if n != axis and numbers[n] > 1 and not (square and n == "W")]
    return axis, square and axis == "H", others


def lines_each(points: Sequence[Sizes]) -> int:
    """How many lines each model has."""
    others = axes_of(points)[2]
    return len({tuple(sizes[name] for name in others) for sizes in points})


def formula_chart(formulas: Sequence[Formula], rows: Sequence[Row]) -> Chart:
    """MACs over the size with the most values; sizes at which a form does not hold are left out."""
    axis, square, others = axes_of([sizes for sizes, _ in rows])
    series: dict[str, list[Mark]] = {}
    for sizes, counts in rows:
        fixed = "".join(f", {name}={sizes[name]}" for name in others)
        for each, count in zip(formulas, counts, strict=True):
            if count is not None:
                mark = Mark(x=float(sizes[axis]), y=float(count))
                series.setdefault(f"{each.model}{fixed}", []).append(mark)
    lines = tuple(Line(name=name, marks=tuple(marks)) for name, marks in series.items())
    places = sorted({mark.x for line in lines for mark in line.marks})
    return Chart(
        title=f"MACs by {'size' if square else axis}",
        x=Scale(
            label="Height = width" if square else axis,
            unit="pixels" if square else "",
            logarithmic=doubling(places),
            ticks=tuple(places) if len(places) <= MOST_TICKS else (),
        ),
        y=Scale(
            label="MACs",
            prefixed=True,
            logarithmic=far_apart(mark.y for line in lines for mark in line.marks),
        ),
        lines=lines,
    )
