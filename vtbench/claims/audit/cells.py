"""The text of a cell: its figure with its unit, the figure in parentheses after it, and marks."""

from __future__ import annotations

import re

from vtbench.claims.audit.printed import PrintedCell, PrintedFigure
from vtbench.claims.suite.interval import LONGEST, Zeros

_SPELT = (
    ("−", "-"), ("–", "-"), ("—", "-"), ("×", "x"), ("∗", "*"), ("⋆", "*"),
    ("\u2009", " "), ("\u00a0", " "),
)  # fmt: skip
_UNIT = r"(?P<unit>%|x|[KkMGBT])?(?:FLOPs?|FLOPS|MACs?|[Pp]arams?)?"
_FIGURE = re.compile(
    r"(?P<digits>[+-]?\s?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+))\s*"
    + _UNIT
    + r"\s*(?P<marks>(?:[*†‡§¶#]|\^[\w*†‡§¶#]+)*)"
)
_CELL = re.compile(
    rf"{_FIGURE.pattern}\s*(?:[(\[](?P<aside>[^()\[\]]*)[)\]])?\s*(?P<after>[*†‡§¶#]*)"
)


def plain(text: str) -> str:
    """Text without the typography of minus signs, crosses and bold face."""
    for spelling, ours in _SPELT:
        text = text.replace(spelling, ours)
    text = re.sub(r"</?[A-Za-z][^>]*>", "", text)
    text = text.replace("\\*", "\x00").replace("**", "").replace("\x00", "*")
    return " ".join(text.split())


def read_cell(raw: str, zeros: Zeros = "digits") -> PrintedCell:
    """A cell; text that is no figure, or an uncertain one such as ``~4`` or ``76±1``, has none."""
    text = plain(raw)
    match = _CELL.fullmatch(text)
    if match is None or max(map(len, re.findall(r"\S+", text))) > LONGEST:
        return PrintedCell(text)
    aside = _FIGURE.fullmatch(match["aside"].strip()) if match["aside"] else None
    return PrintedCell(
        text,
        figure=_figure(match, zeros),
        aside=_figure(aside, zeros) if aside else None,
        marked=bool(match["marks"] or match["after"] or (aside and aside["marks"])),
    )


def _figure(match: re.Match[str], zeros: Zeros) -> PrintedFigure:
    unit = match["unit"] or ""
    return PrintedFigure(match["digits"].replace(" ", ""), "K" if unit == "k" else unit, zeros)
