"""The columns of measured figures, by what a protocol measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from vtbench.data.disturbance import HELD, OTHERS
from vtbench.data.launches import rate_interval
from vtbench.data.measurement import MeasuredMemory, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS, ProtocolId
from vtbench.report.table import Column
from vtbench.report.units import (
    ABSENT,
    bracketed,
    half_of,
    plain,
    plus_minus,
    precise_size,
    share,
    si,
    written,
)
from vtbench.report.values_behind import marked

MILLI = 1e3
WIDE = 0.10
"""Half an interval that is no longer small, as a share of its value."""
TIMED, LATENCY, MEMORY, COUNTED = "timed", "latency", "memory", "counted"


class MeasuredColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of figures."""

    column: Column
    cell: Callable[[Measurement], str]
    counted: bool = False
    """Whether it follows from a count, which can depend on the values of the input."""

    def text(self, record: Measurement) -> str:
        """The cell as it stands in a table."""
        said = self.cell(record)
        return marked(said, record.by_values) if self.counted and said != ABSENT else said


def kind(protocol: ProtocolId) -> str:
    """What a protocol measures; one that is not known here is taken for steps back to back."""
    known = PROTOCOLS.get(protocol.name)
    if known is None or known.timed:
        return LATENCY if known is not None and known.synchronised else TIMED
    return MEMORY if known.name == "memory" else COUNTED


def filled_columns(records: Sequence[Measurement]) -> list[MeasuredColumn]:
    """The columns that some record of one protocol fills; the first one always stands."""
    wanted = _WANTED[kind(records[0].protocol)]
    good = [record for record in records if record.error is None]
    return [
        figure
        for place, figure in enumerate(wanted)
        if not place or any(figure.cell(record) != ABSENT for record in good)
    ]


class Value(msgspec.Struct, frozen=True):
    """A number and the ends of its interval, which are None if it has none."""

    value: float
    low: float | None = None
    high: float | None = None


def uncertain(value: Value) -> bool:
    """Whether the interval is so wide that the number alone would mislead."""
    half = half_of(value.low, value.high)
    return half is not None and half > WIDE * abs(value.value)


def rate(record: Measurement) -> Value | None:
    """Images per second; its interval is that of the median turned round.

    So no speed is below nothing, and what slow steps take off the rate moves its ends as well.
    Several launches have an interval of their rates.
    """
    value = record.images_per_second
    if value is None:
        return None
    known = rate_interval(record)
    if known is not None:
        return Value(known.value, known.low, known.high)
    if not (record.median and record.low and record.high):
        return Value(value)
    return Value(value, value * record.median / record.high, value * record.median / record.low)


def state(telemetry: Telemetry) -> str:
    """The verdict on a device in a word; *busy* where nothing but others' work held it back.

    Records say *throttled* of both, which reads as heat or power.
    """
    kinds = {each.kind for each in telemetry.disturbances}
    busy = telemetry.verdict == "throttled" and kinds & OTHERS and not kinds & HELD
    return "busy" if busy else telemetry.verdict


def macs_per_image(record: Measurement) -> int | None:
    """Multiply-accumulates of one image; None if the step's do not divide evenly."""
    return _per_image(record.macs, record)


def _per_image(whole: int | None, record: Measurement) -> int | None:
    batch = record.workload.batch_size
    return whole // batch if whole is not None and whole % batch == 0 else None


def peak(memory: MeasuredMemory | None) -> int | None:
    """The measured peak: of the allocator on a GPU, of the process on a CPU."""
    if memory is None:
        return None
    return memory.peak_resident if memory.peak_allocated is None else memory.peak_allocated


def _rate(record: Measurement) -> str:
    found = rate(record)
    return ABSENT if found is None else around(found)


def around(value: Value) -> str:
    """``1,280 ± 6``; the ends in brackets where they lie far from it, and unevenly."""
    if uncertain(value):
        return bracketed(value.value, value.low, value.high)
    return plus_minus(value.value, half_of(value.low, value.high))


