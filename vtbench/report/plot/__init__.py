"""Figures; the only room that knows a plotting library. No display is needed."""

from __future__ import annotations

from vtbench.report.plot.drawing import draw, figure, refuse_many
from vtbench.report.plot.files import SUFFIXES, checked, digest, drawn_from, save
from vtbench.report.plot.look import Look, PlotWidth
from vtbench.report.plot.panels import panel_figure
from vtbench.report.plot.styles import MOST_LINES

__all__ = [
    "MOST_LINES",
    "SUFFIXES",
    "Look",
    "PlotWidth",
    "checked",
    "digest",
    "draw",
    "drawn_from",
    "figure",
    "panel_figure",
    "refuse_many",
    "save",
]
