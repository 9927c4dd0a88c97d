"""The audit of one table: every derivation and bound that its columns allow."""

from __future__ import annotations

import re

from vtbench.claims.audit import bounds, totals
from vtbench.claims.audit.columns import ColumnQuantity, PrintedColumn, columns_of
from vtbench.claims.audit.derivations import (
    Derivation,
    Relation,
    best_derivation,
    check_of,
    contradictions,
)
from vtbench.claims.audit.findings import Audit, Check, Finding
from vtbench.claims.audit.tables import PrintedTable

_FEWEST = 2
_MEANINGS: tuple[tuple[str, tuple[ColumnQuantity, ...]], ...] = (
    ("speed", ("throughput", "latency")),
    ("reduction|saving", ("macs", "flops")),
)
"""Words of a heading that say by themselves what the column is a ratio or a change of."""


def audit(table: PrintedTable, device: str | None = None) -> Audit:
    """The contradictions of a table, and what was checked to find them."""
    columns = columns_of(table)
    found, notes = derivations(table)
    findings: list[Finding] = []
    checks: list[Check] = []
    for derivation in found:
        findings += contradictions(table, derivation)
        checks.append(check_of(derivation))
    for outcome in (
        totals.totals(table, columns),
        totals.shares(table, columns),
        bounds.peak(table, columns, device),
        bounds.parameters(table, columns),
        bounds.scaling(table, columns),
    ):
        findings += outcome[0]
        checks += outcome[1]
    return Audit(
        title=table.title, findings=tuple(findings), checks=tuple(checks), notes=tuple(notes)
    )


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
    if column.role == "share" or _figures(table, column) == 0:
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