def _time(record: Measurement) -> str:
    ends = [None if end is None else end * MILLI for end in (record.low, record.high)]
    return bracketed(None if record.median is None else record.median * MILLI, ends[0], ends[1])


def _tail(seconds: float | None) -> str:
    return ABSENT if seconds is None else plain(seconds * MILLI)


def _each(whole: int | None, record: Measurement) -> str:
    """A count of one image; of the step, and said so, if it does not divide by its images."""
    each = _per_image(whole, record)
    if each is not None:
        return si(each)
    return ABSENT if whole is None else f"{si(whole)} a step"


def _macs(record: Measurement) -> str:
    return _each(record.macs, record)


def _count(value: int | None) -> str:
    return ABSENT if value is None else si(value)


def _bytes(value: int | None) -> str:
    return ABSENT if value is None else precise_size(value)


def _memory(name: str) -> Callable[[Measurement], str]:
    def cell(record: Measurement) -> str:
        return ABSENT if record.memory is None else _bytes(getattr(record.memory, name))

    return cell


def _memory_ratio(record: Measurement) -> str:
    found = record.memory.ratio if record.memory else None
    return ABSENT if found is None else f"{written(found, 2)}×"


def _energy(record: Measurement) -> str:
    return plain(record.telemetry.energy_per_image_j if record.telemetry else None)


def _clock(record: Measurement) -> str:
    seen = record.telemetry
    clock = (seen.sm_clock_mhz or seen.cpu_clock_mhz) if seen else None
    return ABSENT if clock is None else written(clock, 0)


def _figure(head: str, cell: Callable[[Measurement], str], drop: int = 0) -> MeasuredColumn:
    return MeasuredColumn(column=Column(head=head, drop=drop), cell=cell)


def _count_of(head: str, cell: Callable[[Measurement], str], drop: int = 0) -> MeasuredColumn:
    return MeasuredColumn(column=Column(head=head, drop=drop), cell=cell, counted=True)


_RATE = _figure("images/s", _rate)
_MACS = _count_of("MACs", _macs, 3)
_PARAMS = _figure("Params", lambda record: _count(record.params), 5)
_UTILISATION = _figure("Util.", lambda record: share(record.utilisation), 2)
_STATE = _figure("State", lambda r: state(r.telemetry) if r.telemetry else ABSENT, 6)
_ENDED = _figure("Ended by", lambda record: record.stopped_by or ABSENT, 9)
_ENERGY = _figure("J/image", _energy, 7)
_CLOCK = _figure("MHz", _clock, 8)
_ABOUT = (_UTILISATION, _MACS, _PARAMS, _ENERGY, _CLOCK, _STATE, _ENDED)

_WANTED: dict[str, tuple[MeasuredColumn, ...]] = {
    TIMED: (_RATE, _figure("ms/step", _time, 1), *_ABOUT),
    LATENCY: (
        _figure("ms/step", _time),
        _figure("p90", lambda record: _tail(record.p90)),
        _figure("p99", lambda record: _tail(record.p99)),
        _figure("images/s", _rate, 4),
        *_ABOUT,
    ),
    MEMORY: (
        _figure("Weights", _memory("weights")),
        _count_of("Peak allocated", _memory("peak_allocated")),
        _count_of("Peak reserved", _memory("peak_reserved"), 2),
        _count_of("Peak resident", _memory("peak_resident")),
        _count_of("Predicted", _memory("predicted")),
        _figure("Ratio", _memory_ratio, 1),
        _PARAMS,
    ),
    COUNTED: (
        _count_of("MACs", _macs),
        _figure("Params", lambda record: _count(record.params)),
        _count_of("Activ.", lambda record: _each(record.activations, record), 1),
        _count_of("Predicted mem.", _memory("predicted"), 2),
    ),
}
