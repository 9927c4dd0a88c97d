"""How lines are told apart: by colour, by marker and by dashes, each enough for a reader."""

from __future__ import annotations

from typing import Any

import msgspec

COLORS = (
    "#0072B2", "#D55E00", "#000000", "#56B4E9", "#882255", "#FFB000",
    "#009E73", "#332288", "#CC79A7", "#6B3E14", "#785EF0", "#BBBBBB",
)  # fmt: skip
"""Told apart by readers with any kind of colour vision; neighbours differ in lightness."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "*", ">", "d", "p")
"""One for each colour, so that lines differ in grey too; all have an inside, to be left hollow."""
DASHES: tuple[Any, ...] = ("-", (0, (4.5, 1.6)), (0, (1.1, 1.3)), (0, (6, 1.5, 1.1, 1.5)))
LEVEL_DASHES: tuple[Any, ...] = ((0, (8, 3)), (0, (3, 3)), (0, (8, 2, 2, 2)), (0, (1.5, 2.5)))
MOST_LINES = len(COLORS)
"""More lines than that cannot be told apart."""
SIZES = {"*": 7.0, "P": 5.6, "X": 5.6, "D": 4.4}
"""Markers whose size is not 5 points, so that all look equally large."""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """The look of one line, or of one level."""

    color: str
    dashes: Any
    marker: str = ""
    """Empty for a level, which has no points."""

    @property
    def marker_size(self) -> float:
        """In points."""
        return SIZES.get(self.marker, 5.0)


def styles(lines: int, levels: int = 0) -> list[Style]:
    """The styles of the lines of a figure, and then of its levels."""
    return [
        *(
            Style(
                color=COLORS[i % MOST_LINES],
                dashes=DASHES[i % len(DASHES)],
                marker=MARKERS[i % MOST_LINES],
            )
            for i in range(lines)
        ),
        *(
            Style(
                color=COLORS[(lines + i) % MOST_LINES], dashes=LEVEL_DASHES[i % len(LEVEL_DASHES)]
            )
            for i in range(levels)
        ),
    ]
