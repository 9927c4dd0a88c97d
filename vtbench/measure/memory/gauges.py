"""Gauges of memory: how many bytes are held now, and the most since a gauge was reset.

On a CPU nobody keeps books per tensor; what counts is what the system gave the process. Pages of
files (libraries, as they are first used) are left out: they are no model's. On CUDA torch's own
allocator keeps the books.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

PERIOD = 1e-3
"""Seconds between samples if the kernel keeps no high-water mark for us."""
OWN_PAGES = 64 << 10
"""Blocks from this size on get pages of their own, see ``freed_at_once``."""

_RESET_PEAK = "5"
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
_GROWN = 32 << 20
_KIB = 1024


@dataclass
class Peak:
    """What was watched; to be read after the block."""

    bytes: int = 0
    """Most bytes held during the block."""


class Gauge(Protocol):
    """One way to read the memory of a device."""

    source: str
    """Where its peaks come from, in words."""

    def level(self) -> int:
        """Bytes held now."""

    def watch(self) -> AbstractContextManager[Peak]:
        """A block over which the peak is watched; what ran before is not part of it."""

    def settle(self) -> None:
        """Work is finished, and what is free is given back."""


class HighWater:
    """The kernel's high-water mark of resident memory, which Linux lets a process reset."""

    source = "high-water mark of the kernel"

    def __init__(self, folder: Path = Path("/proc/self")) -> None:
        self._folder = folder

    def works(self) -> bool:
        """Whether this system has such a mark and lets it be reset; some containers do not."""
        try:
            self._reset()
            return {"RssAnon", "VmHWM"} <= self._status().keys()
        except OSError:
            return False

    def level(self) -> int:
        """Resident bytes that belong to no file."""
        return self._status()["RssAnon"]

    @contextmanager
    def watch(self) -> Iterator[Peak]:
        """Resets the mark as the block begins."""
        peak = Peak()
        self._reset()
        yield peak
        peak.bytes = self._peak()

    def settle(self) -> None:
        """Garbage is collected, and free memory goes back to the system."""
        give_back()

    def _peak(self) -> int:
        status = self._status()
        return status["VmHWM"] - status.get("RssFile", 0) - status.get("RssShmem", 0)

    def _reset(self) -> None:
        (self._folder / "clear_refs").write_text(_RESET_PEAK, encoding="ascii")

    def _status(self) -> dict[str, int]:
        lines = (self._folder / "status").read_text(encoding="utf-8").splitlines()
        pairs = (line.split(":") for line in lines if line.endswith(" kB"))
        return {name: int(value.split()[0]) * _KIB for name, value in pairs}


class Sampled:
    """Resident memory read again and again by a thread: a lower bound of the peak."""

    source = "samples of resident memory, one a millisecond: a lower bound"

    def __init__(self, read: Callable[[], int] | None = None) -> None:
        self._read = read or _resident

    def level(self) -> int:
        """Resident bytes, without those shared with files if the system tells."""
        return self._read()

    @contextmanager
    def watch(self) -> Iterator[Peak]:
        """A thread samples while the block runs; one sample comes before and one after."""
        peak, ended = Peak(self._read()), threading.Event()

        def run() -> None:
            while not ended.wait(PERIOD):
                peak.bytes = max(peak.bytes, self._read())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield peak
        finally:
            ended.set()
            thread.join()
        peak.bytes = max(peak.bytes, self._read())

    def settle(self) -> None:
        """Garbage is collected, and free memory goes back to the system."""
        give_back()


class CudaBooks:
    """The books of torch's allocator on one CUDA device; ``cuda`` is ``torch.cuda``."""

    source = "torch's allocator"

    def __init__(self, cuda: Any, device: int) -> None:
        self._cuda = cuda
        self._device = device
        self.reserved = 0
        """Most bytes that the allocator held during the last watched block."""

    def level(self) -> int:
        """Bytes in live tensors."""
        return int(self._cuda.memory_allocated(self._device))

    @contextmanager
    def watch(self) -> Iterator[Peak]:
        """Resets the allocator's peaks as the block begins."""
        peak = Peak()
        self._reset()
        yield peak
        peak.bytes = self._peak()

    def settle(self) -> None:
        """The device has finished, and free blocks go back to it."""
        gc.collect()
        self._cuda.synchronize(self._device)
        self._cuda.empty_cache()

    def _reset(self) -> None:
        self._cuda.synchronize(self._device)
        self._cuda.reset_peak_memory_stats(self._device)

    def _peak(self) -> int:
        self._cuda.synchronize(self._device)
        self.reserved = int(self._cuda.max_memory_reserved(self._device))
        return int(self._cuda.max_memory_allocated(self._device))


def gauge_of_cpu() -> HighWater | Sampled:
    """The better gauge that this system allows."""
    marked = HighWater()
    return marked if marked.works() else Sampled()


@contextmanager
def freed_at_once() -> Iterator[None]:
    """Have the C library give large blocks pages of their own, if it can be told so.

    Left alone, glibc keeps freed blocks of up to 32 MB on its heap, and how many of them lie
    unused at the peak depends on the order of everything before: the same step peaks up to a
    third higher than what it holds, and differently from run to run. With pages of its own a
    tensor that is freed is gone. What a process had before cannot be read; after the block the
    thresholds are those up to which glibc's own grow.
    """
    _mallopt(_M_MMAP_THRESHOLD, OWN_PAGES)
    try:
        yield
    finally:
        _mallopt(_M_MMAP_THRESHOLD, _GROWN)
        _mallopt(_M_TRIM_THRESHOLD, 2 * _GROWN)


def _mallopt(parameter: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(parameter, value)


def give_back() -> None:
    """Collect garbage, and have the C library return free memory if it can."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    import psutil

    info = psutil.Process().memory_info()
    return int(info.rss - getattr(info, "shared", 0))
