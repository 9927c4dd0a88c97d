"""The loop of a sweep: a free cell, an outcome, a line in the file."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from types import FrameType

import msgspec

from vtbench.data.measurement import Device, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.measure.workers import Outcome
from vtbench.sweep.cells import COUNTED, Cell
from vtbench.sweep.queue import Queue

Executor = Callable[[Queue], Iterator[tuple[Cell, Outcome[Measurement]]]]
"""Takes cells from a queue until it is over, and gives what became of each."""


class Swept(msgspec.Struct, frozen=True):
    """A cell that is finished."""

    cell: Cell
    record: Measurement
    trace: str | None
    """Where an error was raised."""


def sweep(queue: Queue, executor: Executor, device: Device | None) -> Iterator[Swept]:
    """Every cell, once its record is kept, in the order in which they are finished."""
    for cell, outcome in executor(queue):
        record = record_of(cell, outcome, device)
        queue.give(cell, record)
        yield Swept(cell, record, outcome.trace)


def record_of(cell: Cell, outcome: Outcome[Measurement], device: Device | None) -> Measurement:
    """What became of a cell, as a record of that cell; a failure is one too."""
    record = outcome.result or Measurement(
        workload=cell.workload,
        protocol=PROTOCOLS[cell.protocol].id,
        device=None if cell.protocol == COUNTED else device,
        error=outcome.error or "It gave no result.",
    )
    date = record.date or datetime.now(timezone.utc).isoformat(timespec="seconds")
    return msgspec.structs.replace(record, cell=cell.key, turn=cell.turn, date=date)


@contextlib.contextmanager
def stopping_gently(queue: Queue, warn: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C lets what is in hand finish; the second one stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupted(number: int, frame: FrameType | None) -> None:
        del number, frame
        if queue.stopped:
            raise KeyboardInterrupt
        queue.stopped = True
        warn()

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
