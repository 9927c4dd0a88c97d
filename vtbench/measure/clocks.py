"""Clocks: how long some steps took, in seconds.

Why not ``time.time()`` around the model:

1. it may be set back and forth while one looks;
2. a GPU works on after the call has returned, so that it tells how long launching took;
3. where the host is slower than the GPU, even events on the GPU measure the host's gaps: a
   backlog is laid into the queue first, so that launching runs ahead of the work;
4. a single short step drowns in the clock's own cost: several are timed as one;
5. what is hot in a cache flatters: a protocol that says cold flushes it, outside of the timing.

A clock is two methods, so that all that is built on one is tested with a clock that is told what
to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from vtbench.data.protocol import Protocol as TimingProtocol

Step = Callable[[], object]

MOST_BACKLOG = 0.05
"""Seconds of head start that the host is given at most."""
HEADROOM = 1.2
"""How much longer than launching takes the backlog lasts."""
LAUNCHES = 3
"""Calls that look how long launching takes; the first of all also prepares and searches."""
CYCLES = 2e9
"""Cycles of a GPU in a second, roughly and rather too many."""
BACKLOG_CYCLES = 10_000_000
"""A head start of a few milliseconds, if launching was not looked at."""
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNKNOWN_CACHE = 64 * 2**20
"""Bytes taken for the last cache of a processor that does not say how large it is."""


class Clock(Protocol):
    """Tells how long steps take."""

    def now(self) -> float:
        """Seconds since some beginning; for budgets, not for results."""

    def seconds(self, step: Step, steps: int) -> float:
        """Seconds that ``steps`` calls take together, all their work finished."""


class HostClock:
    """The host's monotonic clock; waits for the device after the last step.

    ``before`` runs ahead of every step outside of what is timed, such as flushing a cache; it
    makes every step be timed by itself.
    """

    def __init__(
        self, wait: Callable[[], object] | None = None, before: Callable[[], object] | None = None
    ) -> None:
        self._wait = wait
        self._before = before

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.perf_counter()

    def seconds(self, step: Step, steps: int) -> float:
        """Seconds of all steps, without what runs before each."""
        if self._before is None:
            return self._timed(step, steps)
        total = 0.0
        for _ in range(steps):
            self._before()
            total += self._timed(step, 1)
        return total

    def _timed(self, step: Step, steps: int) -> float:
        wait = self._wait
        if wait is not None:
            wait()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        if wait is not None:
            wait()
        return time.perf_counter() - began


def backlog_cycles(launch_seconds: float, steps: int) -> int:
    """Cycles that keep a GPU busy while so many steps are launched behind them."""
    return int(min(HEADROOM * launch_seconds * steps, MOST_BACKLOG) * CYCLES)


class CudaEventClock:
    """Events in the stream of a CUDA device, with the queue kept full in between.

    The first calls find how long launching a step takes; from then on a backlog of that length
    is laid before the first event. ``cuda`` is ``torch.cuda``, or what stands for it in a test.
    """

    def __init__(self, cuda: Any, device: int) -> None:
        self._cuda = cuda
        self._device = device
        self._start = cuda.Event(enable_timing=True)
        self._stop = cuda.Event(enable_timing=True)
        self._launches: list[float] = []
        """Seconds of the host for one step, as the first calls saw it without a backlog."""

    def now(self) -> float:
        """Seconds of the host's monotonic clock."""
        return time.perf_counter()

    def seconds(self, step: Step, steps: int) -> float:
        """Seconds between two events around the steps; the events give milliseconds."""
        self._cuda.synchronize(self._device)
        known = len(self._launches) == LAUNCHES
        if known:
            self._cuda._sleep(backlog_cycles(min(self._launches), steps))  # noqa: SLF001  # torch has no public way to fill a queue
        self._start.record()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        if not known:
            self._launches.append((time.perf_counter() - began) / steps)
        self._stop.record()
        self._cuda.synchronize(self._device)
        return float(self._start.elapsed_time(self._stop)) / 1e3


class FakeClock:
    """Every step takes what ``duration`` says of its number, counted from 0; time stands else."""

    def __init__(self, duration: Callable[[int], float], overhead: float = 0.0) -> None:
        self._duration = duration
        self._overhead = overhead
        self.steps = 0
        """Steps that were taken."""
        self.time = 0.0
        """What the clock shows."""

    def now(self) -> float:
        """What the clock shows."""
        return self.time

    def seconds(self, step: Step, steps: int) -> float:
        """The told durations, summed; the steps are really called."""
        total = 0.0
        for _ in range(steps):
            step()
            total += self._duration(self.steps)
            self.steps += 1
        self.time += total + self._overhead
        return total


def clock_of(protocol: TimingProtocol, device: torch.device) -> Clock:
    """The clock that a protocol prescribes on a device."""
    import torch

    before: Callable[[], object] | None = flushing(device) if protocol.cold else None
    if device.type == "cpu":
        return HostClock(before=before)
    if protocol.synchronised:
        return HostClock(lambda: torch.cuda.synchronize(device), before)
    return CudaEventClock(torch.cuda, device.index or 0)


def flushing(device: torch.device) -> Callable[[], object]:
    """Writes twice as many bytes as the device's last cache holds."""
    import torch

    on_cuda = device.type == "cuda"
    size = torch.cuda.get_device_properties(device).L2_cache_size if on_cuda else _host_cache()
    buffer = torch.ones(2 * size // 4, dtype=torch.float32, device=device)
    return buffer.neg_


def _host_cache() -> int:
    """Bytes of the processor's largest cache."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    sizes = [_UNKNOWN_CACHE] if not _CACHES.is_dir() else []
    for path in _CACHES.glob("index*/size"):
        text = path.read_text(encoding="ascii").strip()
        if text[:-1].isdigit() and text[-1] in units:
            sizes.append(int(text[:-1]) * units[text[-1]])
    return max(sizes, default=_UNKNOWN_CACHE)
