"""Closed forms over sizes as a chart."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.closed_form import Formula
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.formula import Row


def formula_chart(good: Sequence[Formula], rows: Sequence[Row]) -> Chart:
    """One line per model, and per value of what varies beside the size on the axis."""
    first = rows[0][0]
    numbers = {name: len({sizes[name] for sizes, _ in rows}) for name in first}
    axis = max(first, key=lambda name: (numbers[name], name == "H"))
    square = all(sizes.get("W") == sizes.get("H") for sizes, _ in rows)
    others = [n for n in first if n != axis and numbers[n] > 1 and not (square and n == "W")]
    series: dict[str, list[Mark]] = {}
    for sizes, counts in rows:
        fixed = "".join(f", {name}={sizes[name]}" for name in others)
        for each, count in zip(good, counts, strict=True):
            if count is not None:
                mark = Mark(x=float(sizes[axis]), y=count / 1e9)
                series.setdefault(f"{each.model}{fixed}", []).append(mark)
    return Chart(
        title="MACs in closed form",
        x=Scale(label="H = W" if square and axis == "H" else axis),
        y=Scale(label="GMACs"),
        lines=tuple(Line(name=name, marks=tuple(marks)) for name, marks in series.items()),
    )
