"""Watching a device while it works; a watcher that failed never says that all was well."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Protocol

import msgspec

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import TOLERATED_CORES, Device, Telemetry
from vtbench.measure.machine.nvml import Gpu, Reading, Unwatched, open_gpu, other_processes
from vtbench.measure.telemetry.processor_watcher import HostWatcher

INTERVAL = 0.1
"""Seconds between two readings of a GPU: its power and its energy move no quicker."""
PROCESSES_EVERY = 10
"""The processes on the GPU are listed with every tenth reading: that question costs the most."""
LEAST_READINGS = 3
"""With fewer readings while busy, the telemetry says nothing."""
LONGEST_GAP = 1.0
"""Seconds without a reading after which the watcher counts as dead."""
COUNTER_SECONDS = 1.0
"""The energy counter moves about ten times a second; shorter windows cannot be told."""
POWER_SECONDS = 5.0
"""Instant power is integrated over no less than this."""
SPREAD = 0.05
"""A clock that moved by more than this share of its median is worth a sentence."""


class Watcher(Protocol):
    """What ``watching`` gives."""

    def telemetry(self, images: int | None = None) -> Telemetry:
        """What was seen, so far or until the end of the block.

        ``images`` are all that went through the device from the start of the block, or since
        ``restart``; None leaves energy out, as where several models share a session.
        """

    def restart(self) -> None:
        """Forget what was seen: the warm-up is over."""


class Nobody:
    """The watcher of a device that cannot be watched."""

    def __init__(self, why: Disturbance) -> None:
        self._why = why

    def telemetry(self, images: int | None = None) -> Telemetry:  # noqa: ARG002 - the watchers' signature
        """Unwatched, and why."""
        return Telemetry(verdict="unwatched", disturbances=(self._why,))

    def restart(self) -> None:
        """There is nothing to forget."""


@contextmanager
def watching(device: Device, threads: int | None = None) -> Iterator[Watcher]:
    """Watch a device for as long as the block lasts; ``threads`` are those of the workload."""
    host = HostWatcher(threads)
    if device.kind == "cpu":
        host.start()
        try:
            yield host
        finally:
            host.stop()
        return
    try:
        gpu = open_gpu(device.uuid)
    except Unwatched as error:
        yield Nobody(error.why)
        return
    watcher = GpuWatcher(gpu, host, INTERVAL)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()
        gpu.close()


class End(msgspec.Struct, frozen=True, kw_only=True):
    """One end of the time that was watched."""

    at: float
    """Seconds of ``time.perf_counter``."""
    energy_j: float | None = None
    """The GPU's own counter; None if it has none, or did not answer."""


class GpuWatcher:
    """A thread that reads the sensors of a GPU; readings come about ten times a second."""

    def __init__(self, gpu: Gpu, host: HostWatcher, interval: float) -> None:
        self._gpu = gpu
        self._host = host
        self._interval = interval
        self._readings: list[Reading] = []
        self._others: int | None = None
        self._trouble: Disturbance | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vtbench-telemetry", daemon=True)
        self._first = End(at=time.perf_counter())
        self._last: End | None = None

    def start(self) -> None:
        """Begin."""
        self._host.start()
        self._first = self._end()
        self._thread.start()

    def restart(self) -> None:
        """Forget what was seen so far; a watcher that died meanwhile stays dead."""
        self._host.restart()
        self._readings.clear()
        self._first = self._end()

    def stop(self) -> None:
        """End; a thread that does not come back is left behind."""
        if not self._thread.is_alive() and self._trouble is None:
            self._trouble = _died("its thread has ended")
        self._last = self._end()
        self._stopping.set()
        self._thread.join(timeout=2)
        self._host.stop()

    def telemetry(self, images: int | None = None) -> Telemetry:
        """What was seen so far, or until it was stopped."""
        last = self._last or self._end()
        readings = tuple(self._readings)
        seen = judged(readings, (self._first, last), self._trouble, self._others)
        energy, source = (
            (None, None) if images is None else energy_used(readings, self._first, last)
        )
        load, cores = self._host.others()
        seen = msgspec.structs.replace(seen, cpu_load=load)
        if load is not None and load > max(cores - 1, TOLERATED_CORES):
            seen = _crowded(seen, load, cores)
        if energy is None or not images:
            return seen
        return msgspec.structs.replace(
            seen, energy_per_image_j=energy / images, energy_source=source
        )

    def _end(self) -> End:
        at = time.perf_counter()
        try:
            return End(at=at, energy_j=self._gpu.energy_j())
        except Exception as error:  # noqa: BLE001 - a lost GPU is told by the verdict
            self._trouble = self._trouble or _died(error)
            return End(at=at)

    def _watch(self) -> None:
        taken = 0
        try:
            while True:
                self._readings.append(self._gpu.read())
                if taken % PROCESSES_EVERY == 0:
                    self._count(self._gpu.processes())
                taken += 1
                if self._stopping.wait(self._interval):
                    return
        except Exception as error:  # noqa: BLE001 - whatever ends the watcher has to be told
            self._trouble = _died(error)

    def _count(self, listed: Sequence[int] | None) -> None:
        """The most other processes that were ever there at once."""
        others = None if listed is None else other_processes(listed)
        if others is not None:
            self._others = max(others, self._others or 0)


