"""Measurements as charts: along an axis, or against their MACs."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.measurement import Measurement
from vtbench.errors import BadInput, BadOption
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.measured.axes import axis_named, growth, longest, number, said, values
from vtbench.report.measured.columns import Value
from vtbench.report.measured.conditions import Condition, common_and_varying
from vtbench.report.measured.quantities import (
    QUANTITIES,
    Quantity,
    has,
    quantity_named,
    usual,
)
from vtbench.report.measured.tables import by_protocol, conditions_of, labels, named_apart
from vtbench.report.measured.wide import rows_of
from vtbench.report.units import ABSENT

WIDE = 8.0
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
MOST_TICKS = 12
SOME = 3
"""Models that are worth a figure."""
AGAINST_MACS = "macs"


def chart_of(records: Sequence[Measurement], by: str | None, show: str | None) -> Chart:
    """The chart of a quantity along an axis, or against MACs where ``by`` says so.

    Without ``by`` it is the axis with the most values, or MACs if there is none.
    """
    group = _one_protocol(records, show)
    good = [record for record in group if record.error is None]
    if not good:
        raise BadInput("Every measurement failed, so there is nothing to draw.")
    condition = None
    if by != AGAINST_MACS:
        condition = longest(good) if by is None else axis_named(by, good)[0]
    quantity = quantity_named(show) if show else _usual(good, along=condition is not None)
    if not has(good, quantity):
        raise BadOption(f"The measurements have no {quantity.name} to draw.")
    return _against_macs(good, quantity) if condition is None else _along(good, condition, quantity)


def charts(records: Sequence[Measurement]) -> dict[str, Chart]:
    """Protocol -> the figure that says most: along the longest axis, else against MACs."""
    found: dict[str, Chart] = {}
    for group in by_protocol(records):
        good = [record for record in group if record.error is None]
        if longest(good) is not None or _compares(good):
            found[group[0].protocol.name] = chart_of(good, None, None)
    return found


def _compares(records: Sequence[Measurement]) -> bool:
    """Whether several models have a time and MACs to stand against it."""
    timed = [r for r in records if r.macs is not None and r.median is not None]
    return len({record.workload.model for record in timed}) >= SOME


def _usual(records: Sequence[Measurement], *, along: bool) -> Quantity:
    """What a protocol is about; against MACs, time shows what throughput hides."""
    found = usual(records)
    return QUANTITIES["time"] if not along and found.name in ("throughput", "macs") else found


def _one_protocol(records: Sequence[Measurement], show: str | None) -> list[Measurement]:
    """The records of the only protocol that has the quantity; figures never mix protocols."""
    groups = by_protocol(records)
    if show is not None:
        quantity = quantity_named(show)
        groups = [group for group in groups if has(group, quantity)] or groups
    if len(groups) > 1:
        names = ", ".join(group[0].protocol.name for group in groups)
        raise BadOption(
            f"The measurements have several protocols ({names}), and a figure shows only one; "
            "choose it with --protocol."
        )
    return groups[0] if groups else []


def _along(records: Sequence[Measurement], condition: Condition, quantity: Quantity) -> Chart:
    """One line per model and further conditions, with its fitted power."""
    if all(number(condition.name, record) is None for record in records):
        raise BadOption(f"The values of {condition.name!r} are words; choose an axis with numbers.")
    sides = condition.name == "resolution" and all(_is_square(record) for record in records)
    drawn = []
    others, rows = rows_of(records, condition)
    for key, found in rows.items():
        marks = [
            _mark(_place(condition, record, sides=sides), value)
            for record in found
            if number(condition.name, record) is not None and (value := quantity.read(record))
        ]
        if marks:
            grown = growth(found, condition, quantity)
            drawn.append(
                Line(
                    name=_line_name(key, others),
                    marks=tuple(sorted(marks, key=lambda mark: mark.x)),
                    remark="" if grown is None else f"∝ {said(grown, condition)}",
                )
            )
    return Chart(
        title=f"{_title(quantity)} by {condition.head.lower()}{named_apart(records[0].protocol)}",
        x=_scale(_x_label(condition, sides=sides), [m.x for line in drawn for m in line.marks],
                 ticks=len(values(condition, records)) <= MOST_TICKS),
        y=_scale(quantity.axis, [m.y for line in drawn for m in line.marks]),
        lines=tuple(drawn),
        conditions=_conditions(records),
    )  # fmt: skip


def _against_macs(records: Sequence[Measurement], quantity: Quantity) -> Chart:
    """A quantity against MACs per image: models as points, a sweep of one model as a line."""
    read = QUANTITIES["macs"].read
    condition = longest(records)
    names = dict(zip(map(id, records), labels(records), strict=True))
    others, rows = rows_of(records, condition) if condition else ([], {("",): list(records)})
    drawn = []
    for key, found in rows.items():
        marks = [
            _mark(count.value, value, "" if condition else names[id(record)])
            for record in found
            if (count := read(record)) and (value := quantity.read(record))
        ]
        if marks:
            drawn.append(Line(name=_line_name(key, others), marks=tuple(marks)))
    if not drawn:
        raise BadOption("The measurements have no MACs to draw against.")
    places = [mark for line in drawn for mark in line.marks]
    return Chart(
        title=f"{_title(quantity)} against MACs{named_apart(records[0].protocol)}",
        x=_scale("MACs per image", [mark.x for mark in places]),
        y=_scale(quantity.axis, [mark.y for mark in places]),
        lines=tuple(drawn),
        kind="lines" if condition else "points",
        conditions=_conditions(records),
    )


def _title(quantity: Quantity) -> str:
    return quantity.title.partition(",")[0]


def _conditions(records: Sequence[Measurement]) -> str:
    return conditions_of(common_and_varying(records)[0], records[0].protocol)


def _line_name(key: tuple[str, ...], others: Sequence[Condition]) -> str:
    """The model and what else tells lines apart; a bare number says of what."""
    parts = [
        f"{condition.head.lower()} {part}" if part.isdecimal() else part
        for condition, part in zip(others, key[1:], strict=True)
        if part != ABSENT
    ]
    return ", ".join([key[0], *parts])


def _mark(x: float, value: Value, name: str = "") -> Mark:
    return Mark(x=x, y=value.value, low=value.low, high=value.high, name=name)


def _place(condition: Condition, record: Measurement, *, sides: bool) -> float:
    """Where a record stands along the axis; squares stand at their side, other sizes at pixels."""
    if sides and record.workload.resolution is not None:
        return float(record.workload.resolution[0])
    return number(condition.name, record) or 0.0


def _is_square(record: Measurement) -> bool:
    size = record.workload.resolution
    return size is not None and size[0] == size[1]


def _x_label(condition: Condition, *, sides: bool) -> str:
    named = {"resolution": "height = width, pixels" if sides else "pixels", "batch_size": "batch"}
    return named.get(condition.name, condition.name)


def _scale(label: str, places: Sequence[float], *, ticks: bool = False) -> Scale:
    """An axis; its own values are its ticks where they are few."""
    known = sorted(set(places))
    return Scale(
        label=label,
        logarithmic=bool(known) and known[0] > 0 and known[-1] / known[0] >= WIDE,
        ticks=tuple(known) if ticks else (),
    )
