"""The cells that were asked for, and why a model among them cannot be."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.sweep.axes import Grid, cells_of
from vtbench.sweep.cells import Cell


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, workload by workload."""

    cells: tuple[Cell, ...]
    """In the order asked for, each once; the cells of a model stand together."""
    errors: Mapping[str, str]
    """Model -> why it cannot be; such a model has one cell."""

    @property
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads of the cells."""
        return tuple(cell.workload for cell in self.cells)

    def todo(self) -> list[tuple[Workload, str | None]]:
        """The workloads, and why one cannot be, if it cannot."""
        return [(work, self.errors.get(work.model)) for work in self.workloads]

    def possible(self) -> list[Cell]:
        """The cells of the models that can be."""
        return [cell for cell in self.cells if cell.workload.model not in self.errors]

    def impossible(self) -> dict[Cell, Measurement]:
        """A record of each other cell, which says why."""
        return {
            cell: Measurement(
                workload=cell.workload, protocol=PROTOCOLS[cell.protocol].id, error=error
            )
            for cell in self.cells
            if (error := self.errors.get(cell.workload.model)) is not None
        }


def asked_of(grid: Grid, found: Mapping[str, str | None]) -> Asked:
    """A cell for every model and every point of the grid; a model that cannot be has one."""
    cells: list[Cell] = []
    for model, error in found.items():
        own = list(cells_of(grid, model))
        cells += own if error is None else own[:1]
    errors = {model: error for model, error in found.items() if error is not None}
    return Asked(cells=tuple(dict.fromkeys(cells)), errors=errors)
