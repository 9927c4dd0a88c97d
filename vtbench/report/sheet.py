"""A table of workloads before it is rounded: typed cells, from which readers and programs get text.

A column has one unit, which stands in its heading. What is shown (columns, order, digits) is a
``vtbench.report.shape.Shape``; it is applied to a sheet, so that every format shows the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.report.figures import Cell, Kind, written_column
from vtbench.report.table import TYPED, WHOLE, Align, Column, Table, values_table
from vtbench.report.units import common_prefix


class SheetColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column, and where it stands unless other columns are asked for."""

    name: str
    """Its heading in CSV."""
    head: str = ""
    """Its heading for readers, less the unit; empty is the name."""
    kind: Kind = "text"
    shown: bool = False
    """Whether readers see it by default."""
    rank: int = 0
    """Its place for readers; columns of one rank stand in the order of the sheet."""
    flat: bool = True
    """Whether CSV has it by default."""
    tells: bool = False
    """Whether it tells rows apart."""
    like: str | None = None
    """The column whose unit it has."""
    note: str = ""
    """What its heading cannot say."""
    shrink: bool = False
    drop: int = 0

    @property
    def heading(self) -> str:
        """What readers call it."""
        return self.head or self.name


Filled = tuple[SheetColumn, Sequence[Cell]]
"""A column and its cells."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of typed cells under columns, and what has to be said of them."""

    title: str
    key: str
    """What the table is about in one word, by which a paper refers to it."""
    columns: tuple[SheetColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    conditions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> tuple[Cell, ...]:
        """The cells of a column."""
        place = [column.name for column in self.columns].index(name)
        return tuple(row[place] for row in self.rows)


def sheet_of(
    filled: Sequence[Filled],
    *,
    title: str,
    key: str,
    conditions: tuple[str, ...],
    notes: tuple[str, ...],
) -> Sheet:
    """A sheet from its columns."""
    return Sheet(
        title=title,
        key=key,
        columns=tuple(column for column, _ in filled),
        rows=tuple(zip(*(cells for _, cells in filled), strict=True)),
        conditions=conditions,
        notes=notes,
    )


def as_table(sheet: Sheet, places: int | None = None) -> Table:
    """What readers see: units in the headings, cells rounded; ``places`` are decimals."""
    shown = sorted((each for each in sheet.columns if each.shown), key=lambda each: each.rank)
    made = [_column(sheet, column, places) for column in shown]
    return Table(
        title=sheet.title,
        key=sheet.key,
        conditions=sheet.conditions,
        columns=tuple(column for column, _ in made),
        rows=tuple(zip(*(cells for _, cells in made), strict=True)),
        notes=sheet.notes,
    )


def as_values(sheet: Sheet) -> Table:
    """What programs read: every figure in full."""
    flat = [place for place, column in enumerate(sheet.columns) if column.flat]
    heads = [sheet.columns[place].name for place in flat]
    return values_table(heads, [[row[place].value for place in flat] for row in sheet.rows])


def _column(sheet: Sheet, column: SheetColumn, places: int | None) -> tuple[Column, list[str]]:
    cells = sheet.column(column.name)
    prefix = None
    if column.like is not None:
        prefix = common_prefix(_whole(sheet.column(column.like)))
    unit, texts = written_column(column.kind, cells, places, prefix)
    return (
        Column(
            head=f"{column.heading} ({unit})" if unit else column.heading,
            align=_ALIGNED.get(column.kind, "decimal"),
            note=column.note,
            shrink=column.shrink and column.heading not in TYPED,
            least=WHOLE,
            drop=column.drop,
        ),
        texts,
    )


_ALIGNED: dict[Kind, Align] = {"text": "left", "value": "right", "factor": "left"}


def _whole(cells: Sequence[Cell]) -> list[int]:
    return [cell.value for cell in cells if isinstance(cell.value, int)]
