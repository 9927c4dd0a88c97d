"""What a sweep would run: the cells that are not done, and the time that they take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vtbench.cli.written import Written
from vtbench.data.measurement import Device
from vtbench.data.protocol import PROTOCOLS
from vtbench.report.planned import Planned, planned_document
from vtbench.sweep.cells import Cell, device_of
from vtbench.sweep.estimate import Estimate
from vtbench.sweep.queue import Queue
from vtbench.sweep.rounds import in_rounds
from vtbench.sweep.running import Run
from vtbench.sweep.store import Store


def show_plan(
    found: Sequence[Cell],
    where: tuple[Path | None, Sequence[Device]],
    run: Run,
    written: Written,
) -> int:
    """What would be run, kept in a file and measured on devices, and for how long."""
    save, devices = where
    there = save if save is not None and save.exists() else None
    with Store(there) as store:
        estimate = Estimate(store.records, run.launch_seconds)
        plan = [_planned(cell, store, device_of(cell, devices), run, estimate) for cell in found]
    workers = max(1, len(devices))
    seconds = sum(each.seconds for each in plan if not each.done) / workers
    written.write(planned_document(plan, seconds, written.rendering, run.within))
    return 0


def _planned(cell: Cell, store: Store, device: str | None, run: Run, estimate: Estimate) -> Planned:
    """A cell with the launches that it lacks, and what they take."""
    each = in_rounds([cell], run.rounds) if run.rounds is not None else [cell]
    todo = len(Queue(each, store, device, retry=run.retry))
    return Planned(
        cell.workload,
        cell.protocol,
        todo * estimate.seconds(cell),
        estimate.known(cell),
        not todo,
        todo if PROTOCOLS[cell.protocol].timed else None,
    )
