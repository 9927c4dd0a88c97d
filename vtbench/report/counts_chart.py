"""Counts as charts: along the parts of a model, over inputs, or of models beside their size."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.distribution import Distribution
from vtbench.data.record import Record
from vtbench.errors import BadOption, UsageError
from vtbench.report.breakdown import View, breakdown
from vtbench.report.certificate import conditions
from vtbench.report.chart import Chart, Line, Mark, Scale

DRAWN: tuple[View, ...] = ("stage", "module")
"""The views whose parts stand in an order, which a figure can show."""

MOST_NAMES = 10
"""Parts whose names have room along an axis."""


def counts_chart(records: Sequence[Record], by: View = "stage", depth: int | None = None) -> Chart:
    """Of one record its parts, or its figure over inputs; of several, MACs beside parameters."""
    if by not in DRAWN:
        raise BadOption(f"by: expected one of {', '.join(DRAWN)} for a figure, got {by!r}.")
    good = [record for record in records if record.error is None]
    if not good:
        raise UsageError("Every count failed, so there is nothing to draw.")
    if len(good) > 1:
        return _beside_parameters(good)
    (record,) = good
    found = record.distribution
    return _along(record, by, depth) if found is None else _over_inputs(record, found)


def _along(record: Record, by: View, depth: int | None) -> Chart:
    parts = [part for part in breakdown(record, by, depth) if part.macs or part.params]
    places = range(1, len(parts) + 1)
    if len(parts) <= 1:
        raise UsageError(
            f"{record.workload.model} has only one {by}, so there is nothing to draw; a model with "
            "several parts, several models, and several inputs can be drawn."
        )
    marks = (Mark(x=float(x), y=float(p.macs)) for x, p in zip(places, parts, strict=True))
    named = len(parts) <= MOST_NAMES
    return Chart(
        title=f"MACs of {record.workload.model} by {by}",
        x=Scale(
            label=by if named else f"{by}, by its place",
            ticks=tuple(map(float, places)) if named else (),
            names=tuple(p.name for p in parts) if named else (),
        ),
        y=Scale(label="MACs"),
        lines=(Line(name=record.workload.model, marks=tuple(marks)),),
        conditions=conditions(record),
    )


def _over_inputs(record: Record, found: Distribution) -> Chart:
    places = range(1, found.n + 1)
    marks = (Mark(x=float(x), y=float(y)) for x, y in zip(places, found.values, strict=True))
    return Chart(
        title=f"MACs of {record.workload.model} over {found.n} inputs",
        x=Scale(label="input"),
        y=Scale(label="MACs"),
        lines=(Line(name=record.workload.model, marks=tuple(marks)),),
        conditions=conditions(record),
    )


def _beside_parameters(records: Sequence[Record]) -> Chart:
    marks = tuple(
        Mark(
            x=float(record.parameters.total if record.parameters else 0),
            y=float(record.macs),
            name=record.workload.model,
        )
        for record in records
    )
    return Chart(
        title="MACs beside parameters",
        x=Scale(label="parameters"),
        y=Scale(label="MACs"),
        lines=(Line(name="models", marks=marks),),
        kind="points",
    )
