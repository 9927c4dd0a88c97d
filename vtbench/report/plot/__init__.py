"""Figures; the only room that knows a plotting library. No display is needed."""

from __future__ import annotations

from vtbench.report.plot.drawing import draw, figure_of, lines
from vtbench.report.plot.files import SUFFIXES, Series, digest, drawn_from

__all__ = ["SUFFIXES", "Series", "digest", "draw", "drawn_from", "figure_of", "lines"]
