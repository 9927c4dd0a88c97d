"""The claims of a check as one table, whose columns, order and rows can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vtbench.claims.judge import Verdict
from vtbench.claims.suite import Claim
from vtbench.claims.suite.interval import SCALES
from vtbench.data.record import ByValues
from vtbench.errors import BadOption
from vtbench.report.figures import Cell
from vtbench.report.printed import deviation, in_unit, measured_of, printed_of
from vtbench.report.shape import Shape
from vtbench.report.sheet import Filled, Sheet, SheetColumn, sheet_of
from vtbench.report.units import MINUS
from vtbench.report.values_behind import marked, value_notes
from vtbench.report.verdict_words import explanation
from vtbench.report.verdicts import verdict_object

_COLUMNS = (
    SheetColumn(name="id", head="Claim", shown=True, tells=True),
    SheetColumn(name="where", head="Where", shrink=True),
    SheetColumn(name="kind", head="Kind"),
    SheetColumn(name="relation", head="Relation"),
    SheetColumn(name="metric", head="Metric"),
    SheetColumn(name="printed", head="Printed", kind="number", shown=True),
    SheetColumn(name="unit", head="Unit"),
    SheetColumn(name="low", head="Low", kind="number"),
    SheetColumn(name="high", head="High", kind="number"),
    SheetColumn(name="measured", head="Measured", kind="number", shown=True),
    SheetColumn(name="deviation", head="Deviation", kind="number"),
    SheetColumn(name="verdict", head="Verdict", shown=True),
    SheetColumn(name="expect", head="Expected"),
    SheetColumn(name="as_expected", head="As expected"),
    SheetColumn(name="reason", head="Reason", shrink=True),
    SheetColumn(name="command", head="Command", shrink=True),
    SheetColumn(name="reproduced_by", head="Reproduced by", shown=True, shrink=True, drop=1),
    SheetColumn(name="by_values", head="By values", shrink=True),
)


def claims_sheet(
    verdicts: Sequence[Verdict], by_values: Mapping[str, ByValues], places: int | None = None
) -> Sheet:
    """A row for each claim, of every suite; ``places`` are decimals of what was counted."""
    rows = [_row(verdict, by_values.get(verdict.claim.id), places) for verdict in verdicts]
    filled: list[Filled] = [(each, [row[each.name] for row in rows]) for each in _COLUMNS]
    notes = value_notes((v.claim.id, by_values.get(v.claim.id)) for v in verdicts)
    return sheet_of(filled, title="Claims", key="claims", conditions=(), notes=tuple(notes))


def refuse_labels(shape: Shape) -> None:
    """Names for models have no place in a table of claims."""
    if shape.labels:
        raise BadOption("--label names models, and the rows of a check are claims; leave it out.")


def _row(verdict: Verdict, read: ByValues | None, places: int | None) -> dict[str, Cell]:
    known: dict[str, Any] = verdict_object(verdict) | {
        "as_expected": str(verdict.as_expected),
        "reproduced_by": explanation(verdict),
        "by_values": ";".join(read.operators) if read is not None else "",
    }
    row = {column.name: Cell(known[column.name]) for column in _COLUMNS}
    claim, measured = verdict.claim, measured_of(verdict)
    row["printed"] = Cell(known["printed"], said=printed_of(claim))
    for end, value in (("low", claim.low), ("high", claim.high)):
        if known[end] is not None:
            row[end] = Cell(known[end], said=_in_unit(value, claim, places))
    if places is not None and verdict.measured is not None and verdict.measured_range is None:
        measured = _in_unit(verdict.measured, claim, places)
    row["measured"] = Cell(known["measured"], said=marked(measured, read))
    row["deviation"] = Cell(known["deviation"], said=deviation(verdict))
    return row


def _in_unit(value: Decimal, claim: Claim, places: int | None) -> str:
    """A value in the unit of what was printed, by which it is named in the same row."""
    if places is None:
        return in_unit(value, claim.printed, claim.unit)
    return f"{value / SCALES[claim.unit]:,.{places}f}".replace("-", MINUS)
