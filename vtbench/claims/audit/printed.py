"""Printed tables once they are read: headings, rows, and cells with their figures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from vtbench.claims.suite.interval import SCALES, Interval, Rounding, Zeros, interval

ColumnQuantity = Literal["macs", "flops", "params", "throughput", "latency", "resolution", "device",
                   "accuracy", ""]  # fmt: skip
Role = Literal["plain", "difference", "ratio", "percent", "share"]

DASHES = frozenset(("", "-", "--", "---", "n/a", "na", "none", "/"))

Place = tuple[int, int]
"""Row and column of a cell."""


class PrintedFigure(msgspec.Struct, frozen=True):
    """Printed digits, with the unit that stands at them where one does."""

    printed: str
    unit: str = ""
    """K, M, G, B, T, x, %; empty if the column says it."""
    zeros: Zeros = "digits"
    """Whether zeros at the end of a whole number are digits."""

    @property
    def signed(self) -> bool:
        """Whether a sign was printed."""
        return self.printed[0] in "+-"

    @property
    def stands_for(self) -> Interval:
        """The values that the digits stand for, in the unit that they are printed in."""
        return interval(self.printed, "", zeros=self.zeros)

    def scale(self, unit: str) -> int | Decimal:
        """What one of its unit is, or of its column's ``unit`` if it has none."""
        return SCALES.get(self.unit or unit, 1)

    def with_unit(self, unit: str) -> str:
        """The figure as printed, with its unit or its column's."""
        return f"{self.printed} {self.unit or unit}".strip()


def range_of(figure: PrintedFigure, unit: str = "", rounding: Rounding = "round") -> Interval:
    """Every value that the digits stand for, which are those that a check takes."""
    own = figure.unit or unit
    return interval(figure.printed, own if own in SCALES else "", rounding, figure.zeros)


class PrintedCell(msgspec.Struct, frozen=True):
    """One cell as it is read."""

    text: str
    figure: PrintedFigure | None = None
    aside: PrintedFigure | None = None
    """The figure in parentheses after it, as in ``113 (1.41x)``."""
    marked: bool = False
    """A star or dagger says that something else holds for it than for its neighbours."""

    @property
    def dash(self) -> bool:
        """Whether the cell says that there is no figure."""
        return self.text.lower() in DASHES


class StatedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """What a suite says of a column, whose heading is only a key."""

    quantity: ColumnQuantity
    unit: str
    role: Role
    hardware: str = ""
    """For a speed, the device."""


class StatedArithmetic(msgspec.Struct, frozen=True, kw_only=True):
    """How a suite derives a cell from others of its table."""

    expression: str
    cells: Mapping[str, Place]
    """Name in the expression -> cell."""


class PrintedTable(msgspec.Struct, frozen=True, kw_only=True):
    """A heading for each column, and rows of cells of the same number."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[PrintedCell, ...], ...]
    id: str = ""
    """The suite and the table, for one of a suite."""
    line: int = 1
    """The line of its file on which it begins."""
    zeros: Zeros = "digits"
    """How zeros are taken in the columns for which the suite says nothing else."""
    textual: tuple[str, ...] = ()
    """Names of the rows that hold text and no figure, which are left out."""
    across: tuple[str, ...] = ()
    """Lines of text over all columns, as between groups of rows."""
    unread: Literal["", "no_heading", "no_figures"] = ""
    """Why there is nothing in it to compare."""
    stated: tuple[StatedColumn, ...] = ()
    """What a suite says of each column; empty if only headings do."""
    arithmetic: Mapping[Place, StatedArithmetic | None] = MappingProxyType({})
    """Derived cell -> what a suite states of it; None if that is not of this table alone."""

    def figure(self, row: int, place: int) -> PrintedFigure | None:
        """The figure of a cell, by its row and its column's place."""
        return self.rows[row][place].figure

    @property
    def names(self) -> int:
        """The number of leading columns that name the rows: the first, and others of text."""
        places = range(1, len(self.heads))
        return next((p for p in places if any(row[p].figure for row in self.rows)), 1)

    def name(self, row: int) -> str:
        """What a row calls itself: its cells in the leading columns of names, or its number."""
        cells = self.rows[row][: self.names]
        said = " ".join(cell.text for cell in cells if not (cell.dash or cell.figure))
        return said or f"row {row + 1}"
