"""The processor's watcher: what others took of it while a session ran.

Load is a difference of the system's own counters at the two ends, so watching costs a session
nothing; only the clock has to be looked at meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec
import psutil

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import MOST_WAIT, TOLERATED_CORES, Telemetry
from vtbench.measure.machine import kernel_files, limits, processor

INTERVAL = 0.2
"""Seconds between two looks at the clock."""
LEAST_SECONDS = 0.25
"""The counters move in hundredths of a second: less than this cannot be judged."""
TOLERATED_SHARE = 0.1
"""Others may keep this share of the cores busy that the workload uses, or ``TOLERATED_CORES``."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Counters at one moment, in seconds of one core."""

    at: float
    """Seconds of ``time.perf_counter``."""
    busy: float
    """What the allowed cores worked, for whomever."""
    own: float
    """What this process and its children worked."""
    waited: dict[str, float] = {}
    """Thread -> how long it wanted a core and had none."""
    steal: float
    """What the host of a virtual machine took from it."""
    held: limits.Held
    """How often a container's quota stopped it."""
    overheated: int
    """How often cores slowed down for heat."""


def usage_now(cores: tuple[int, ...], root: Path = processor.ROOT) -> Usage:
    """The counters of the machine, of this process, and of its container."""
    busy, steal = _system(cores)
    me = psutil.Process()
    family = (me, *me.children(recursive=True))
    return Usage(
        at=time.perf_counter(),
        busy=busy,
        own=_own(family),
        waited={k: v for each in family for k, v in _waited(root, each.pid).items()},
        steal=steal,
        held=limits.held(root),
        overheated=processor.overheated(root),
    )


def _system(cores: tuple[int, ...]) -> tuple[float, float]:
    """Busy and stolen time of some cores; of all if they cannot be told apart."""
    each = psutil.cpu_times(percpu=True)
    chosen = [each[core] for core in cores] if max(cores, default=0) < len(each) else each
    kinds = ("user", "nice", "system", "irq", "softirq")
    busy = sum(getattr(times, kind, 0.0) for times in chosen for kind in kinds)
    return busy, sum(getattr(times, "steal", 0.0) for times in chosen)


def _own(family: Sequence[psutil.Process]) -> float:
    """The time of this process and its children, those included that have ended."""
    total = 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:  # it has ended meanwhile
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _waited(root: Path, process: int) -> dict[str, float]:
    """How long each thread of a process was kept waiting; nothing if that is not counted."""
    try:
        tasks = list((root / f"proc/{process}/task").iterdir())
    except OSError:  # it has ended, or this is not Linux
        return {}
    told = {str(task): kernel_files.text(task / "schedstat") for task in tasks}
    return {task: int(line.split()[1]) / 1e9 for task, line in told.items() if line}


class HostWatcher:
    """Watches from ``start`` to ``stop``; what it saw can be asked for meanwhile and afterwards."""

    def __init__(self, threads: int | None = None, interval: float = INTERVAL) -> None:
        self._cores = processor.allowed_cores()
        usable = processor.usable_cores()
        self._threads = min(threads or usable, usable)
        self._interval = interval
        self._clocks: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vtbench-clock", daemon=True)
        self._trouble: Disturbance | None = None
        self._first: Usage | None = None
        self._last: Usage | None = None

    def start(self) -> None:
        """Begin; without a clock to read, no thread is needed."""
        self._first = self._usage()
        if processor.clock_mhz(self._cores) is not None:
            self._thread.start()

    def restart(self) -> None:
        """Forget what was seen so far."""
        self._clocks.clear()
        self._first = self._usage()

    def stop(self) -> None:
        """End; the counters stay as they are now."""
        self._stopping.set()
        self._last = self._usage()
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def telemetry(self, images: int | None = None) -> Telemetry:  # noqa: ARG002 - watchers share one signature; nobody counts a processor's energy per image
        """What was seen so far, or until it was stopped."""
        last = self._last or self._usage()
        if self._first is None or last is None:
            why = self._trouble or Disturbance(Kind.NOT_STARTED)
            return Telemetry(verdict="unwatched", disturbances=(why,))
        clocks = tuple(self._clocks)
        return judged(self._first, last, clocks, threads=self._threads, trouble=self._trouble)

    def others(self) -> tuple[float | None, int]:
        """Cores that other processes kept busy, None if nobody saw, and how many there are."""
        return self.telemetry().cpu_load, len(self._cores)

    def _usage(self) -> Usage | None:
        """The counters; a system that keeps them to itself is told, and stops nothing."""
        try:
            return usage_now(self._cores)
        except (OSError, RuntimeError, psutil.Error) as error:
            self._trouble = Disturbance(Kind.COUNTERS_UNREADABLE, {"error": str(error)})
            return None

    def _watch(self) -> None:
        try:
            while not self._stopping.wait(self._interval):
                clock = processor.clock_mhz(self._cores)
                if clock is not None:
                    self._clocks.append(clock)
        except Exception as error:  # noqa: BLE001 - whatever ends the watcher has to be told
            self._trouble = Disturbance(Kind.CLOCK_WATCHER_DIED, {"error": str(error)})


