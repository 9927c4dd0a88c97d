"""One cell, one measurement: which room does it for which protocol."""

from __future__ import annotations

import msgspec

from vtbench.measurement import MeasuredMemory, Measurement
from vtbench.protocol import PROTOCOLS
from vtbench.sweep.cells import COUNTED, Cell
from vtbench.sweep.local import Job


class CellSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How cells are measured, beyond what they say themselves."""

    max_seconds: float = 15.0
    """Most seconds of samples for each cell."""


def measure_cell(job: Job, *, settings: CellSettings = CellSettings()) -> Measurement:  # noqa: B008
    """The measurement of a cell in this process, which was started for cells."""
    if job.cell.protocol == COUNTED:
        return counted(job.cell)
    from vtbench.measuring import MeasureSettings, measure_session

    how = MeasureSettings(
        protocol=job.cell.protocol, index=job.index, max_seconds=settings.max_seconds
    )
    (record,) = measure_session([job.cell.workload], how, isolated=True)
    return record


def counted(cell: Cell) -> Measurement:
    """A count: MACs, parameters and the predicted memory, which need no device."""
    from vtbench.run import run

    record = run(cell.workload)
    memory, parameters = record.memory, record.parameters
    return Measurement(
        workload=record.workload,
        protocol=PROTOCOLS[COUNTED].id,
        macs=record.macs if record.complete else None,
        params=None if parameters is None else parameters.total,
        activations=record.activations,
        memory=None
        if memory is None
        else MeasuredMemory(
            weights=memory.weights, predicted=memory.weights + memory.activations_peak
        ),
    )
