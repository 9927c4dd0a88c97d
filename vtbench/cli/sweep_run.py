"""Cells that are run: who executes them, how far they are, and what Ctrl-C does."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence

from vtbench.cli.output import say, stdout_kept_clean, tell
from vtbench.cli.progress import progress
from vtbench.data.measurement import Device, Measurement
from vtbench.sweep.cells import COUNTED, Cell
from vtbench.sweep.changed_conditions import changed_conditions
from vtbench.sweep.estimate import Estimate
from vtbench.sweep.forecast import after_a_round, at_the_end, beforehand
from vtbench.sweep.loop import stopping_gently, sweep
from vtbench.sweep.phases import Phase, phases
from vtbench.sweep.queue import Queue
from vtbench.sweep.running import Run, executor, stages
from vtbench.sweep.store import Store


def run_cells(cells: Sequence[Cell], store: Store, devices: Sequence[Device], run: Run) -> bool:
    """Run what is not done yet; whether all of it was reached before an interrupt."""
    name = devices[0].name if devices else None
    found = stages(cells, store, devices, run)
    tell(store.said)
    if run.executor == "local":  # the hosts of a cluster differ on purpose
        keys = {cell.key: None for phase, _ in found if not phase.counts for cell in phase.cells}
        for said in changed_conditions(store.of(key, name) for key in keys):
            say(said)
    queues = [queue for _, queue in found]
    todo = [cell for queue in queues for cell in queue.waiting]
    tell(
        beforehand(todo, Estimate(store.records, run.launch_seconds), len(devices) or 1, run.within)
    )
    with (
        stdout_kept_clean(),
        progress(sum(map(len, queues)), "sweeping", lambda: _left(queues, store, run)) as advance,
    ):
        try:
            for phase, queue in found:
                with stopping_gently(queue, _warn):
                    for name in _run(phase, queue, devices, run):
                        advance(name)
                tell(store.said)
                tell([said for said in [at_the_end(queue)] if said])
                if queue.stopped:
                    return False
        except KeyboardInterrupt:
            return False
    return True


def _run(
    phase: Phase, queue: Queue, devices: Sequence[Device], run: Run
) -> Generator[str, None, None]:
    """The name of every cell that is finished."""
    device = devices[0] if devices else None
    foretold = False
    for swept in sweep(queue, executor(phase, run), device):
        if not foretold and (said := after_a_round(queue, swept.cell)) is not None:
            say(said)
            foretold = True
        if run.traceback and swept.trace:
            sys.stderr.write(swept.trace)
        yield str(swept.cell)


class Trials:
    """Single cells, each asked for when the one before is known; their workers wait meanwhile."""

    def __init__(self, store: Store, devices: Sequence[Device], run: Run) -> None:
        self.store = store
        self.devices = devices
        self.run = run
        self._open: dict[bool, tuple[Queue, Generator[str, None, None]]] = {}
        """By whether it counts."""

    def close(self) -> None:
        """End the workers."""
        for _, finished in self._open.values():
            finished.close()
        self._open.clear()

    def __call__(self, cell: Cell) -> Measurement:
        """The record of a cell, which is run if there is none."""
        counts = cell.protocol == COUNTED
        name = self.devices[0].name if self.devices and not counts else None
        found = self.store.of(cell.key, name)
        while found is None:
            if counts not in self._open:
                self._open[counts] = self._begun(cell, name)
            queue, finished = self._open[counts]
            if not len(queue):
                queue.push(cell)
            with stopping_gently(queue, _warn), progress(1, str(cell)):
                ended = next(finished, None) is None
            if queue.stopped:
                raise KeyboardInterrupt
            if ended:  # another sweep has done it, or has just ended
                del self._open[counts]
            self.store.read()
            found = self.store.of(cell.key, name)
        return found

    def _begun(self, cell: Cell, name: str | None) -> tuple[Queue, Generator[str, None, None]]:
        places = tuple(device.index for device in self.devices) or (None,)
        (phase,) = phases([cell], places[:1], self.run.isolate)
        queue = Queue([cell], self.store, name)
        return queue, _run(phase, queue, self.devices, self.run)


def _left(queues: Sequence[Queue], store: Store, run: Run) -> float:
    """Seconds that what waits takes: as its cells did in this run, or as those of the file did."""
    estimate = Estimate(store.records, run.launch_seconds)
    found = 0.0
    for queue in queues:
        todo = queue.in_hand + queue.waiting
        known = queue.pace.together(todo)
        found += estimate.total(todo) if known is None else known
    return found


def _warn() -> None:
    say("The current cell is finished first; press Ctrl-C again to stop at once.")
