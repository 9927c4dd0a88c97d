"""The columns of measured figures, by what a protocol measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from vtbench.data.disturbance import HELD, OTHERS
from vtbench.data.launches import rate_interval
from vtbench.data.measurement import MeasuredMemory, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS, ProtocolId
from vtbench.report.figures import WIDE, Cell, Kind, is_absent
from vtbench.report.sheet import SheetColumn
from vtbench.report.units import bracketed, half_of, plus_minus, si
from vtbench.report.values_behind import MARK

MILLI = 1e3
TIMED, LATENCY, MEMORY, COUNTED = "timed", "latency", "memory", "counted"


class MeasuredColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of figures."""

    column: SheetColumn
    read: Callable[[Measurement], Cell]
    counted: bool = False
    """Whether it follows from a count, which can depend on the values of the input."""

    def cell(self, record: Measurement) -> Cell:
        """The figure with what qualifies it."""
        found = self.read(record)
        if not self.counted or record.by_values is None or is_empty(found):
            return found
        if found.said is not None:
            return msgspec.structs.replace(found, said=f"{found.said}{MARK}")
        return msgspec.structs.replace(found, mark=MARK)


def is_empty(cell: Cell) -> bool:
    """Whether there is nothing to show."""
    return cell.said is None and is_absent(cell.value)


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
        if not place or any(not is_empty(figure.cell(record)) for record in good)
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


def around(value: Value) -> str:
    """``1,280 ± 6``; the ends in brackets where they lie far from it, and unevenly."""
    if uncertain(value):
        return bracketed(value.value, value.low, value.high)
    return plus_minus(value.value, half_of(value.low, value.high))


def _rate(record: Measurement) -> Cell:
    found = rate(record)
    return Cell() if found is None else Cell(found.value, found.low, found.high)


def _time(record: Measurement) -> Cell:
    return Cell(record.median, record.low, record.high)


def _each(whole: int | None, record: Measurement) -> Cell:
    """A count of one image; of the step, and said so, if it does not divide by its images."""
    each = _per_image(whole, record)
    if each is None and whole is not None:
        return Cell(said=f"{si(whole)} a step")
    return Cell(each)


def _memory(name: str) -> Callable[[Measurement], Cell]:
    return lambda record: Cell(getattr(record.memory, name, None))


def _clock(record: Measurement) -> Cell:
    seen = record.telemetry
    clock = (seen.sm_clock_mhz or seen.cpu_clock_mhz) if seen else None
    return Cell(None if clock is None else round(clock))


def _state(record: Measurement) -> Cell:
    return Cell(None if record.telemetry is None else state(record.telemetry))


def _figure(
    name: str, head: str, kind: Kind, read: Callable[[Measurement], Cell], drop: int = 0
) -> MeasuredColumn:
    column = SheetColumn(name=name, head=head, kind=kind, drop=drop)
    return MeasuredColumn(column=column, read=read)


def _count_of(
    name: str, head: str, kind: Kind, read: Callable[[Measurement], Cell], drop: int = 0
) -> MeasuredColumn:
    made = _figure(name, head, kind, read, drop)
    return msgspec.structs.replace(made, counted=True)


def _rate_at(drop: int = 0) -> MeasuredColumn:
    return _figure("images_per_second", "images/s", "rate", _rate, drop)


def _time_at(drop: int = 0) -> MeasuredColumn:
    return _figure("median", "ms/step", "milliseconds", _time, drop)


_MACS = _count_of("macs_per_image", "MACs", "count", lambda r: _each(r.macs, r), 3)
_PARAMS = _figure("params", "Params", "count", lambda record: Cell(record.params), 5)
_ABOUT = (
    _figure("utilisation", "Util.", "share", lambda record: Cell(record.utilisation), 2),
    _MACS,
    _PARAMS,
    _figure(
        "telemetry_energy_per_image_j",
        "J/image",
        "number",
        lambda record: Cell(getattr(record.telemetry, "energy_per_image_j", None)),
        7,
    ),
    _figure("clock_mhz", "MHz", "whole", _clock, 8),
    _figure("state", "State", "text", _state, 6),
    _figure("stopped_by", "Ended by", "text", lambda record: Cell(record.stopped_by), 9),
)

_WANTED: dict[str, tuple[MeasuredColumn, ...]] = {
    TIMED: (_rate_at(), _time_at(1), *_ABOUT),
    LATENCY: (
        _time_at(),
        _figure("p90", "p90 (ms)", "milliseconds", lambda record: Cell(record.p90)),
        _figure("p99", "p99 (ms)", "milliseconds", lambda record: Cell(record.p99)),
        _rate_at(4),
        *_ABOUT,
    ),
    MEMORY: (
        _figure("memory_weights", "Weights", "bytes", _memory("weights")),
        _count_of("memory_peak_allocated", "Peak allocated", "bytes", _memory("peak_allocated")),
        _count_of("memory_peak_reserved", "Peak reserved", "bytes", _memory("peak_reserved"), 2),
        _count_of("memory_peak_resident", "Peak resident", "bytes", _memory("peak_resident")),
        _count_of("memory_predicted", "Predicted", "bytes", _memory("predicted")),
        _figure("memory_ratio", "Ratio", "ratio", _memory("ratio"), 1),
        _PARAMS,
    ),
    COUNTED: (
        _count_of("macs_per_image", "MACs", "count", lambda r: _each(r.macs, r)),
        _figure("params", "Params", "count", lambda record: Cell(record.params)),
        _count_of("activations_per_image", "Activ.", "count", lambda r: _each(r.activations, r), 1),
        _count_of("memory_predicted", "Predicted mem.", "bytes", _memory("predicted"), 2),
    ),
}


def figures_of(records: Sequence[Measurement]) -> dict[str, MeasuredColumn]:
    """Every figure that readers may see, by its name, as the protocol of the records has it."""
    own = _WANTED[kind(records[0].protocol)]
    every = (figure for group in _WANTED.values() for figure in group)
    return {figure.column.name: figure for figure in (*every, *own)}
