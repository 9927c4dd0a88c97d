"""From a workload to something that can be timed: built, counted, placed, with its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import torch

from vtbench import models
from vtbench.errors import ModelError, VtbenchError
from vtbench.measure.clock import Clock, CudaEventClock, HostClock
from vtbench.measure.exhaustion import out_of_memory
from vtbench.measure.flush import flushing
from vtbench.measure.prepare import Prepared, prepare
from vtbench.measurement import Device, MeasuredMemory, Measurement
from vtbench.protocol import Protocol
from vtbench.record import Record
from vtbench.run import run
from vtbench.workload import EXECUTION, Workload


@dataclass
class Subject:
    """A record in the making, with what is timed for it; without where that could not be made."""

    record: Measurement
    prepared: Prepared | None = None
    counted: Record | None = None


def subject_of(workload: Workload, protocol: Protocol, common: Measurement) -> Subject:
    """Build, count and place one workload; what goes wrong becomes the record's sentence."""
    record = msgspec.structs.replace(common, workload=workload)
    try:
        built = models.build(as_counted(workload), real=True)
        resolved = msgspec.structs.replace(
            workload,
            resolution=built.workload.resolution,
            threads=torch.get_num_threads() if workload.device == "cpu" else None,
        )
        counted = _counted(resolved)
        record = with_count(msgspec.structs.replace(record, workload=resolved), counted)
        prepared = prepare(built, resolved, protocol, torch_device(record.device))
    except Exception as error:  # noqa: BLE001 - a foreign model raises anything
        return Subject(failed(record, error))
    return Subject(record, prepared, counted)


def as_counted(workload: Workload) -> Workload:
    """The workload less how it is executed, which no count depends on."""
    fields = {name: getattr(workload, name) for name in workload.__struct_fields__}
    return Workload(**{name: value for name, value in fields.items() if name not in EXECUTION})


def _counted(workload: Workload) -> Record | None:
    """Its count; None where the model runs but cannot be counted."""
    try:
        return run(as_counted(workload))
    except VtbenchError:
        return None


def with_count(record: Measurement, counted: Record | None) -> Measurement:
    """The record with what the counter says of its workload."""
    if counted is None or counted.memory is None or counted.parameters is None:
        return record
    predicted = counted.memory.weights + counted.memory.activations_peak
    return msgspec.structs.replace(
        record,
        macs=counted.macs if counted.complete else None,
        params=counted.parameters.total,
        activations=counted.activations,
        memory=MeasuredMemory(predicted=predicted),
    )


def failed(record: Measurement, error: Exception) -> Measurement:
    """The record with a sentence for what was raised."""
    return msgspec.structs.replace(record, error=sentence(record.workload, error))


def sentence(workload: Workload, error: Exception) -> str:
    """What went wrong, for the user; running out of memory names the batch."""
    if out_of_memory(error):
        return (
            f"{workload.model} runs out of memory at batch {workload.batch_size}; "
            "use a smaller --batch-size or --resolution."
        )
    if isinstance(error, VtbenchError):
        return str(error)
    said = str(error).strip().splitlines() or [""]
    return str(
        ModelError(
            f"{workload.model} cannot be run: {type(error).__name__}: {said[0]}".rstrip(": ")
        )
    )


def torch_device(device: Device | None) -> torch.device:
    """The device as torch names it."""
    if device is None or device.kind == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", device.index or 0)


def clock_of(protocol: Protocol, device: torch.device) -> Clock:
    """The clock that a protocol prescribes on a device."""
    before: Callable[[], object] | None = flushing(device) if protocol.cold else None
    if device.type == "cpu":
        return HostClock(before=before)
    if protocol.synchronised:
        return HostClock(lambda: torch.cuda.synchronize(device), before)
    return CudaEventClock(torch.cuda, device.index or 0)
