"""The most that a device was seen to do: products in one precision, and copies.

A ceiling is a maximum, so it is the best of several blocks over a few sizes, never a mean, and a
faster observation raises it. It is measured once per device, precision, threads and version of
torch, and kept in a file of the user's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import torch

from vtbench.data.datasheets import PRECISIONS, device_of
from vtbench.data.measurement import Device
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Precision, Workload
from vtbench.measure.ceilings.roofline import Ceilings
from vtbench.measure.ceilings.store import Entry, kept, remembered
from vtbench.measure.clocks import Clock, clock_of
from vtbench.measure.memory.out_of_memory import out_of_memory
from vtbench.measure.session.participants import date_now, torch_device
from vtbench.measure.session.prepare import DTYPES
from vtbench.measure.session.torch_settings import torch_set_for
from vtbench.measure.telemetry.watching import watching

SIZES = {"cpu": (256, 512, 1024, 2048), "cuda": (2048, 4096, 8192, 16384)}
"""Rows of the square operands: from the least that is quick in slow arithmetic upwards."""
COPIED = {"cpu": 1 << 28, "cuda": 1 << 30}
"""Bytes to copy; a last cache holds a small part of them."""
SECONDS = 0.4
"""For each size."""
TOO_LONG = 1.0
"""A size of which a single product would take longer is left out: slow arithmetic has its best
rate long before."""
BLOCKS = 16
"""At most so many for each size."""
HOUR = 3600.0
SHARE = 8
"""A copy takes at most this part of a device's memory, twice."""


def ceilings(device: Device, workload: Workload, *, again: bool = False) -> Ceilings:
    """The ceilings for a workload's precision and threads on a device.

    They are measured where none are known, and ``again`` where doubts have come up; what was
    seen on a busy device counts for an hour.
    """
    key = key_of(device, workload.dtype, workload.threads)
    entry = kept(key)
    if again or entry is None or (entry.busy and _age(entry) > HOUR):
        entry = remembered(key, _measured(device, workload))
    return Ceilings(macs_per_second=entry.macs_per_second, bytes_per_second=entry.bytes_per_second)


def _age(entry: Entry) -> float:
    """Seconds since an entry was measured."""
    measured = datetime.fromisoformat(entry.date)
    return (datetime.now(timezone.utc) - measured).total_seconds()


def key_of(device: Device, precision: Precision, threads: int | None) -> str:
    """What a ceiling depends on."""
    place = device.name if device.partition is None else f"{device.name} {device.partition}"
    workers = f"{threads or torch.get_num_threads()} threads" if device.kind == "cpu" else "gpu"
    return " | ".join((place, workers, precision, f"torch {torch.__version__}"))


def datasheet(device: Device, precision: Precision) -> Ceilings:
    """What the maker prints: dense MAC/s, which is half of the operations, and bytes per second."""
    board = device_of(device.name) if device.kind == "cuda" and not device.partition else None
    if board is None:
        return Ceilings()
    operations = board.peak(precision) if precision in PRECISIONS else None
    return Ceilings(
        macs_per_second=None if operations is None else operations / 2,
        bytes_per_second=board.bandwidth * 1e9,
    )


def _measured(device: Device, workload: Workload) -> Entry:
    """The ceilings now."""
    place = torch_device(device)
    clock = clock_of(PROTOCOLS["throughput"], place)
    with (
        torch.inference_mode(),
        torch_set_for(workload),
        watching(device, workload.threads) as watcher,
    ):
        products, taken = best_rate(_products(workload.dtype, place), clock)
        copies, more = best_rate(_copies(device, place), clock)
        seen = watcher.telemetry()
    busy = seen.verdict == "throttled" if device.kind == "cpu" else bool(seen.other_processes)
    return Entry(
        macs_per_second=products,
        bytes_per_second=copies,
        samples=taken + more,
        device=device.name,
        date=date_now(),
        busy=busy,
    )


Work = tuple[int, Callable[[], object]]


def _products(precision: Precision, place: torch.device) -> Iterator[Work]:
    """(MACs, product of two square matrices) for every size."""
    dtype = DTYPES.get(precision, torch.float32)
    for rows in SIZES[place.type]:
        a = torch.randn(rows, rows, device=place).to(dtype)
        b, out = a.clone(), torch.empty_like(a)
        yield rows**3, lambda a=a, b=b, out=out: torch.mm(a, b, out=out)  # type: ignore[misc]  # defaults bind the operands


def _copies(device: Device, place: torch.device) -> Iterator[Work]:
    """(bytes read and written, copy)."""
    size = min(COPIED[place.type], (device.memory or COPIED[place.type]) // SHARE)
    source = torch.ones(size // 4, dtype=torch.float32, device=place)
    target = torch.zeros_like(source)
    yield 2 * source.numel() * 4, lambda: target.copy_(source)


def best_rate(work: Iterator[Work], clock: Clock) -> tuple[float | None, int]:
    """Most units per second in any block of any size, and how many blocks were timed.

    Sizes come in ascending order; it ends at one that would take too long, for which there is no
    memory, or whose arithmetic the device does not have.
    """
    best, blocks = 0.0, 0
    try:
        for units, step in work:
            if best and units / best > TOO_LONG:
                break
            clock.seconds(step, 1)
            until = clock.now() + SECONDS
            for _ in range(BLOCKS):
                steps = max(1, int(best * SECONDS / BLOCKS / units))
                best = max(best, units * steps / clock.seconds(step, steps))
                blocks += 1
                if clock.now() >= until:
                    break
    except RuntimeError as error:
        if not (out_of_memory(error) or "not implemented" in str(error)):
            raise
    return best or None, blocks
