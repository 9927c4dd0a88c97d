"""The audit of one table: every derivation and bound that its columns allow."""

from __future__ import annotations

import re

from vtbench.claims.audit import bounds, totals
from vtbench.claims.audit.columns import PrintedColumn, columns_of
from vtbench.claims.audit.contradictions import derived_outcome
from vtbench.claims.audit.derivations import Derivation, Relation, best_derivation
from vtbench.claims.audit.findings import Audit, together
from vtbench.claims.audit.left_over import left_over
from vtbench.claims.audit.printed import ColumnQuantity, PrintedTable
from vtbench.claims.audit.stated import stated_outcome
from vtbench.claims.suite.interval import Zeros

_FEWEST = 2
_MEANINGS: tuple[tuple[str, tuple[ColumnQuantity, ...]], ...] = (
    ("speed", ("throughput", "latency")),
    ("reduction|saving", ("macs", "flops")),
)
"""Words of a heading that say by themselves what the column is a ratio or a change of."""


def audit(table: PrintedTable, device: str | None = None) -> Audit:
    """The contradictions of a table, what was checked to find them, and what was not."""
    columns = columns_of(table)
    derived, _ = derivations(table)
    stated, reasons = stated_outcome(table, columns)
    for each in derived:
        reasons |= each.left_out()
    found = together(
        [
            *(derived_outcome(table, derivation) for derivation in derived),
            stated,
            totals.totals(table, columns),
            totals.shares(table, columns),
            bounds.peak(table, columns, device),
            bounds.parameters(table, columns),
            bounds.scaling(table, columns),
        ]
    )
    return Audit(
        title=table.title,
        id=table.id,
        line=table.line,
        zeros=table.zeros,
        zeros_of=_zeros_of(table),
        findings=found.findings,
        checks=found.checks,
        not_compared=left_over(table, columns, reasons, found.cells),
    )


def _zeros_of(table: PrintedTable) -> dict[str, Zeros]:
    """The columns whose zeros are taken in another way than those of the table."""
    return {
        head: cell.figure.zeros
        for row in table.rows
        for head, cell in zip(table.heads, row, strict=True)
        if cell.figure is not None and cell.figure.zeros != table.zeros
    }


def derivations(table: PrintedTable) -> tuple[list[Derivation], list[str]]:
    """How each derived column is made, and a note for those of which that stays unclear."""
    columns = columns_of(table)
    plain = [column for column in columns if _is_plain(table, column)]
    found, notes = [], []
    for column in columns:
        for aside in (False, True):
            relations = _relations(table, column, plain, aside=aside)
            if not relations:
                continue
            derivation = best_derivation(table, relations)
            if derivation is not None:
                found.append(derivation)
            elif aside or column.role != "plain":
                where = "figures in parentheses" if aside else "figures"
                notes.append(f"No rule was found that derives the {where} of {column.head!r}.")
    return found, notes


def _is_plain(table: PrintedTable, column: PrintedColumn) -> bool:
    """Whether a column has figures of its own."""
    return column.role == "plain" and not _all_signed(table, column) and _figures(table, column) > 1


def _figures(table: PrintedTable, column: PrintedColumn) -> int:
    return sum(row[column.place].figure is not None for row in table.rows)


def _all_signed(table: PrintedTable, column: PrintedColumn) -> bool:
    """Whether every figure carries a sign, as deltas do."""
    figures = [row[column.place].figure for row in table.rows if row[column.place].figure]
    signs = sum(figure.signed for figure in figures if figure)
    zeros = sum(not figure.printed.strip("0.") for figure in figures if figure)
    return signs >= _FEWEST and signs + zeros >= len(figures)


def _relations(
    table: PrintedTable, column: PrintedColumn, plain: list[PrintedColumn], *, aside: bool
) -> list[Relation]:
    """What a column, or what stands in its parentheses, may follow from; the likeliest first."""
    if aside:
        asides = [row[column.place].aside for row in table.rows if row[column.place].aside]
        telling = sum(each.signed or each.unit in ("x", "%") for each in asides if each)
        if telling * 2 <= len(asides) or column not in plain:
            return []
        return [Relation(derived=column, base=column, aside=True)]
    stated = any(place == column.place for _, place in table.arithmetic)
    if stated or column.role == "share" or _figures(table, column) == 0:
        return []
    others = [base for base in plain if base.place != column.place]
    left = [base for base in others if base.place < column.place]
    if column.role == "plain":
        related = left[-1:] if _all_signed(table, column) else []
    elif not column.words:
        related = left[-1:]
    else:
        related = [base for base in others if _related(column, base)]
        if not related:
            related = _by_meaning(column, others)
    return [Relation(derived=column, base=base) for base in related]


def _by_meaning(column: PrintedColumn, others: list[PrintedColumn]) -> list[PrintedColumn]:
    """The one column that a heading such as "Speedup" can only mean; none if there are two."""
    for words, quantities in _MEANINGS:
        if re.search(words, column.head.lower()):
            meant = [base for base in others if base.quantity in quantities]
            return meant if len(meant) == 1 else []
    return []


def _related(column: PrintedColumn, base: PrintedColumn) -> bool:
    if column.quantity and base.quantity:
        return column.quantity == base.quantity
    return bool(column.words & base.words)
