"""One cell, one measurement: which room does it for which protocol."""

from __future__ import annotations

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.sweep.cells import COUNTED, Cell
from vtbench.sweep.local import Job

MEMORY = "memory"


class CellSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How cells are measured, beyond what they say themselves."""

    max_seconds: float = 15.0
    """Most seconds of samples for each cell; its launches share them."""
    launches: int = 1
    """Launches of a cell that is measured in rounds."""
    isolated: bool = True
    """Whether the process is fresh for each cell."""


def measure_cell(job: Job, *, settings: CellSettings = CellSettings()) -> Measurement:  # noqa: B008
    """The measurement of a cell in this process, which was started for cells."""
    cell = job.cell
    if cell.protocol == COUNTED:
        return counted(cell)
    if cell.protocol == MEMORY:
        from vtbench.measure.memory.footprint import footprint

        return footprint(cell.workload, index=job.index, isolated=settings.isolated)
    from vtbench.measure.isolated import MeasureSettings
    from vtbench.measure.session.measure_workloads import measure_session

    shared = settings.launches if cell.turn is not None else 1
    seconds = settings.max_seconds / shared
    how = MeasureSettings(protocol=cell.protocol, index=job.index, max_seconds=seconds)
    (record,) = measure_session([cell.workload], how, isolated=settings.isolated)
    return record


def counted(cell: Cell) -> Measurement:
    """A count: MACs, parameters and the predicted memory, which need no device."""
    from vtbench.count.count_workload import count_workload
    from vtbench.measure.session.participants import with_count

    record = count_workload(cell.workload)
    empty = Measurement(workload=record.workload, protocol=PROTOCOLS[COUNTED].id)
    return with_count(empty, record)
