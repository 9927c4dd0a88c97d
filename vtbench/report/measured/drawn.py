"""Measurements of one protocol as lines, points and levels."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.measurement import Measurement
from vtbench.errors import BadOption
from vtbench.report.chart import Chart, Level, Line, Mark, Scale
from vtbench.report.chart_scales import doubling, far_apart
from vtbench.report.measured.axes import longest, number, values
from vtbench.report.measured.chart_notes import chart_notes, is_disturbed
from vtbench.report.measured.columns import Value
from vtbench.report.measured.conditions import Condition, cell, common_and_varying
from vtbench.report.measured.quantities import QUANTITIES, Quantity
from vtbench.report.measured.tables import conditions_of, labels, named_apart
from vtbench.report.measured.trends import At, Trend, trend_note, trend_of
from vtbench.report.measured.wide import names_at, rows_of
from vtbench.report.units import ABSENT

MOST_TICKS = 40
THIN = "Thin grey segments join neighbours where the points carry no trend."
_AXES = {
    "resolution": ("Height × width, by pixels", ""),
    "batch_size": ("Batch size", "images"),
    "threads": ("Threads", ""),
    "tokens": ("Tokens", ""),
}


def along(records: Sequence[Measurement], condition: Condition, quantity: Quantity) -> Chart:
    """A line per model and further conditions; models that lack the axis are levels."""
    refuse_words(records, condition)
    sides = condition.name == "resolution" and all(_is_square(record) for record in records)
    others, rows = rows_of(records, condition)
    lines, levels, notes = [], [], []
    for key, found in rows.items():
        name = _line_name(key, others)
        line, trend = _line(name, found, condition, quantity, sides=sides)
        if line is not None:
            lines.append(line)
            if not trend.carried:
                notes.append(trend_note(name, trend, quantity.noun, condition.head.lower()))
        levels += _levels(name, found, condition, quantity, beside=line is not None)
    return Chart(
        title=f"{_title(quantity)} by {condition.head.lower()}{named_apart(records[0].protocol)}",
        x=_x_scale([r for r in records if _value(quantity, r)], condition, sides=sides),
        y=quantity_scale(quantity, [*_heights(lines), *(level.y for level in levels)]),
        lines=tuple(lines),
        levels=tuple(levels),
        notes=(*([THIN] if notes else []), *notes, *_notes(records, quantity, condition)),
        conditions=_conditions(records),
    )


def refuse_words(records: Sequence[Measurement], condition: Condition) -> None:
    """Refuse an axis without numbers."""
    if all(number(condition.name, record) is None for record in records):
        raise BadOption(f"The values of {condition.name!r} are words; choose an axis with numbers.")


def _line(
    name: str,
    records: Sequence[Measurement],
    condition: Condition,
    quantity: Quantity,
    *,
    sides: bool,
) -> tuple[Line | None, Trend]:
    """The marks of a row in the order of the axis, and whether they carry a trend.

    Where a cell was measured more than once, the last counts, as in tables. Counts are exact, so
    that any line through them is true.
    """
    last = {place: record for record in records
            if (place := _place(condition, record, sides=sides)) is not None}  # fmt: skip
    found = [(place, last[place], value) for place in sorted(last)
             if (value := _value(quantity, last[place])) is not None]  # fmt: skip
    if not found:
        return None, trend_of([])
    points = [At(cell(condition, r), value, quantity.text(value)) for _, r, value in found]
    trend = trend_of([] if quantity.name == "macs" else points)
    marks = tuple(_mark(place, value, record, quantity) for place, record, value in found)
    return Line(name=name, marks=marks, trend=trend.carried), trend


def _levels(
    name: str,
    records: Sequence[Measurement],
    condition: Condition,
    quantity: Quantity,
    *,
    beside: bool,
) -> list[Level]:
    """The value of a row that has no place on the axis; beside a line of its own, the default's."""
    off = [record for record in records if number(condition.name, record) is None]
    known = [value for record in off if (value := _value(quantity, record)) is not None]
    said = f"{name}, default {condition.head.lower()}" if beside else name
    return [Level(name=said, y=v.value, low=v.low, high=v.high) for v in known[-1:]]


