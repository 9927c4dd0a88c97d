"""Where names stand: beside what they name, and not on one another."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from vtbench.report.chart import Chart, Line, Mark

FONT = 8.5
LINE_HEIGHT = 1.35
"""Of the font's size."""
POINTS_PER_INCH = 72
POINT = 6.0
"""Half the width of a point on the page, in dots."""
PLACES = (
    (6, 0, "left", "center"), (-6, 0, "right", "center"), (0, 7, "center", "bottom"),
    (0, -7, "center", "top"), (5, 6, "left", "bottom"), (-5, 6, "right", "bottom"),
    (5, -6, "left", "top"), (-5, -6, "right", "top"), (6, 14, "left", "bottom"),
    (6, -14, "left", "top"), (-6, 14, "right", "bottom"), (-6, -14, "right", "top"),
)  # fmt: skip
"""Where a name may stand beside its point, in points, the best place first."""


def beside_ends(figure: Any, axes: Any, chart: Chart, colors: Sequence[str]) -> None:
    """Names in the right margin at the height of their line's last mark, moved apart."""
    figure.draw_without_rendering()
    box = axes.get_window_extent()
    rows = 2 if any(line.remark for line in chart.lines) else 1
    step = rows * FONT * LINE_HEIGHT / POINTS_PER_INCH * figure.dpi / box.height
    drawn = [(i, line) for i, line in enumerate(chart.lines) if line.marks]
    ends = [max(line.marks, key=lambda mark: mark.x) for _, line in drawn]
    heights = [_height(axes, end) for end in ends]
    placed = apart(heights, step)
    for (i, line), end, height in zip(drawn, ends, placed, strict=True):
        said = "\n".join(filter(None, (line.name, line.remark)))
        axes.annotate(
            said,
            xy=(end.x, end.y),
            xytext=(1.03, height),
            textcoords="axes fraction",
            va="center",
            fontsize=FONT,
            color=colors[i],
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colors[i], "alpha": 0.35, "linewidth": 0.7,
                        "shrinkB": 3, "shrinkA": 0},
        )  # fmt: skip


def _height(axes: Any, mark: Mark) -> float:
    """The height of a mark as a share of the axes."""
    shown = axes.transData.transform((mark.x, mark.y))
    return float(axes.transAxes.inverted().transform(shown)[1])


def apart(heights: Sequence[float], step: float) -> list[float]:
    """Heights moved as little as it takes for neighbours to be a step apart, in the same order."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    clusters: list[list[int]] = []
    for i in order:
        clusters.append([i])
        while len(clusters) > 1 and _bottom(clusters[-1], heights, step) < _top(
            clusters[-2], heights, step
        ):
            last = clusters.pop()
            clusters[-1] = clusters[-1] + last
    placed = [0.0] * len(heights)
    for cluster in clusters:
        low = _bottom(cluster, heights, step) + step / 2
        for place, i in enumerate(cluster):
            placed[i] = low + place * step
    return placed


def _bottom(cluster: Sequence[int], heights: Sequence[float], step: float) -> float:
    middle = sum(heights[i] for i in cluster) / len(cluster)
    return middle - step * len(cluster) / 2


def _top(cluster: Sequence[int], heights: Sequence[float], step: float) -> float:
    return _bottom(cluster, heights, step) + step * len(cluster)


def beside_points(figure: Any, axes: Any, chart: Chart) -> None:
    """A name beside each point, in the first place that is free; else in the best one."""
    figure.draw_without_rendering()
    frame = axes.get_window_extent()
    marks = [mark for line in chart.lines for mark in line.marks]
    taken = [_around(axes, mark) for mark in marks]
    taken += [box for line in chart.lines for box in _along(axes, line)]
    for mark in marks:
        if mark.name:
            taken.append(_place(figure, axes, mark, frame, taken))


def _place(figure: Any, axes: Any, mark: Mark, frame: Any, taken: Sequence[Any]) -> Any:
    """Write a name and say which part of the page it takes."""
    best = None
    for x, y, ha, va in PLACES:
        text = axes.annotate(
            mark.name, xy=(mark.x, mark.y), xytext=(x, y), textcoords="offset points", ha=ha,
            va=va, fontsize=FONT - 1, color="#222222", annotation_clip=False,
            bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.4, "linewidth": 0},
        )  # fmt: skip
        box = text.get_window_extent(figure.canvas.get_renderer())
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 + 2 and frame.y0 <= box.y0
        crossed = sum(box.overlaps(other) for other in taken) + (0 if inside else 2)
        if best is None or crossed < best[0]:
            if best is not None:
                best[1].remove()
            best = (crossed, text, box)
        else:
            text.remove()
        if best[0] == 0:
            break
    assert best is not None  # noqa: S101  # there are places
    return best[2]


def _around(axes: Any, mark: Mark) -> Any:
    """The part of the page that a point takes, with its bars."""
    left, right = mark.x_low or mark.x, mark.x_high or mark.x
    low, high = mark.low or mark.y, mark.high or mark.y
    return _box(axes, (left, low), (right, high), POINT)


def _along(axes: Any, line: Line) -> list[Any]:
    """What the pieces of a front take."""
    return [_box(axes, one, other, 1.0) for one, other in itertools.pairwise(line.front)]


def _box(axes: Any, one: tuple[float, float], other: tuple[float, float], reach: float) -> Any:
    """The part of the page between two places, and a little around them."""
    from matplotlib.transforms import Bbox

    ends = axes.transData.transform([one, other])
    (x0, y0), (x1, y1) = ends.min(axis=0) - reach, ends.max(axis=0) + reach
    return Bbox.from_extents(x0, y0, x1, y1)