def load(first: Usage, last: Usage) -> float:
    """Cores that other processes kept busy between two moments."""
    seconds = max(last.at - first.at, 1e-9)
    return max(0.0, (last.busy - first.busy) - (last.own - first.own)) / seconds


def wait(first: Usage, last: Usage) -> float:
    """The share of the time that our threads wanted a core in which they had to wait for one."""
    waited = sum(seconds - first.waited.get(task, 0.0) for task, seconds in last.waited.items())
    worked = max(0.0, last.own - first.own)
    return waited / (waited + worked) if waited else 0.0


def tolerated(threads: int) -> float:
    """Cores that others may keep busy beside a workload of so many threads."""
    return max(TOLERATED_SHARE * threads, TOLERATED_CORES)


def judged(
    first: Usage,
    last: Usage,
    clocks: tuple[float, ...] = (),
    *,
    threads: int,
    trouble: Disturbance | None = None,
) -> Telemetry:
    """Whether others, a quota or heat held the processor back, from its counters at two ends."""
    blind = trouble or _blindness(first, last)
    seen = tuple(_disturbances(first, last, threads)) if blind is None else ()
    notes = () if clocks or seen else (Disturbance(Kind.CLOCK_UNREADABLE),)
    return Telemetry(
        verdict="unwatched" if blind else "throttled" if seen else "clean",
        disturbances=(blind,) if blind else (*seen, *notes),
        samples=0 if blind else len(clocks) + 2,
        cpu_clock_mhz=median(clocks) if clocks else None,
        cpu_load=None if blind else round(load(first, last), 3),
        cpu_wait=None if blind else round(wait(first, last), 3),
    )


def _blindness(first: Usage, last: Usage) -> Disturbance | None:
    """Why these counters say nothing."""
    seconds, own = last.at - first.at, last.own - first.own
    if seconds < LEAST_SECONDS:
        return Disturbance(Kind.TOO_SHORT, {"seconds": seconds, "needed": LEAST_SECONDS})
    if own > LEAST_SECONDS and last.busy - first.busy < own / 2:
        return Disturbance(Kind.COUNTERS_STUCK)
    return None


def _disturbances(first: Usage, last: Usage, threads: int) -> Iterator[Disturbance]:
    seconds = last.at - first.at
    bearable = tolerated(threads)
    others, stolen = load(first, last), (last.steal - first.steal) / seconds
    held = last.held.times - first.held.times
    hot = last.overheated - first.overheated
    if others > bearable:
        waited = wait(first, last)
        wanted = {"waited": waited} if waited > MOST_WAIT else {}
        yield Disturbance(Kind.OTHER_LOAD, {"load": others, "threads": threads, **wanted})
    if stolen > bearable:
        yield Disturbance(Kind.STEAL, {"cores": stolen})
    if held > 0:
        lost = last.held.seconds - first.held.seconds
        yield Disturbance(Kind.QUOTA, {"times": held, "seconds": lost})
    if hot > 0:
        yield Disturbance(Kind.HEAT, {"times": hot})
