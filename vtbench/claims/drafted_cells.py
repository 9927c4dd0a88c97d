"""Cells of a printed table as lines of a suite: each is kept, and what is no figure is said."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from vtbench.claims.audit.cells import read_cell
from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.printed import PrintedCell, PrintedFigure
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.types import Relation

_HEDGES: tuple[tuple[str, Relation], ...] = (
    (r"[~≈∼]|about|approx\.?|ca\.?", "about"),
    (r"<=|≤|at most", "at_most"),
    (r">=|≥|at least", "at_least"),
    (r"<|under|below", "less_than"),
    (r">|over|above", "more_than"),
)
_SPREAD = re.compile(r"(?P<mean>[^±]+?)\s*(?:±|\+/-)\s*[\d.]+\s*%?")
_SIZE = re.compile(r"(?P<side>\d{2,4})\s*(?:px)?\s*(?P<form>\^?2|²|x\s*(?P<other>\d{2,4}))?")


class Line(NamedTuple):
    """A cell as it stands in a suite, and what its reader has to know."""

    text: str | None
    """A line of TOML, perhaps a comment; None if the cell says nothing."""
    complaint: str = ""
    """Why it stands as a comment, or what of it is not there."""


def drafted(cell: PrintedCell, key: str, column: PrintedColumn, unit: str, of: str | None) -> Line:
    """One cell. ``of`` is what a derived figure follows from, "" if that stays unclear.

    What is marked or follows from nothing stays a comment, if the column is derived; a mark beside
    any other figure is said.
    """
    counted = column.quantity in ("macs", "flops", "params")
    figure, relation = cell.figure, None
    if figure is None:
        figure, relation = _hedged(cell.text) if counted else (_mean(cell.text), None)
    if figure is None:
        if cell.dash:
            return Line(None)
        return Line(_comment(key, cell.text), "is no single figure; it stands as a comment")
    why = _doubt(cell, figure, unit, of)
    if why:
        return Line(f"# {key} = {toml(figure.printed)} # printed as {_plain(cell.text)}", why)
    said = "" if cell.figure and not _more(cell) else f" # printed as {_plain(cell.text)}"
    own = _own_unit(figure, unit) if counted else None
    fields = {"printed": figure.printed, "unit": own, "relation": relation, "of": of or None}
    given = [f"{name} = {toml(value)}" for name, value in fields.items() if value is not None]
    short = toml(figure.printed) if len(given) == 1 else f"{{ {', '.join(given)} }}"
    complaint = f"has more than its figure {figure.printed}; only that is kept" if said else ""
    return Line(f"{key} = {short}{said}", "" if relation else complaint)


def _doubt(cell: PrintedCell, figure: PrintedFigure, unit: str, of: str | None) -> str:
    """Why a derived figure stays a comment; the empty string if it need not."""
    if of == "":
        return "follows from no figure of the table; it stands as a comment"
    if of is not None and cell.marked:
        return "is marked, so that it may follow from others; it stands as a comment"
    if figure.unit and figure.unit not in SCALES:
        return f"has the unit {figure.unit}, which no suite has; it stands as a comment"
    if (of is not None or figure.unit in ("%", "x")) and figure.unit not in ("", unit):
        return f"is in {figure.unit}, unlike its column; it stands as a comment"
    return ""


def _more(cell: PrintedCell) -> bool:
    return cell.marked or cell.aside is not None or "(" in cell.text


def _own_unit(figure: PrintedFigure, unit: str) -> str | None:
    """The unit of a figure that is not its column's; long whole numbers are spelt out."""
    if figure.unit:
        return None if figure.unit == unit else figure.unit
    return "" if unit and spelt_out(figure) else None


def spelt_out(figure: PrintedFigure) -> bool:
    """Whether a figure is a whole number too long to be so many thousands or millions."""
    return "." not in figure.printed and len(re.sub(r"\D", "", figure.printed)) > 6  # noqa: PLR2004


def _hedged(text: str) -> tuple[PrintedFigure | None, Relation | None]:
    """A figure with a word or a sign before it that widens or opens it."""
    for words, relation in _HEDGES:
        match = re.match(rf"(?:{words})\s*", text, re.IGNORECASE)
        if match:
            return read_cell(text[match.end() :]).figure, relation
    return None, None


def _mean(text: str) -> PrintedFigure | None:
    """The mean of ``79.6±0.1``, in a column that is kept as reference."""
    match = _SPREAD.fullmatch(text)
    return read_cell(match["mean"]).figure if match else None


def size_of(text: str, *, alone: bool) -> tuple[int, int] | None:
    """The size that a cell prints: ``224``, if it stands ``alone``, ``224²``, ``224x224``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or not (alone or match["form"]):
        return None
    side = int(match["side"])
    return side, int(match["other"] or side)


def _comment(key: str, text: str) -> str:
    return f"# {key}: printed as {_plain(text)}"


def _plain(text: str) -> str:
    """Text that can stand in a comment of TOML."""
    return "".join(char if char.isprintable() else " " for char in text)


def toml(value: str) -> str:
    """A TOML string; JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