def judged(
    readings: Sequence[Reading],
    ends: tuple[End, End],
    trouble: Disturbance | None = None,
    others: int | None = None,
) -> Telemetry:
    """The verdict on a GPU: throttled if anything was seen, clean only if it was watched."""
    busy = [reading for reading in readings if reading.busy]
    blind = trouble or _blindness(readings, busy, ends)
    held = Counter(name for reading in busy for name in reading.held_by)
    found = [_clock_held(name, times, len(busy)) for name, times in held.items()]
    if others:
        found.append(Disturbance(Kind.GPU_SHARED, {"processes": others}))
    disturbed = bool(found)
    found += [blind] if blind else _notes(busy, others)
    clocks = [r.sm_clock_mhz for r in busy if r.sm_clock_mhz is not None]
    return Telemetry(
        verdict="throttled" if disturbed else "unwatched" if blind else "clean",
        disturbances=tuple(found),
        samples=len(busy),
        sm_clock_mhz=_median(clocks),
        sm_clock_low_mhz=min(clocks, default=None),
        sm_clock_high_mhz=max(clocks, default=None),
        memory_clock_mhz=_median([r.memory_clock_mhz for r in busy]),
        power_w=_median([r.power_w for r in busy]),
        temperature_c=_median([r.temperature_c for r in busy]),
        throttle_reasons=tuple(held),
        other_processes=others,
    )


def _blindness(
    readings: Sequence[Reading], busy: Sequence[Reading], ends: tuple[End, End]
) -> Disturbance | None:
    """Why these readings do not tell of the whole time."""
    first, last = ends
    moments = [first.at, *(reading.at for reading in readings), last.at]
    gap = max(after - before for before, after in itertools.pairwise(moments))
    if len(busy) < LEAST_READINGS:
        return Disturbance(Kind.FEW_READINGS, {"readings": len(busy), "needed": LEAST_READINGS})
    if gap > LONGEST_GAP:
        return Disturbance(Kind.GAP, {"seconds": gap})
    return None


def _notes(busy: Sequence[Reading], others: int | None) -> list[Disturbance]:
    """What a reader should know although nothing was wrong."""
    notes = []
    clocks = [r.sm_clock_mhz for r in busy if r.sm_clock_mhz is not None]
    if clocks and max(clocks) - min(clocks) > SPREAD * median(clocks):
        notes.append(Disturbance(Kind.CLOCK_MOVED, {"low": min(clocks), "high": max(clocks)}))
    if others is None:
        notes.append(Disturbance(Kind.PROCESSES_UNSEEN))
    return notes


def _crowded(seen: Telemetry, load: float, cores: int) -> Telemetry:
    """A host without a free core starts kernels late, whatever the GPU says."""
    crowd = Disturbance(Kind.HOST_FULL, {"load": load, "cores": cores})
    found = (*seen.disturbances, crowd)
    return msgspec.structs.replace(seen, verdict="throttled", disturbances=found)


def energy_used(
    readings: Sequence[Reading], first: End, last: End
) -> tuple[float | None, str | None]:
    """Joules between two ends, and how they are known: the counter, or power over time."""
    seconds = last.at - first.at
    if first.energy_j is not None and last.energy_j is not None:
        used = last.energy_j - first.energy_j
        return (used, "counter") if seconds >= COUNTER_SECONDS and used > 0 else (None, None)
    known = [(r.at, r.power_w) for r in readings if r.power_w is not None]
    if len(known) < len(readings) or not known or known[-1][0] - known[0][0] < POWER_SECONDS:
        return None, None
    area = sum(
        (after - before) * (low + high) / 2
        for (before, low), (after, high) in itertools.pairwise(known)
    )
    return area * seconds / (known[-1][0] - known[0][0]), "power"


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _clock_held(reason: str, readings: int, busy: int) -> Disturbance:
    return Disturbance(Kind.CLOCK_HELD, {"reason": reason, "readings": readings, "busy": busy})


def _died(error: object) -> Disturbance:
    return Disturbance(Kind.WATCHER_DIED, {"error": str(error)})
