"""Derived cells of a suite, each held against the arithmetic over cells that the suite states."""

from __future__ import annotations

from collections.abc import Mapping

from vtbench.claims.audit.columns import PrintedColumn
from vtbench.claims.audit.findings import (
    Cell,
    Finding,
    FindingKind,
    Outcome,
    Reason,
    outcome,
    together,
)
from vtbench.claims.audit.printed import (
    PrintedFigure,
    PrintedTable,
    StatedArithmetic,
    range_of,
)
from vtbench.claims.suite.formulas import interval_of
from vtbench.claims.suite.interval import Interval, Rounding
from vtbench.errors import BadSuite

_PAIR = 2


def stated_outcome(
    table: PrintedTable, columns: list[PrintedColumn]
) -> tuple[Outcome, dict[Cell, Reason]]:
    """What came of the arithmetic of each column, and why other derived cells have none."""
    said: list[Outcome] = []
    reasons: dict[Cell, Reason] = {}
    for column in columns:
        before = len(reasons)
        rule = f"{column.head}: as the suite derives it"
        findings: list[Finding] = []
        compared: list[tuple[Cell, ...]] = []
        for (row, place), arithmetic in table.arithmetic.items():
            printed = table.figure(row, place)
            if place != column.place or printed is None:
                continue
            allowed = None if arithmetic is None else _allowed(table, arithmetic)
            if arithmetic is None or allowed is None:
                reasons[row, place, False] = _reason(arithmetic)
                continue
            used = [(row, place), *arithmetic.cells.values()]
            compared.append(tuple((*each, False) for each in used))
            if not allowed.meets(range_of(printed)):
                findings.append(_finding(table, (row, column), printed, arithmetic))
        left_out = len(reasons) - before
        said.append(outcome(_kind(column), rule, findings, compared, left_out))
    return together(said), reasons


def _reason(arithmetic: StatedArithmetic | None) -> Reason:
    return "elsewhere" if arithmetic is None else "no_partner"


def _kind(column: PrintedColumn) -> FindingKind:
    role = column.role
    return role if role in ("difference", "ratio", "percent") else "arithmetic"


def _allowed(
    table: PrintedTable, arithmetic: StatedArithmetic, rounding: Rounding = "round"
) -> Interval | None:
    """Every value that the cells allow; None if one has no figure, or a divisor may be zero."""
    values: dict[str, Interval] = {}
    for name, (row, place) in arithmetic.cells.items():
        figure = table.figure(row, place)
        if figure is None:
            return None
        values[name] = range_of(figure, rounding=rounding)
    try:
        return interval_of(arithmetic.expression, values)
    except BadSuite:  # it divides by a figure that may be zero
        return None


def _finding(
    table: PrintedTable,
    place: tuple[int, PrintedColumn],
    printed: PrintedFigure,
    arithmetic: StatedArithmetic,
) -> Finding:
    row, column = place
    allowed, cut = _allowed(table, arithmetic), _allowed(table, arithmetic, "truncate")
    assert allowed is not None  # noqa: S101  # it is what contradicts the figure
    scale = printed.scale("")
    return Finding(
        kind=_kind(column),
        row=table.name(row),
        column=column.head,
        printed=printed.with_unit(""),
        stands_for=printed.stands_for,
        low=allowed.low / scale,
        high=allowed.high / scale,
        of=_said(table, row, arithmetic),
        why=f"{column.head}: as the suite derives it",
        agrees_if_cut=cut is not None and cut.meets(range_of(printed, rounding="truncate")),
        fits=_rivals(table, row, printed, arithmetic),
    )


def _said(table: PrintedTable, row: int, arithmetic: StatedArithmetic) -> str:
    """The cells that a figure follows from, with the names of other rows."""
    said = []
    for at, place in arithmetic.cells.values():
        figure = table.figure(at, place)
        assert figure is not None  # noqa: S101  # otherwise nothing was compared
        said.append(figure.with_unit("") + ("" if at == row else f" ({table.name(at)})"))
    return " against ".join(said)


def _rivals(
    table: PrintedTable, row: int, printed: PrintedFigure, arithmetic: StatedArithmetic
) -> tuple[str, ...]:
    """Other rows that explain a figure of two cells if they take the place of the other row."""
    others = {name: at for name, at in arithmetic.cells.items() if at[0] != row}
    if len(arithmetic.cells) != _PAIR or len(others) != 1:
        return ()
    ((name, (base, place)),) = others.items()
    found = []
    for rival in set(range(len(table.rows))) - {row, base}:
        cells: Mapping[str, tuple[int, int]] = {**arithmetic.cells, name: (rival, place)}
        tried = _allowed(table, StatedArithmetic(expression=arithmetic.expression, cells=cells))
        if tried is not None and tried.meets(range_of(printed)):
            found.append(rival)
    return tuple(table.name(rival) for rival in sorted(found))
