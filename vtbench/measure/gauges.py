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
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

PERIOD = 1e-3
"""Seconds between samples where the kernel keeps no high-water mark for us."""
OWN_PAGES = 64 << 10
"""Blocks from this size on get pages of their own, see ``freed_at_once``."""

_RESET_PEAK = "5"
_M_MMAP_THRESHOLD = -3
_KIB = 1024


class Gauge(Protocol):
    """One way to read the memory of a device."""

    source: str
    """Where its peaks come from, in words."""

    def level(self) -> int:
        """Bytes held now."""

    def watch(self) -> Watch:
        """A block over which the peak is watched; what ran before is not part of it."""

    def settle(self) -> None:
        """Work is finished, and what is free is given back."""


class Watch(Protocol):
    """The peak over a block."""

    peak: int
    """Most bytes held during the block; to be read after it."""

    def __enter__(self) -> Watch:
        """Begin to watch."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Read the peak."""


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

    def watch(self) -> Watch:
        """Resets the mark as the block begins."""
        return _Marked(self._reset, self._peak)

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
        """Resident bytes, without those shared with files where the system tells."""
        return self._read()

    def watch(self) -> Watch:
        """A thread samples while the block runs."""
        return _Sampling(self._read)

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

    def watch(self) -> Watch:
        """Resets the allocator's peaks as the block begins."""
        return _Marked(self._reset, self._peak)

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


class _Marked:
    """A peak that somebody else keeps: reset before, read after."""

    def __init__(self, reset: Callable[[], None], read: Callable[[], int]) -> None:
        self._reset, self._read = reset, read
        self.peak = 0

    def __enter__(self) -> _Marked:
        self._reset()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.peak = self._read()


class _Sampling:
    """A peak over samples of a thread, one before and one after among them."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read = read
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.peak = 0

    def __enter__(self) -> _Sampling:
        self.peak = self._read()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.peak = max(self.peak, self._read())

    def _run(self) -> None:
        while not self._ended.wait(PERIOD):
            self.peak = max(self.peak, self._read())


def gauge_of_cpu() -> HighWater | Sampled:
    """The better gauge that this system allows."""
    marked = HighWater()
    return marked if marked.works() else Sampled()


def freed_at_once() -> bool:
    """Have the C library give large blocks pages of their own; whether it could be told so.

    Left alone, glibc keeps freed blocks of up to 32 MB on its heap, and how many of them lie
    unused at the peak depends on the order of everything before: the same step peaks up to a
    third higher than what it holds, and differently from run to run. With pages of its own a
    tensor that is freed is gone. This holds for the whole process and cannot be taken back, so
    it is for processes that measure memory and nothing else.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, OWN_PAGES))
    return False


def give_back() -> None:
    """Collect garbage, and have the C library return free memory where it can."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _resident() -> int:
    import psutil

    info = psutil.Process().memory_info()
    return int(info.rss - getattr(info, "shared", 0))
