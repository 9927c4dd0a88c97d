"""The options of figures, checked before any work, and figures written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from vtbench.cli.groups import Group
from vtbench.cli.output import check_writable, say
from vtbench.errors import BadOption
from vtbench.report.chart import Chart
from vtbench.report.chart_scales import Scales, rescaled, scales_of
from vtbench.report.plot import Look, PlotWidth, checked, draw


class Figure(msgspec.Struct, frozen=True):
    """Where a figure goes, and how it is drawn."""

    path: Path
    scales: Scales
    look: Look

    def draw(self, chart: Chart) -> None:
        """Write the chart as a file, and say so."""
        draw(rescaled(chart, self.scales), self.path, self.look)
        say(f"wrote {self.path}")


Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw a figure into FILE, whose name ends in .pdf, .png or .svg.",
    ),
]


class Drawing(Group, frozen=True, kw_only=True):
    """Whether a figure is drawn, and how."""

    plot: Plot = None
    plot_width: Annotated[
        PlotWidth | None,
        typer.Option(
            "--plot-width",
            help="Draw the figure as wide as one column of a paper (3.3 inches) or as its page "
            "(6.9 inches; default: page).",
        ),
    ] = None
    scale: Annotated[
        str | None,
        typer.Option(
            "--scale",
            metavar="x=KIND,y=KIND",
            help="Draw an axis with a linear or a log scale, such as y=log or x=log,y=linear "
            "(default: log if the values need it; the label of the axis says which).",
        ),
    ] = None

    def figure(self) -> Figure | None:
        """What is to be drawn, once it is sure that it can be; None if no figure is asked for."""
        if self.plot is None:
            for name, given in (("--plot-width", self.plot_width), ("--scale", self.scale)):
                if given is not None:
                    raise BadOption(f"{name} says how a figure is drawn; give --plot FILE too.")
            return None
        check_writable(self.plot)
        scales = scales_of(self.scale)
        return Figure(checked(self.plot), scales, Look(width=self.plot_width or "page"))
