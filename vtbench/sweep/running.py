"""How the cells of a sweep are run: in which phases and rounds, by whom, and until when."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Literal

import msgspec

from vtbench.data.measurement import Device
from vtbench.sweep.cell_task import CellSettings, measure_cell
from vtbench.sweep.cells import Cell
from vtbench.sweep.deadline import Deadline, Pace
from vtbench.sweep.local import Isolate, local
from vtbench.sweep.loop import Executor
from vtbench.sweep.phases import Phase, phases
from vtbench.sweep.queue import Queue
from vtbench.sweep.rounds import Rounds, in_rounds
from vtbench.sweep.store import Store


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How cells are run."""

    executor: Literal["local", "ray"] = "local"
    isolate: Isolate | None = None
    jobs: int | None = None
    retry: bool = False
    max_seconds: float = 15.0
    """Most seconds of samples for each cell; its launches share them."""
    rounds: Rounds | None = None
    """How often timed cells are launched, and in which order; None is once, as they come."""
    within: float | None = None
    """Seconds in which all of it is to end."""
    traceback: bool = False
    """Whether an error is shown with its traceback."""

    @property
    def launch_seconds(self) -> float:
        """Most seconds of samples for each launch."""
        return self.max_seconds / (self.rounds.launches if self.rounds else 1)


Stage = tuple[Phase, Queue]
"""A phase of a sweep, and the cells that wait for it."""


def stages(cells: Sequence[Cell], store: Store, devices: Sequence[Device], run: Run) -> list[Stage]:
    """The phases of a sweep with their queues, which end at the same time."""
    places = tuple(device.index for device in devices) or (None,)
    name = devices[0].name if devices else None
    ordered = cells if run.rounds is None else in_rounds(cells, run.rounds)
    deadline = Deadline(run.within)
    return [
        (
            phase,
            Queue(
                phase.cells,
                store,
                None if phase.counts else name,
                retry=run.retry,
                deadline=deadline,
                pace=Pace(len(phase.how.places)),
            ),
        )
        for phase in phases(ordered, places, run.isolate, run.jobs)
    ]


def executor(phase: Phase, run: Run) -> Executor:
    """Who runs the cells of a phase."""
    settings = CellSettings(
        max_seconds=run.max_seconds,
        launches=run.rounds.launches if run.rounds else 1,
        isolated=run.isolate in (None, "cell"),
    )
    task = functools.partial(measure_cell, settings=settings)
    if run.executor == "local":
        return functools.partial(local, task, phase.how)
    from vtbench.sweep.on_ray import OnRay, on_ray

    kind = phase.cells[0].workload.device
    return functools.partial(on_ray, task, OnRay(kind=kind, counts=phase.counts))
