"""A figure in points from its lower left corner, and the room that words take of it."""

from __future__ import annotations

import functools
import itertools
import re
from typing import Any

from vtbench.report.plot.look import INCH

SAFE = 1.02
"""Other resolutions round the widths of letters otherwise."""
LEADING = 1.22
"""From one line of words to the next, in sizes of the font."""
UNKNOWN = 1.0
"""The width of a letter that the font does not have, in sizes of the font."""
_MEASURED = 100.0
"""The size at which letters are measured, in points."""
_WORDS = re.compile(r"\S+\s*")
_PARTS = re.compile(r"\S+?(?:[-_,=:/.×]+(?=\S)|\s+|$)")
"""Where a word that is wider than a line is broken: after signs inside it."""


class Page:
    """What is drawn on, and measured with."""

    def __init__(self, figure: Any, width: float) -> None:
        from matplotlib.transforms import Affine2D

        self.figure = figure
        self.width = width
        self.points: Any = Affine2D().scale(1 / INCH) + figure.dpi_scale_trans
        """From points to the device."""

    def width_of(self, text: str, size: float, weight: str = "normal") -> float:
        """The points that the widest of some lines takes."""
        return max(_width(line, size, weight) for line in text.split("\n"))

    def wrapped(self, text: str, width: float, size: float, weight: str = "normal") -> str:
        """Text in lines of at most a width; a word that is wider alone is cut."""
        lines = [""]
        words = _WORDS.findall(" ".join(text.split()))
        fits = [_width(word.rstrip(), size, weight) <= width for word in words]
        parts = [[word] if fit else _PARTS.findall(word)
                 for word, fit in zip(words, fits, strict=True)]  # fmt: skip
        for piece in itertools.chain.from_iterable(parts):
            if _width((lines[-1] + piece).rstrip(), size, weight) <= width:
                lines[-1] += piece
            else:
                *whole, last = self._cut(piece, width, size, weight)
                lines += [*whole, last]
        return "\n".join(line.rstrip() for line in lines if line.strip())

    def breaks(self, text: str, width: float, size: float) -> bool:
        """Whether text comes into lines of a width without cutting a word inside."""
        parts = _PARTS.findall(text)
        return all(_width(part.rstrip(), size, "normal") <= width for part in parts)

    def _cut(self, piece: str, width: float, size: float, weight: str) -> list[str]:
        parts = [""]
        for letter in piece:
            if parts[-1] and _width((parts[-1] + letter).rstrip(), size, weight) > width:
                parts.append("")
            parts[-1] += letter
        return parts

    def write(self, x: float, y: float, text: str, size: float, **how: Any) -> Any:
        """Words with their upper left corner at a place, unless it is said otherwise."""
        given = {"ha": "left", "va": "top", "linespacing": LEADING, "color": "#222222", **how}
        return self.figure.text(x, y, text, size=size, transform=self.points, **given)

    def line(self, xs: list[float], ys: list[float], **how: Any) -> None:
        """A line from place to place."""
        from matplotlib.lines import Line2D

        self.figure.add_artist(Line2D(xs, ys, transform=self.points, **how))

    def of_data(self, axes: Any, x: float, y: float) -> tuple[float, float]:
        """Where a value stands."""
        across, up = axes.transData.transform((x, y)) / self.figure.dpi * INCH
        return float(across), float(up)


def height_of(text: str, size: float) -> float:
    """The points that lines of words take."""
    return (text.count("\n") + 1) * size * LEADING if text else 0.0


def _width(line: str, size: float, weight: str) -> float:
    """The points that a line takes, letter by letter."""
    return size * SAFE * sum(_advance(letter, weight) for letter in line)


@functools.cache
def _advance(letter: str, weight: str) -> float:
    """The width of a letter in sizes of the font."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))
    if not font.get_char_index(ord(letter)):
        return UNKNOWN
    font.set_size(_MEASURED, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / _MEASURED
