"""Rows and columns that sum others, and shares of a sum."""

from __future__ import annotations

import re
from decimal import Decimal

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import Check, Finding, Outcome, outcome
from vtbench.claims.audit.tables import PrintedFigure, PrintedTable, range_of
from vtbench.claims.suite.interval import Interval

_TOTAL = re.compile(
    r"\W*(?:total|sum|overall|all stages|whole (?:net|network|model))\W*", re.IGNORECASE
)
_SUMMED = ("macs", "flops", "params", "latency")
_FEWEST = 2


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
        if checked == len(found) > 1:  # a "total" that agrees nowhere is that of something else
            found = []
        rule = f"row {table.name(row)}: the sum of the rows above"
        said = outcome("sum", rule, found, checked)
        findings, checks = findings + said[0], checks + said[1]
    return findings, checks


def _total_row(
    table: PrintedTable, columns: list[PrintedColumn], parts: range, row: int
) -> tuple[list[Finding], int]:
    findings, checked = [], 0
    for column in columns:
        if column.role != "plain" or column.quantity not in _SUMMED or len(parts) < _FEWEST:
            continue
        total = table.figure(row, column.place)
        figures = [table.figure(r, column.place) for r in parts]
        if total is None or any(figure is None for figure in figures):
            continue
        checked += 1
        allowed = _sum([figure for figure in figures if figure], column.unit)
        if allowed.meets(range_of(total, column.unit)):
            continue
        scale = total.scale(column.unit)
        findings.append(
            Finding(
                kind="sum",
                row=table.name(row),
                column=column.head,
                printed=total.with_unit(column.unit),
                low=allowed.low / scale,
                high=allowed.high / scale,
                of=f"{len(figures)} rows above",
                why=f"the sum of {column.head} of the rows above is different",
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
                    said = outcome("share", rule, found, checked)
                    findings, checks = findings + said[0], checks + said[1]
                    break
    return findings, checks


def _share(
    table: PrintedTable, column: PrintedColumn, base: PrintedColumn
) -> tuple[list[Finding], int]:
    rows = [r for r in range(len(table.rows)) if not _TOTAL.fullmatch(table.name(r))]
    figures = [table.figure(r, base.place) for r in rows]
    if any(figure is None for figure in figures):
        return [], 0
    whole = _sum([figure for figure in figures if figure], base.unit)
    findings, checked = [], 0
    for row, figure in zip(rows, figures, strict=True):
        printed = table.figure(row, column.place)
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
