"""What no rule was held against: columns without figures, figures without a unit or a partner."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import Cell, NotCompared, Reason
from vtbench.claims.audit.printed import PrintedTable

_SCALED = ("macs", "flops", "params")
"""Quantities of which only the unit says how much they are."""


def left_over(
    table: PrintedTable,
    columns: list[PrintedColumn],
    known: dict[Cell, Reason],
    compared: frozenset[Cell],
) -> tuple[NotCompared, ...]:
    """Every figure that was not compared, by its column and by the reason, as far as known."""
    if table.unread:
        return (NotCompared(column="", rows=(), reason=table.unread),)
    found = []
    for column in columns[table.names :]:
        held = any(cell[1] == column.place for cell in compared)
        if not held and not any(row[column.place].figure for row in table.rows):
            found.append(NotCompared(column=column.head, rows=(), reason="no_figures", whole=True))
            continue
        for aside in (False, True):
            found += _of_column(table, (column, aside), known, compared)
    if table.textual:
        found.append(NotCompared(column="", rows=table.textual, reason="no_figures"))
    return tuple(found)


def _of_column(
    table: PrintedTable,
    asked: tuple[PrintedColumn, bool],
    known: dict[Cell, Reason],
    compared: frozenset[Cell],
) -> Iterator[NotCompared]:
    column, aside = asked
    rows: dict[Reason, list[str]] = {}
    for row in range(len(table.rows)):
        cell = (row, column.place, aside)
        reason = _reason(table, column, cell, known.get(cell), held=cell in compared)
        if reason is not None:
            rows.setdefault(reason, []).append(table.name(row))
    cells = (row[column.place] for row in table.rows)
    figures = sum((cell.aside if aside else cell.figure) is not None for cell in cells)
    for reason, names in rows.items():
        yield NotCompared(
            column=column.head,
            rows=tuple(names),
            reason=reason,
            whole=reason != "no_figure" and len(names) == figures,
            aside=aside,
        )


def _reason(
    table: PrintedTable, column: PrintedColumn, cell: Cell, known: Reason | None, *, held: bool
) -> Reason | None:
    """Why a cell was not compared; None if it was, or if there is nothing in it."""
    row, place, aside = cell
    printed = table.rows[row][place]
    figure = printed.aside if aside else printed.figure
    if figure is None:
        return None if aside or printed.dash or held else "no_figure"
    unitless = not aside and column.quantity in _SCALED and not column.has_unit(figure)
    if held:
        return "no_unit" if unitless and column.role == "plain" else None
    if known is not None or printed.marked:
        return known or "marked"
    return "no_unit" if unitless else "no_rule"
