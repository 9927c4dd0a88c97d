"""Figures that a notebook shows without being told of matplotlib; imported when one is drawn."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure that no window manages: a notebook shows it, and a script saves it."""

    def _repr_png_(self) -> bytes:
        """The picture as it is written to a file, margins included."""
        drawn = io.BytesIO()
        self.savefig(drawn, format="png")
        return drawn.getvalue()
