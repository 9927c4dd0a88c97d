"""Rows and columns that sum others, and shares of a sum."""

from __future__ import annotations

import re
from decimal import Decimal

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import Cell, Finding, Outcome, outcome, together
from vtbench.claims.audit.printed import PrintedFigure, PrintedTable, range_of
from vtbench.claims.suite.interval import Interval, Rounding

_TOTAL = re.compile(
    r"\W*(?:total|sum|overall|all stages|whole (?:net|network|model))\W*", re.IGNORECASE
)
_SUMMED = ("macs", "flops", "params", "latency")
_FEWEST = 2
Compared = list[tuple[Cell, ...]]


def totals(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """The rows that are called a total, against the rows above them."""
    said: list[Outcome] = []
    start = 0
    for row in range(len(table.rows)):
        if not _TOTAL.fullmatch(table.name(row)):
            continue
        found, compared = _total_row(table, columns, range(start, row), row)
        start = row + 1
        if len(compared) == len(found) > 1:  # what agrees nowhere is the total of something else
            continue
        rule = f"row {table.name(row)}: the sum of the rows above"
        said.append(outcome("sum", rule, found, compared))
    return together(said)


def _total_row(
    table: PrintedTable, columns: list[PrintedColumn], parts: range, row: int
) -> tuple[list[Finding], Compared]:
    findings: list[Finding] = []
    compared: Compared = []
    for column in columns:
        if column.role != "plain" or column.quantity not in _SUMMED or len(parts) < _FEWEST:
            continue
        total = table.figure(row, column.place)
        figures = [table.figure(r, column.place) for r in parts]
        if total is None or any(figure is None for figure in figures):
            continue
        compared.append(tuple((r, column.place, False) for r in (row, *parts)))
        summed = [figure for figure in figures if figure]
        allowed = _sum(summed, column.unit)
        if allowed.meets(range_of(total, column.unit)):
            continue
        cut = _sum(summed, column.unit, "truncate")
        scale = total.scale(column.unit)
        findings.append(
            Finding(
                kind="sum",
                row=table.name(row),
                column=column.head,
                printed=total.with_unit(column.unit),
                stands_for=total.stands_for,
                low=allowed.low / scale,
                high=allowed.high / scale,
                of=f"{len(figures)} rows above",
                why=f"the sum of {column.head} of the rows above is different",
                agrees_if_cut=cut.meets(range_of(total, column.unit, "truncate")),
            )
        )
    return findings, compared


def _sum(figures: list[PrintedFigure], unit: str, rounding: Rounding = "round") -> Interval:
    ranges = [range_of(figure, unit, rounding) for figure in figures]
    zero = Decimal(0)
    return Interval(sum((r.low for r in ranges), zero), sum((r.high for r in ranges), zero))


def shares(table: PrintedTable, columns: list[PrintedColumn]) -> Outcome:
    """Columns of percentages of another column's total."""
    said: list[Outcome] = []
    for column in columns:
        if column.role != "share":
            continue
        for base in columns:
            if base.role == "plain" and (column.words & base.words or base.quantity in _SUMMED):
                found, compared = _share(table, column, base)
                checked = len(compared)
                if checked - len(found) >= _FEWEST and len(found) * 3 <= checked:
                    rule = f"{column.head}: share of {base.head} in its sum"
                    said.append(outcome("share", rule, found, compared))
                    break
    return together(said)


def _share(
    table: PrintedTable, column: PrintedColumn, base: PrintedColumn
) -> tuple[list[Finding], Compared]:
    rows = [r for r in range(len(table.rows)) if not _TOTAL.fullmatch(table.name(r))]
    figures = [table.figure(r, base.place) for r in rows]
    if any(figure is None for figure in figures):
        return [], []
    summed = [figure for figure in figures if figure]
    findings: list[Finding] = []
    compared: Compared = []
    for row, figure in zip(rows, figures, strict=True):
        printed = table.figure(row, column.place)
        allowed = None if figure is None else _part(figure, summed, base.unit)
        if printed is None or figure is None or allowed is None:
            continue
        compared.append(
            ((row, column.place, False), *((other, base.place, False) for other in rows))
        )
        if allowed.meets(range_of(printed)):
            continue
        cut = _part(figure, summed, base.unit, "truncate")
        findings.append(
            Finding(
                kind="share",
                row=table.name(row),
                column=column.head,
                printed=f"{printed.printed} %",
                stands_for=printed.stands_for,
                low=allowed.low,
                high=allowed.high,
                of=f"{figure.with_unit(base.unit)} of the sum of {base.head}",
                why=f"{column.head}: share of {base.head} in its sum",
                agrees_if_cut=cut is not None and cut.meets(range_of(printed, "", "truncate")),
            )
        )
    return findings, compared


def _part(
    figure: PrintedFigure, summed: list[PrintedFigure], unit: str, rounding: Rounding = "round"
) -> Interval | None:
    """A figure as a percentage of a sum; None if the sum may be zero."""
    part, whole = range_of(figure, unit, rounding), _sum(summed, unit, rounding)
    if whole.low <= 0:
        return None
    return Interval(100 * part.low / whole.high, 100 * part.high / whole.low)
