"""What can be read off a measurement, as a number with its interval, for tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.errors import BadOption
from vtbench.report.figures import Cell, Kind, written_column
from vtbench.report.measured.columns import (
    COUNTED,
    LATENCY,
    MEMORY,
    MILLI,
    TIMED,
    Value,
    kind,
    macs_per_image,
    peak,
    rate,
    uncertain,
)
from vtbench.report.units import decimals, half_of, precise_size, si, written
from vtbench.report.values_behind import MARK

DOUBTFUL = "~"
"""Stands before a figure whose interval is wide, if there is no room for the interval."""


class Quantity(msgspec.Struct, frozen=True, kw_only=True):
    """One quantity that a measurement may have."""

    name: str
    """As the command line calls it."""
    title: str
    head: str
    """Heading of a column, with its unit."""
    noun: str
    """What a sentence calls it."""
    axis: str
    """The label of an axis of a figure."""
    unit: str
    """The unit of ``read``."""
    read: Callable[[Measurement], Value | None]
    text: Callable[[Value], str]
    """A cell of a table, with as many digits as the interval allows."""
    table_kind: Kind | None = None
    """The kind of a count, whose unit a table names once; None if ``text`` has it."""
    more_is_better: bool = False
    prefixed: bool = False
    """Whether an axis gives the unit a prefix such as G."""
    counted: bool = False
    """Whether it follows from a count, which can depend on the values of the input."""


def quantity_named(name: str) -> Quantity:
    """The quantity of that name; otherwise a sentence with those that there are."""
    try:
        return QUANTITIES[name]
    except KeyError:
        known = ", ".join(QUANTITIES)
        raise BadOption(f"--show: expected one of {known}, got {name!r}.") from None


def usual(records: Sequence[Measurement]) -> Quantity:
    """What a protocol is about."""
    return QUANTITIES[_USUAL[kind(records[0].protocol)]]


def has(records: Sequence[Measurement], quantity: Quantity) -> bool:
    """Whether any record has it."""
    return any(r.error is None and quantity.read(r) is not None for r in records)


def _time(record: Measurement) -> Value | None:
    if record.median is None:
        return None
    ends = (None if end is None else end * MILLI for end in (record.low, record.high))
    return Value(record.median * MILLI, *ends)


def _macs(record: Measurement) -> Value | None:
    each = macs_per_image(record)
    return None if each is None else Value(each)


def _memory(record: Measurement) -> Value | None:
    if record.memory is None:
        return None
    found = peak(record.memory)
    found = record.memory.predicted if found is None else found
    return None if found is None else Value(found)


def _utilisation(record: Measurement) -> Value | None:
    return None if record.utilisation is None else Value(record.utilisation * 100)


def _energy(record: Measurement) -> Value | None:
    seen = record.telemetry
    return (
        None if seen is None or seen.energy_per_image_j is None else Value(seen.energy_per_image_j)
    )


def _by_interval(value: Value) -> str:
    return written(value.value, decimals(value.value, half_of(value.low, value.high)))


def _whole(write: Callable[[int], str]) -> Callable[[Value], str]:
    return lambda value: write(round(value.value))


_ALL = (
    Quantity(
        name="throughput",
        title="Throughput, images/s",
        head="images/s",
        noun="throughput",
        axis="Throughput",
        unit="images/s",
        read=rate,
        text=_by_interval,
        more_is_better=True,
    ),
    Quantity(
        name="time",
        title="Time, ms/step",
        head="ms/step",
        noun="time",
        axis="Time",
        unit="ms/step",
        read=_time,
        text=_by_interval,
    ),
    Quantity(
        name="macs",
        title="MACs per image",
        head="MACs",
        noun="number of MACs",
        axis="MACs per image",
        unit="",
        prefixed=True,
        read=_macs,
        text=_whole(si),
        table_kind="count",
        counted=True,
    ),
    Quantity(
        name="memory",
        title="Peak memory",
        head="Peak",
        noun="peak memory",
        axis="Peak memory",
        unit="B",
        prefixed=True,
        read=_memory,
        text=_whole(precise_size),
        table_kind="bytes",
        counted=True,
    ),
    Quantity(
        name="utilisation",
        title="Utilisation, % of what the device was measured to do",
        head="Util., %",
        noun="utilisation",
        axis="Utilisation",
        unit="%",
        read=_utilisation,
        text=lambda value: written(value.value, 1),
        more_is_better=True,
    ),
    Quantity(
        name="energy",
        title="Energy, J/image",
        head="J/image",
        noun="energy",
        axis="Energy per image",
        unit="J",
        read=_energy,
        text=_by_interval,
    ),
)
QUANTITIES = {quantity.name: quantity for quantity in _ALL}
_USUAL = {TIMED: "throughput", LATENCY: "time", MEMORY: "memory", COUNTED: "macs"}


def doubtful(quantity: Quantity, record: Measurement) -> bool:
    """Whether the record has the quantity with an interval that is no longer small."""
    value = None if record.error is not None else quantity.read(record)
    return value is not None and uncertain(value)


def cells(
    quantity: Quantity, records: Sequence[Measurement], places: int | None = None
) -> tuple[str, list[str]]:
    """The unit of a table of the quantity, and a cell for each record.

    A cell is marked if it is doubtful; a failure is one, and says so.
    """
    found = [None if record.error is not None else quantity.read(record) for record in records]
    figures = [
        Cell(said="failed")
        if record.error is not None
        else Cell()
        if value is None
        else _figure(quantity, record, value, places)
        for record, value in zip(records, found, strict=True)
    ]
    unit, texts = written_column(quantity.table_kind or "text", figures, places)
    return unit, texts


def _figure(quantity: Quantity, record: Measurement, value: Value, places: int | None) -> Cell:
    sign = DOUBTFUL if uncertain(value) else ""
    mark = MARK if quantity.counted and record.by_values is not None else ""
    if quantity.table_kind is not None:
        return Cell(round(value.value), sign=sign, mark=mark)
    said = quantity.text(value) if places is None else written(value.value, places)
    return Cell(value.value, said=f"{sign}{said}{mark}")
