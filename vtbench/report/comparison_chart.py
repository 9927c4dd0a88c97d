"""Comparisons of measurements as a chart: how fast the new one is, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.comparison import Comparison
from vtbench.data.naming import labels
from vtbench.errors import UsageError
from vtbench.report.chart import Chart, Line, Mark, Scale


def comparison_chart(comparisons: Sequence[Comparison], sides: tuple[str, str]) -> Chart:
    """A mark for each pair that has a ratio."""
    names = labels([each.workload for each in comparisons])
    pairs = [(n, c, c.ratio) for n, c in zip(names, comparisons, strict=True) if c.ratio]
    if not pairs:
        raise UsageError("No two measurements have a ratio of times, so there is nothing to draw.")
    places = tuple(float(place) for place in range(1, len(pairs) + 1))
    marks = tuple(
        Mark(x=place, y=ratio, low=each.low, high=each.high)
        for place, (_, each, ratio) in zip(places, pairs, strict=True)
    )
    return Chart(
        title=f"{sides[1]} against {sides[0]}",
        x=Scale(label="", ticks=places, names=tuple(name for name, _, _ in pairs)),
        y=Scale(label="speed, new / base"),
        lines=(Line(name="with its 95 % interval", marks=marks),),
        kind="points",
    )
