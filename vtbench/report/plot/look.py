"""The size of a figure and of its words, by where it is going to stand."""

from __future__ import annotations

from typing import Literal

import msgspec

PlotWidth = Literal["column", "page"]
INCH = 72.0
"""Points."""
DPI = 200
LABEL = 8.0
"""Points of names and labels of axes."""
TICK = 7.5
TITLE = 9.0
NOTE = 6.5
EDGE = 4.0
"""Points that stay free at every edge of the page."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How large a figure is drawn."""

    width: PlotWidth = "page"
    stretched: float = 1.0
    """How many times as high the axes are as usual."""

    @property
    def points(self) -> float:
        """The width: that of one column of a paper, or of both."""
        return INCH * (3.3 if self.width == "column" else 6.9)

    @property
    def height(self) -> float:
        """The height of the axes alone, in points; words stand around them."""
        return 138.0 if self.width == "column" else 205.0


SETTINGS = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Helvetica", "Arial"],
    "text.parse_math": False,  # names are drawn as they stand
    "axes.unicode_minus": True,
    "svg.fonttype": "none",  # words stay words
    "svg.hashsalt": "vtbench",  # the same figure is the same file
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
}
"""Settings of the plotting library under which figures are made and written."""
