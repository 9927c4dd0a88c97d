"""The tables that a suite holds, as printed tables: its keys say what headings say elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from vtbench.claims.audit.cells import read_cell
from vtbench.claims.audit.columns import quantity_of
from vtbench.claims.audit.printed import (
    ColumnQuantity,
    Place,
    PrintedCell,
    PrintedFigure,
    PrintedTable,
    Role,
    StatedArithmetic,
    StatedColumn,
)
from vtbench.claims.suite import Claim, Suite, interval
from vtbench.claims.suite.files import tables_in
from vtbench.claims.suite.formulas import names_in
from vtbench.claims.suite.interval import Zeros
from vtbench.claims.suite.schema import Column, TableHead
from vtbench.errors import BadInput

_QUANTITIES: Mapping[str, ColumnQuantity] = {
    "macs": "macs", "flops": "flops", "params": "params", "throughput": "throughput",
    "latency": "latency",
}  # fmt: skip


def suite_tables(suite: Suite, zeros: Zeros | None = None) -> list[PrintedTable]:
    """Every ``[[table]]`` of a suite; ``zeros`` overrides what it says of them."""
    claims = {claim.id: claim for claim in suite.claims}
    found = [_table(suite, line, head, claims, zeros) for line, head in tables_in(suite)]
    if not found:
        raise BadInput(
            f"{suite.path}: table: expected at least one [[table]]; the suite has "
            f"{len(suite.claims)} [[claim]] outside tables."
        )
    return found


def _table(
    suite: Suite, line: int, head: TableHead, claims: Mapping[str, Claim], zeros: Zeros | None
) -> PrintedTable:
    """A table whose first column names the rows, and whose others are those of the suite."""
    ids = [[f"{suite.name}.{head.id}.{row['id']}.{key}" for key in head.columns]
           for row in head.row]  # fmt: skip
    places = {
        name: (row, place)
        for row, names in enumerate(ids)
        for place, name in enumerate(names, 1)
        if name in claims
    }
    rows = tuple(
        (PrintedCell(_name(row)), *(_cell(claims.get(name), zeros) for name in names))
        for row, names in zip(head.row, ids, strict=True)
    )
    taken = {cell.figure.zeros for row in rows for cell in row if cell.figure}
    named = StatedColumn(quantity="", unit="", role="plain")
    own = [claims[name] for name in places]
    return PrintedTable(
        title=head.where,
        heads=("", *head.columns),
        rows=rows,
        id=f"{suite.name}.{head.id}",
        line=line,
        zeros=next(iter(taken)) if len(taken) == 1 else "digits",
        unread="" if taken else "no_figures",
        stated=(named, *(_stated(key, column, own) for key, column in head.columns.items())),
        arithmetic={
            places[each.id]: _arithmetic(each, claims, places) for each in own if each.expression
        },
    )


def _name(row: Mapping[str, object]) -> str:
    return str(row.get("where") or row["id"]).removeprefix("row ")


def _cell(claim: Claim | None, zeros: Zeros | None) -> PrintedCell:
    """A figure as it stands; one that words widen or open stands for no plain interval."""
    if claim is None:
        return PrintedCell("")
    read = read_cell(claim.printed).figure
    if read is None or claim.sweep is not None:
        return PrintedCell(claim.printed)
    digits = interval(claim.printed, claim.unit, zeros=claim.zeros)
    if (digits.low, digits.high) != (claim.low, claim.high):
        return PrintedCell(claim.printed)
    figure = PrintedFigure(read.printed, claim.unit, zeros or claim.zeros)
    return PrintedCell(claim.printed, figure=figure)


def _stated(key: str, column: Column, claims: list[Claim]) -> StatedColumn:
    own = [claim for claim in claims if claim.id.endswith(f".{key}")]
    roles: Mapping[str, Role] = {
        "difference": "percent" if column.unit == "%" else "difference",
        "ratio": "percent" if column.unit == "%" else "ratio",
    }
    return StatedColumn(
        quantity=_quantity(key, column, own),
        unit=column.unit,
        role=roles.get(column.kind, "ratio" if column.unit == "x" else "plain"),
        hardware=next((claim.hardware for claim in own if claim.hardware), ""),
    )


def _quantity(key: str, column: Column, claims: list[Claim]) -> ColumnQuantity:
    """What bounds may be held against: whole models, and multiply-adds that are not doubled."""
    if column.stages:
        return ""
    if column.metric == "macs" and any(claim.convention.startswith("double") for claim in claims):
        return "flops"
    said = quantity_of(key)
    return _QUANTITIES.get(column.metric, "accuracy" if said == "accuracy" else "")


def _arithmetic(
    claim: Claim, claims: Mapping[str, Claim], places: Mapping[str, Place]
) -> StatedArithmetic | None:
    """What a cell follows from among the printed figures, if all of these are in its table."""
    expression = claims.get(f"{claim.id}.printed", claim).expression or ""
    names = names_in(expression)
    if not all(name in places for name in names):
        return None
    return StatedArithmetic(expression=expression, cells={name: places[name] for name in names})
