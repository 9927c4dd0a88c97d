"""Printed cells: the figure, its unit, a mark beside it, and what stands in parentheses."""

from __future__ import annotations

import re

import msgspec

from vtbench.claims.suite.interval import SCALES, Interval, Rounding, interval

DASHES = frozenset(("", "-", "--", "---", "n/a", "na", "none", "/"))
_SPELT = (
    ("−", "-"), ("–", "-"), ("—", "-"), ("×", "x"), ("∗", "*"), ("⋆", "*"),
    ("\u2009", " "), ("\u00a0", " "),
)  # fmt: skip
_UNIT = r"(?P<unit>%|x|[KkMGBT])?(?:FLOPs?|FLOPS|MACs?|[Pp]arams?)?"
_FIGURE = re.compile(
    r"(?P<digits>[+-]?\s?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+))\s*"
    + _UNIT
    + r"\s*(?P<marks>(?:[*†‡§¶#]|\^[\w*]+)*)"
)
_CELL = re.compile(
    rf"{_FIGURE.pattern}\s*(?:[(\[](?P<aside>[^()\[\]]*)[)\]])?\s*(?P<after>[*†‡§¶#]*)"
)


class Figure(msgspec.Struct, frozen=True):
    """Printed digits, with the unit that stands at them where one does."""

    printed: str
    unit: str = ""
    """K, M, G, B, T, x, %; empty where the column says it."""

    @property
    def signed(self) -> bool:
        """Whether a sign was printed."""
        return self.printed[0] in "+-"


class Cell(msgspec.Struct, frozen=True):
    """One cell as it is read."""

    text: str
    figure: Figure | None = None
    aside: Figure | None = None
    """The figure in parentheses after it, as in ``113 (1.41x)``."""
    marked: bool = False
    """A star or dagger says that something else holds for it than for its neighbours."""

    @property
    def dash(self) -> bool:
        """Whether the cell says that there is no figure."""
        return self.text.lower() in DASHES


def plain(text: str) -> str:
    """Text without the typography of minus signs, crosses and bold face."""
    for spelling, ours in _SPELT:
        text = text.replace(spelling, ours)
    text = re.sub(r"</?[A-Za-z][^>]*>", "", text)
    text = text.replace("\\*", "\x00").replace("**", "").replace("\x00", "*")
    return " ".join(text.split())


def read_cell(raw: str) -> Cell:
    """A cell; text that is no figure, or an uncertain one such as ``~4`` or ``76±1``, has none."""
    text = plain(raw)
    match = _CELL.fullmatch(text)
    if match is None:
        return Cell(text)
    aside = _FIGURE.fullmatch(match["aside"].strip()) if match["aside"] else None
    return Cell(
        text,
        figure=_figure(match),
        aside=_figure(aside) if aside else None,
        marked=bool(match["marks"] or match["after"] or (aside and aside["marks"])),
    )


def _figure(match: re.Match[str]) -> Figure:
    unit = match["unit"] or ""
    return Figure(match["digits"].replace(" ", ""), "K" if unit == "k" else unit)


_ROUND_NUMBER = re.compile(r"[+-]?[\d,]*[1-9](00+)")


def range_of(figure: Figure, unit: str = "") -> Interval:
    """Every value that the digits stand for, whether they were rounded or cut off.

    A whole number that ends in two zeros or more may have been rounded to its last digit that
    is no zero.
    """
    own = figure.unit or unit
    scale = own if own in SCALES else ""
    ways: tuple[Rounding, ...] = ("round", "truncate")
    digits, power = _digits(figure.printed)
    ranges = [interval(digits, scale, way) for way in ways]
    return Interval(min(r.low for r in ranges) * power, max(r.high for r in ranges) * power)


def _digits(printed: str) -> tuple[str, int]:
    """The digits that are surely meant, and the power of ten that they are multiples of."""
    match = _ROUND_NUMBER.fullmatch(printed)
    if match is None:
        return printed, 1
    zeros = len(match[1])
    return printed.replace(",", "")[:-zeros], int(10**zeros)