def against_macs(records: Sequence[Measurement], quantity: Quantity) -> Chart:
    """A quantity against MACs per image: models as points, a sweep of one model as a line."""
    condition = longest(records)
    names = dict(zip(map(id, records), labels(records), strict=True))
    others, rows = rows_of(records, condition) if condition else ([], {("",): list(records)})
    lines, notes = [], []
    for key, found in rows.items():
        placed = [(count.value, record, value) for record in found
                  if (count := _value(QUANTITIES["macs"], record)) is not None
                  and (value := _value(quantity, record)) is not None]  # fmt: skip
        if not placed:
            continue
        placed.sort(key=lambda each: each[0])
        points = [At(QUANTITIES["macs"].text(Value(x)), v, quantity.text(v)) for x, _, v in placed]
        trend = trend_of(points)
        name = _line_name(key, others)
        marks = (_mark(x, v, r, quantity, "" if condition else names[id(r)]) for x, r, v in placed)
        lines.append(Line(name=name, marks=tuple(marks), trend=trend.carried))
        if condition is not None and not trend.carried:
            notes.append(trend_note(name, trend, quantity.noun, "MACs"))
    if not lines:
        raise BadOption("The measurements have no MACs to draw against.")
    return Chart(
        title=f"{_title(quantity)} against MACs{named_apart(records[0].protocol)}",
        x=quantity_scale(QUANTITIES["macs"], [m.x for line in lines for m in line.marks]),
        y=quantity_scale(quantity, _heights(lines)),
        lines=tuple(lines),
        kind="lines" if condition else "points",
        notes=(*([THIN] if notes else []), *notes, *_notes(records, quantity, condition)),
        conditions=_conditions(records),
    )


def row_by_row(records: Sequence[Measurement], quantity: Quantity) -> Chart:
    """A row per measurement, as in a table, with its value as a point."""
    known = [(name, record, value) for name, record in zip(labels(records), records, strict=True)
             if (value := _value(quantity, record)) is not None]  # fmt: skip
    height = len(known) - 1
    marks = tuple(
        Mark(x=value.value, y=float(height - i), x_low=value.low, x_high=value.high,
             disturbed=is_disturbed(record) and not quantity.counted)
        for i, (_, record, value) in enumerate(known)
    )  # fmt: skip
    return Chart(
        title=f"{_title(quantity)}{named_apart(records[0].protocol)}",
        x=quantity_scale(quantity, [mark.x for mark in marks]),
        y=Scale(
            label="",
            ticks=tuple(float(height - i) for i in range(len(known))),
            names=tuple(name for name, _, _ in known),
        ),
        lines=(Line(name="", marks=marks),),
        kind="rows",
        notes=tuple(_notes(records, quantity, None)),
        conditions=_conditions(records),
    )


def _value(quantity: Quantity, record: Measurement) -> Value | None:
    return None if record.error is not None else quantity.read(record)


def _heights(lines: Sequence[Line]) -> list[float]:
    return [mark.y for line in lines for mark in line.marks]


def _title(quantity: Quantity) -> str:
    return quantity.title.partition(",")[0]


def _conditions(records: Sequence[Measurement]) -> str:
    return conditions_of(common_and_varying(records)[0], records[0].protocol)


def _notes(
    records: Sequence[Measurement], quantity: Quantity, condition: Condition | None
) -> list[str]:
    said = labels(records) if condition is None else names_at(records, condition)
    names = dict(zip(map(id, records), said, strict=True))
    return chart_notes(records, quantity, lambda record: names[id(record)])


def _line_name(key: tuple[str, ...], others: Sequence[Condition]) -> str:
    """The model and what else tells lines apart; a bare number says of what."""
    parts = [
        f"{condition.head.lower()} {part}" if part.replace(".", "").isdecimal() else part
        for condition, part in zip(others, key[1:], strict=True)
        if part != ABSENT
    ]
    return ", ".join([key[0], *parts])


def _mark(x: float, value: Value, record: Measurement, quantity: Quantity, name: str = "") -> Mark:
    disturbed = is_disturbed(record) and not quantity.counted
    return Mark(x=x, y=value.value, low=value.low, high=value.high, name=name, disturbed=disturbed)


def _place(condition: Condition, record: Measurement, *, sides: bool) -> float | None:
    """Where a record stands along the axis; squares stand at their side, other sizes at pixels."""
    if sides and record.workload.resolution is not None:
        return float(record.workload.resolution[0])
    return number(condition.name, record)


def _is_square(record: Measurement) -> bool:
    size = record.workload.resolution
    return size is None or size[0] == size[1]


def _x_scale(records: Sequence[Measurement], condition: Condition, *, sides: bool) -> Scale:
    """An axis whose ticks are its own values, as far as there is room for them."""
    named = {place: cell(condition, record) for record in records
             if (place := _place(condition, record, sides=sides)) is not None}  # fmt: skip
    places = sorted(named)
    few = len(values(condition, records)) <= MOST_TICKS
    label, unit = _AXES.get(condition.name, (condition.name, ""))
    sizes = condition.name == "resolution" and not sides
    return Scale(
        label="Height = width" if sides else label,
        unit="pixels" if sides else unit,
        logarithmic=doubling(places),
        ticks=tuple(places) if few else (),
        names=tuple(named[place] for place in places) if few and sizes else (),
    )


def quantity_scale(quantity: Quantity, places: Sequence[float]) -> Scale:
    """The axis of a quantity."""
    return Scale(
        label=quantity.axis,
        unit=quantity.unit,
        prefixed=quantity.prefixed,
        logarithmic=far_apart(places),
    )
