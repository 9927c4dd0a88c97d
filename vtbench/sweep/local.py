"""Cells on this machine: worker processes that may die, and this one, which only keeps books.

This process imports no torch. What is timed has the machine, or its GPU, to itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Literal

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.measure.workers import Outcome, Worker, hand, receive, start, stop
from vtbench.sweep.cells import Cell
from vtbench.sweep.queue import Queue

Isolate = Literal["cell", "model", "none"]
POLL = 0.2
"""Seconds between two looks if every cell that is left is in the hands of another sweep."""


class Job(msgspec.Struct, frozen=True):
    """A cell and where it is to run."""

    cell: Cell
    index: int | None = None
    """Which GPU; None on a CPU."""


Task = Callable[[Job], Measurement]


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """How cells share processes and devices."""

    isolate: Isolate = "cell"
    """A fresh process for every cell, for every model, or none that is fresh on purpose."""
    places: tuple[int | None, ...] = (None,)
    """A GPU, or None for the CPU, for each worker."""
    timing: bool = True
    """Whether workers keep torch's own number of threads; otherwise each has one."""


@dataclass
class _Slot:
    """A place to run on, the worker there that may go on, and the cell that it had last."""

    index: int | None
    worker: Worker | None = None
    cell: Cell | None = None


def local(task: Task, how: Local, queue: Queue) -> Iterator[tuple[Cell, Outcome[Measurement]]]:
    """Cells from the queue until it is over; one that kills its worker is an outcome too.

    One that is at work when the queue's deadline is long over has no outcome.
    """
    slots = [_Slot(index) for index in how.places]
    idle, busy = list(slots), dict[Connection, tuple[_Slot, Worker, Cell]]()
    try:
        while busy or not queue.over:
            while idle and (cell := queue.take()) is not None:
                slot = idle.pop(0)
                worker = _worker(slot, cell, task, how)
                hand(worker, 0, Job(cell, slot.index))
                busy[worker.connection] = (slot, worker, cell)
            if not busy:
                time.sleep(POLL)
                continue
            ready = wait(list(busy), queue.deadline.patience)
            if not ready:  # the time is over, and what is in hand has had its slack
                for slot, worker, cell in busy.values():
                    _end(slot, worker)
                    queue.give_up(cell)
                idle += [slot for slot, _, _ in busy.values()]
                busy.clear()
            for connection in [each for each in busy if each in ready]:
                slot, worker, cell = busy.pop(connection)
                outcome, fit = receive(worker)
                if not fit:  # it has died, or grown large
                    _end(slot, worker)
                yield cell, outcome
                idle.append(slot)
    finally:
        for slot in slots:
            if slot.worker is not None:
                stop(slot.worker)


def _end(slot: _Slot, worker: Worker) -> None:
    stop(worker)
    slot.worker = None


def _worker(slot: _Slot, cell: Cell, task: Task, how: Local) -> Worker:
    """The slot's worker, a fresh one if the cell may not share it with the last."""
    shared = how.isolate == "none" or (
        how.isolate == "model"
        and slot.cell is not None
        and slot.cell.workload.model == cell.workload.model
    )
    if slot.worker is not None and not shared:
        stop(slot.worker)
        slot.worker = None
    slot.worker = slot.worker or start(task, timing=how.timing)
    slot.cell = cell
    return slot.worker
