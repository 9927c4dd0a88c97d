"""Which measurements speak of a printed speed, of which device, and what is not stated of it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from vtbench.claims.suite import Claim, Interval, Quantity
from vtbench.claims.suite.speed import NOT_STATED, SPEEDS, Conditions
from vtbench.data.datasheets import boards_in, device_of
from vtbench.data.from_samples import visits_in_common
from vtbench.data.launches import combined, common_rounds, ratio_by_rounds
from vtbench.data.measurement import Device, Measurement
from vtbench.data.protocol import Protocol, protocol_named
from vtbench.data.workload import DeviceKind, Workload
from vtbench.stats import ratio_interval
from vtbench.stats.launches import FEWEST

Figure = Claim | Quantity


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """A speed as it is to be measured: whose, of which kind, and how."""

    metric: str
    workload: Workload
    conditions: Conditions

    @property
    def protocol(self) -> Protocol:
        """How it is measured; a compiled model's throughput has a protocol of its own."""
        compiled = self.metric == "throughput" and self.conditions.compile is not None
        return protocol_named("compiled" if compiled else self.metric)

    @property
    def shared(self) -> tuple[str, str, bool]:
        """What the speeds of one session have in common: the protocol and the precision."""
        said = self.conditions
        return self.protocol.name, said.dtype or "fp32", bool(said.autocast)

    def executed(self, kind: DeviceKind) -> Workload:
        """The workload on a kind of device; what is not stated is as the protocol has it."""
        said = self.conditions
        own = self.workload.batch_size if self.workload.batch_size > 1 else None
        size = said.batch_size or own or self.protocol.batch_size(kind)
        return executed(msgspec.structs.replace(self.workload, batch_size=size), said, kind)

    def is_of(self, record: Measurement) -> bool:
        """Whether a measurement is of just this; its size and its threads were found on the way."""
        if record.device is None or record.protocol != self.protocol.id:
            return False
        return is_run_of(self.executed(record.device.kind), record.workload)

    @property
    def not_stated(self) -> str:
        """What the paper leaves open, and what was taken instead; empty if nothing is."""
        own = self.workload.batch_size > 1
        lacking = [] if self.conditions.batch_size or own else ["the batch size"]
        lacking += [] if self.conditions.dtype else ["the precision"]
        if not lacking:
            return ""
        taken = f"{'is' if len(lacking) == 1 else 'are'} not stated"
        return f"{' and '.join(lacking).capitalize()} {taken}; the protocol's default was used."


def executed(workload: Workload, said: Conditions, kind: DeviceKind) -> Workload:
    """A workload as it runs on a kind of device under the conditions that a paper states."""
    return msgspec.structs.replace(
        workload,
        device=kind,
        dtype=said.dtype or "fp32",
        autocast=bool(said.autocast),
        layout=said.layout or "nchw",
        compile=said.compile,
    )


def is_run_of(asked: Workload, found: Workload) -> bool:
    """Whether one is a run of the other; its size and its threads may be found on the way."""
    return found == msgspec.structs.replace(
        asked, resolution=asked.resolution or found.resolution, threads=found.threads
    )


def printed_for(hardware: str) -> str:
    """The device that a figure is printed for, as a sentence begins."""
    unnamed = hardware in ("", NOT_STATED)
    return "The paper names no device" if unnamed else f"It is printed for {hardware}"


def timed_of(figure: Figure, conditions: Conditions | None = None) -> Timed | None:
    """How a figure is measured; None if it is no speed, or has no workload that exists."""
    if figure.workload is None or figure.metric not in SPEEDS:
        return None
    if isinstance(figure, Claim):
        if figure.unknown is not None:
            return None
        conditions = figure.conditions
    return Timed(
        metric=figure.metric, workload=figure.workload, conditions=conditions or Conditions()
    )


class Timings:
    """Measurements by what they are of."""

    def __init__(self, records: Iterable[Measurement]) -> None:
        self._models: dict[str, list[Measurement]] = {}
        for record in combined(records):
            self._models.setdefault(record.workload.model, []).append(record)

    def of(self, timed: Timed) -> list[Measurement]:
        """The measurements of a figure that came off, the newest first."""
        return [each for each in self.tried(timed) if each.error is None and each.samples]

    def tried(self, timed: Timed) -> list[Measurement]:
        """All measurements of a figure, the newest first."""
        known = reversed(self._models.get(timed.workload.model, ()))
        return [each for each in known if timed.is_of(each)]

    def sessions(self, every: Sequence[Timed]) -> list[list[Measurement]]:
        """A measurement of each of some figures, all in turns; the newest first.

        They took turns in rounds of a sweep, or in one session.
        """
        if not every:
            return []
        by_rounds = [[r for r in self.of(each) if r.launches] for each in every]
        found = [
            list(cells)
            for cells in itertools.product(*by_rounds)
            if all(
                len(common_rounds(one, other)) >= FEWEST
                for one, other in itertools.combinations(cells, 2)
            )
        ]
        others = [{r.session: r for r in reversed(self.of(each))} for each in every]
        for record in self.of(every[0]):
            if record.session is None or not all(record.session in other for other in others):
                continue
            found.append([other[record.session] for other in others])
        return found


def speed_of(metric: str, record: Measurement) -> tuple[Decimal, Interval]:
    """The figure that a measurement gives, by its median, with the median's 95 % interval."""
    middle, low, high = record.median, record.low, record.high
    assert middle and low and high  # noqa: S101, PT018  # it has samples, all of them positive
    if metric == "latency":
        return _decimal(middle), Interval(_decimal(low), _decimal(high))
    images = record.workload.batch_size
    return _decimal(images / middle), Interval(_decimal(images / high), _decimal(images / low))


def ratio_to(
    metric: str, records: tuple[Measurement, Measurement], level: float
) -> tuple[Decimal, Interval]:
    """How many times the figure of the second is that of the first, from rounds in turns."""
    figure, reference = records
    if figure.launches and reference.launches:
        return _ratio_by_rounds(metric, records, level)
    first, second = visits_in_common(figure, reference)
    if metric == "latency":
        known = ratio_interval(second, first, level=level)  # first over second in time
        images = 1.0
    else:
        known = ratio_interval(first, second, level=level)
        images = figure.workload.batch_size / reference.workload.batch_size
    low, high = _decimal(known.low * images), _decimal(known.high * images)
    return _decimal(known.value * images), Interval(low, high)


def _ratio_by_rounds(
    metric: str, records: tuple[Measurement, Measurement], level: float
) -> tuple[Decimal, Interval]:
    """The same of two cells of a sweep: a latency is of a step, and the less the faster."""
    figure, reference = records
    latency = metric == "latency"
    found = ratio_by_rounds(*((reference, figure) if latency else records), level=level)
    assert found is not None  # noqa: S101  # those without common rounds are not paired
    known, _ = found
    images = figure.workload.batch_size / reference.workload.batch_size if latency else 1.0
    low, high = _decimal(known.low * images), _decimal(known.high * images)
    return _decimal(known.value * images), Interval(low, high)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value))


def is_printed(hardware: str, device: Device | None) -> bool:
    """Whether a device is of the class that a paper names.

    A V100 is one whatever its board. A part of a GPU is another device, and so are several of
    them. A name without known figures has to stand in the device's own name, word by word.
    """
    if device is None or not hardware or hardware == NOT_STATED or device.partition is not None:
        return False
    about = boards_in(hardware)
    if about is None:
        return f" {_words(hardware)} " in f" {_words(device.name)} "
    boards, count = about
    found = device_of(device.name)
    return found is not None and found.kind == boards[0].kind and count == 1


def _words(name: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", name.lower()))
