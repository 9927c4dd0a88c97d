"""Printed accuracies beside measured costs as a document: conditions above, doubts below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.data.measurement import Measurement
from vtbench.report.document import Document, Rendering, written
from vtbench.report.measured.accuracy import Point
from vtbench.report.measured.cautions import cautions, failures
from vtbench.report.measured.columns import around
from vtbench.report.measured.conditions import cell, common_and_varying
from vtbench.report.measured.quantities import Quantity
from vtbench.report.measured.tables import conditions_of, labels
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT

_LEGEND = (
    "Front: no other model of its printed table is at least as good in both and better in one.",
    "Accuracies are taken from the papers; they were not measured here.",
)
_EXACT = ("macs", "memory")
"""Quantities that no busy machine changes."""
_NOT_PRINTED = "no accuracy is printed for this size and these options"

Groups = Sequence[Sequence[Point]]


def pareto_document(
    groups: Groups, quantity: Quantity, records: Sequence[Measurement], asked: Rendering
) -> str:
    """Accuracies beside costs; ``records`` are all that were measured."""
    found = Document(
        kind="pareto",
        results=lambda: [_object(point, quantity) for group in groups for point in group],
        more=lambda: {
            "left_out": [
                {"name": name, "why": why} for name, why in _left_out(groups, quantity, records)
            ]
        },
        tables=lambda: [pareto_table(groups, quantity, records)],
    )
    return written(found, asked)


def _object(point: Point, quantity: Quantity) -> dict[str, Any]:
    return {
        "name": point.name,
        "printed": point.accuracy,
        "claim": point.claim.id,
        "where": point.claim.where,
        "quantity": quantity.name,
        "value": point.cost.value,
        "low": point.cost.low,
        "high": point.cost.high,
        "front": point.on_front,
    }


def pareto_table(groups: Groups, quantity: Quantity, records: Sequence[Measurement]) -> Table:
    """Every accuracy with the cost that was measured here, and whether it is on its front."""
    points = [point for group in groups for point in sorted(group, key=lambda p: -p.accuracy)]
    common, varying = common_and_varying([point.record for point in points])
    rows = [
        (
            point.record.workload.model,
            *(cell(condition, point.record) for condition in varying),
            point.claim.printed,
            _cost(point, quantity),
            "yes" if point.on_front else ABSENT,
            f"{point.claim.suite}: {point.claim.where}",
        )
        for point in points
    ]
    return Table(
        title="Printed accuracy, and what was measured here",
        conditions=(conditions_of(common, records[0].protocol),),
        columns=(
            name_column("Model"),
            *(Column(head=condition.head, drop=1) for condition in varying),
            Column(head="Printed, %"),
            Column(head=quantity.head),
            Column(head="Front"),
            Column(head="Printed in", align="left", shrink=True),
        ),
        rows=tuple(rows),
        notes=(*_LEGEND, *_missing(groups, quantity, records), *_doubts(quantity, records)),
    )


def _cost(point: Point, quantity: Quantity) -> str:
    return quantity.text(point.cost) if point.cost.low is None else around(point.cost)


def _doubts(quantity: Quantity, records: Sequence[Measurement]) -> list[str]:
    """What makes the costs less certain, and what failed."""
    names = dict(zip(map(id, records), labels(records), strict=True))
    told = failures if quantity.name in _EXACT else cautions
    return told(records, lambda record: names[id(record)])


def _left_out(
    groups: Groups, quantity: Quantity, records: Sequence[Measurement]
) -> list[tuple[str, str]]:
    """The models without a point, and why."""
    placed = {id(point.record) for group in groups for point in group}
    found = []
    for name, record in zip(labels(records), records, strict=True):
        if record.error is not None:
            found.append((name, record.error))
        elif id(record) not in placed:
            known = quantity.read(record) is not None
            found.append((name, _NOT_PRINTED if known else f"there is no {quantity.name}"))
    return found


def _missing(groups: Groups, quantity: Quantity, records: Sequence[Measurement]) -> list[str]:
    """Who is left out, by reason; failures are said as such."""
    errors = {record.error for record in records}
    reasons: dict[str, list[str]] = {}
    for name, why in _left_out(groups, quantity, records):
        if why not in errors:
            reasons.setdefault(why, []).append(name)
    return [f"Not shown: {', '.join(names)}, because {why}." for why, names in reasons.items()]
