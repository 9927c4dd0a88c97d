"""Figures; the only room that knows a plotting library. No display is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from vtbench.errors import OutputError

SUFFIXES = (".png", ".svg")

Series = Mapping[str, Sequence[tuple[float, float]]]
"""A line's name -> its points, in order."""


def lines(series: Series, x_label: str, y_label: str, path: Path) -> None:
    """One line per series, written as PNG or SVG as the file's name ends."""
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"The figure {str(path)!r} ends in neither {' nor '.join(SUFFIXES)}.")
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, points in series.items():
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            label=name,
            marker="." if len(points) == 1 else None,  # a line of one point is invisible
        )
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(visible=True, alpha=0.3)
    if series:
        axes.legend()
    with mpl.rc_context({"svg.hashsalt": "vtbench"}):  # the same figure is the same file
        try:
            figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise OutputError(f"The figure {str(path)!r} cannot be written: {reason}.") from error
