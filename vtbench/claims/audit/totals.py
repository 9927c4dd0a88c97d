"""Rows and columns that sum others, and shares of a sum."""

from __future__ import annotations

import re
from decimal import Decimal

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import Check, Finding
from vtbench.claims.audit.tables import PrintedFigure, PrintedTable, range_of
from vtbench.claims.suite.interval import SCALES, Interval

_TOTAL = re.compile(
    r"\W*(?:total|sum|overall|all stages|whole (?:net|network|model))\W*", re.IGNORECASE
)
_SUMMED = ("macs", "flops", "params", "latency")
_FEWEST = 2

Outcome = tuple[list[Finding], list[Check]]


def totals(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """The rows that are called a total, against the rows above them."""
    findings: list[Finding] = []
    checks: list[Check] = []
    start = 0
    for row in range(len(table.rows)):
        if not _TOTAL.fullmatch(table.name(row)):
            continue
        found, checked = _total_row(table, columns, range(start, row), row)
        start = row + 1
        # a "total" that agrees nowhere in its row is the total of something else
        if checked > len(found) or checked == 1:
            findings += found
        if checked:
            contradicted = len(found) if checked > len(found) or checked == 1 else 0
            rule = f"row {table.name(row)}: the sum of the rows above"
            checks.append(Check(kind="sum", rule=rule, checked=checked, contradicted=contradicted))
    return findings, checks


def _total_row(
    table: PrintedTable, columns: list[PrintedColumn], parts: range, row: int
) -> tuple[list[Finding], int]:
    findings, checked = [], 0
    for column in columns:
        if column.role != "plain" or column.quantity not in _SUMMED or len(parts) < _FEWEST:
            continue
        total = table.rows[row][column.place].figure
        figures = [table.rows[r][column.place].figure for r in parts]
        if total is None or any(figure is None for figure in figures):
            continue
        checked += 1
        allowed = _sum([figure for figure in figures if figure], column.unit)
        if allowed.meets(range_of(total, column.unit)):
            continue
        scale = SCALES.get(total.unit or column.unit, 1)
        findings.append(
            Finding(
                kind="sum",
                row=table.name(row),
                column=column.head,
                printed=f"{total.printed} {total.unit or column.unit}".strip(),
                low=allowed.low / scale,
                high=allowed.high / scale,
                of=f"{len(figures)} rows above",
                why=f"{column.head} of the rows above sums to something else",
            )
        )
    return findings, checked


def _sum(figures: list[PrintedFigure], unit: str) -> Interval:
    ranges = [range_of(figure, unit) for figure in figures]
    zero = Decimal(0)
    return Interval(sum((r.low for r in ranges), zero), sum((r.high for r in ranges), zero))


def shares(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """Columns of percentages of another column's total."""
    findings: list[Finding] = []
    checks: list[Check] = []
    for column in columns:
        if column.role != "share":
            continue
        for base in columns:
            if base.role == "plain" and (column.words & base.words or base.quantity in _SUMMED):
                found, checked = _share(table, column, base)
                if checked - len(found) >= _FEWEST and len(found) * 3 <= checked:
                    rule = f"{column.head}: share of {base.head} in its sum"
                    findings += found
                    checks.append(
                        Check(kind="share", rule=rule, checked=checked, contradicted=len(found))
                    )
                    break
    return findings, checks


def _share(
    table: PrintedTable, column: PrintedColumn, base: PrintedColumn
) -> tuple[list[Finding], int]:
    rows = [r for r in range(len(table.rows)) if not _TOTAL.fullmatch(table.name(r))]
    figures = [table.rows[r][base.place].figure for r in rows]
    if any(figure is None for figure in figures):
        return [], 0
    whole = _sum([figure for figure in figures if figure], base.unit)
    findings, checked = [], 0
    for row, figure in zip(rows, figures, strict=True):
        printed = table.rows[row][column.place].figure
        if printed is None or figure is None or whole.low <= 0:
            continue
        part = range_of(figure, base.unit)
        low, high = 100 * part.low / whole.high, 100 * part.high / whole.low
        checked += 1
        if not Interval(low, high).meets(range_of(printed)):
            findings.append(
                Finding(
                    kind="share",
                    row=table.name(row),
                    column=column.head,
                    printed=f"{printed.printed} %",
                    low=low,
                    high=high,
                    of=f"{figure.printed} {base.unit}".strip() + f" of the sum of {base.head}",
                    why=f"{column.head}: share of {base.head} in its sum",
                )
            )
    return findings, checked
