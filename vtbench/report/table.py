"""The one shape of everything that is printed: titled columns of finished strings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

Align = Literal["left", "right", "decimal"]
"""``decimal`` is right, with the points of figures below each other."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column: its heading, and how it behaves when the page is narrow."""

    head: str
    align: Align = "right"
    shrink: bool = False
    """Whether its cells may be shortened in the middle; for names and paths."""
    least: int = 12
    """A shrinking cell is not made narrower than this while a column can be left out instead."""
    note: str = ""
    """What its heading cannot say; stands below the table for as long as the column is there."""
    drop: int = 0
    """0 stays; otherwise the column may be left out, those with the highest figure first."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose cells are final: a renderer chooses layout, never digits."""

    title: str
    key: str = ""
    """One word for what it is about, by which a paper refers to it; empty if it has none."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    """Cells; leading spaces of a first cell are its depth in a tree, two for each level."""
    conditions: tuple[str, ...] = ()
    """What holds for every row; stands above it."""
    notes: tuple[str, ...] = ()
    """What a reader must know of single rows; stands below it."""
    cites: str = ""
    """The BibTeX key that the last note cites; empty if it cites nothing."""


def explained(table: Table) -> Table:
    """The table, below which its headings are explained before anything else."""
    notes = dict.fromkeys(column.note for column in table.columns if column.note)
    return msgspec.structs.replace(
        table,
        columns=tuple(msgspec.structs.replace(column, note="") for column in table.columns),
        notes=(*notes, *table.notes),
    )


TYPED = frozenset(("Claim", "Model", "model", "Name", "cost model", "Operator"))
"""Headings of names that one copies into another command."""
WHOLE = 36
"""Other names are not made narrower than this while a column can be left out instead."""


def name_column(head: str) -> Column:
    """A column of names: those that are typed again stay whole, others shorten in the middle.

    On a narrow page columns are left out before a name is shortened, and the columns that answer
    the question of a table are not left out at all: theirs is ``drop=0``.
    """
    return Column(head=head, align="left", shrink=head not in TYPED, least=WHOLE)


def figure_columns(*heads: str) -> tuple[Column, ...]:
    """Columns of figures, which stay and are never shortened."""
    return tuple(Column(head=head) for head in heads)


def values_table(heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> Table:
    """Values as a program reads them: absent is empty, truth is lower case."""
    return Table(
        title="",
        columns=figure_columns(*heads),
        rows=tuple(tuple(map(_value, line)) for line in lines),
    )


def _value(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
