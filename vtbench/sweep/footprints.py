"""The memory of cells: what a file holds of it, and what is measured of the others."""

from __future__ import annotations

import msgspec

from vtbench.data.distribution import InputSet
from vtbench.data.measurement import Measurement
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome
from vtbench.sweep.asked import Asked
from vtbench.sweep.store import Store


class Footprints:
    """A record for each cell in order, each kept as soon as it is there."""

    def __init__(
        self, asked: Asked, store: Store, device: str | None, over: InputSet | None
    ) -> None:
        self._cells, self._store = asked.cells, store
        known = {cell: _of_these(store.of(cell.key, device), over) for cell in asked.cells}
        self._found = {cell: record for cell, record in known.items() if record is not None}
        self._found |= asked.impossible()
        self._todo = [cell for cell in asked.cells if cell not in self._found]

    @property
    def todo(self) -> list[Workload]:
        """The workloads that are to be measured."""
        return [cell.workload for cell in self._todo]

    def take(self, place: int, outcome: Outcome[Measurement]) -> None:
        """What came of the workload at a place of ``todo``."""
        if outcome.result is not None:
            cell = self._todo[place]
            self._found[cell] = msgspec.structs.replace(outcome.result, cell=cell.key)
            self._store.append(self._found[cell])

    @property
    def records(self) -> list[Measurement]:
        """What there is by now."""
        return [self._found[cell] for cell in self._cells if cell in self._found]


def _of_these(record: Measurement | None, over: InputSet | None) -> Measurement | None:
    """A kept record if it is over the inputs that are asked for; a source may have changed."""
    if record is None or over is None:
        return record
    found = record.distribution
    same = found is not None and found.over == over and over.source is None
    return record if same else None
