"""A participant of a session: a workload built, counted and placed, so that it can be timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import msgspec
import torch

from vtbench import models
from vtbench.count.count_workload import count_workload
from vtbench.data.measurement import Device, MeasuredMemory, Measurement
from vtbench.data.protocol import Protocol
from vtbench.data.record import Record
from vtbench.data.workload import Workload, as_counted
from vtbench.errors import ModelError, VtbenchError
from vtbench.measure.machine.devices import describe
from vtbench.measure.machine.environment import environment, revision
from vtbench.measure.memory.out_of_memory import out_of_memory
from vtbench.measure.session.prepare import Prepared, prepare


@dataclass
class Participant:
    """A record in the making, with what is timed for it."""

    record: Measurement
    step: Callable[[], object] | None = None
    """None if it could not be made; the record says why."""
    prepared: Prepared | None = None
    counted: Record | None = None


def participant_of(workload: Workload, protocol: Protocol, common: Measurement) -> Participant:
    """Build, count and place one workload; what goes wrong becomes the record's sentence."""
    record = msgspec.structs.replace(common, workload=workload)
    try:
        built = models.build(as_counted(workload), real=True)
        resolved = as_run(workload, built.workload)
        counted = _counted(workload)
        record = with_count(msgspec.structs.replace(record, workload=resolved), counted)
        prepared = prepare(built, resolved, protocol, torch_device(record.device))
    except Exception as error:  # noqa: BLE001 - a foreign model raises anything
        return Participant(failed(record, error))
    return Participant(record, prepared.step, prepared, counted)


def empty_record(
    workload: Workload, protocol: Protocol, index: int | None, *, isolated: bool
) -> Measurement:
    """A record that says where and with what a workload is measured, and nothing yet of it."""
    return Measurement(
        workload=workload,
        protocol=protocol.id,
        device=describe(workload.device, index),
        environment=environment(),
        isolated=isolated,
        commit=revision(Path.cwd()),
    )


def date_now() -> str:
    """The date of a record."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def as_run(workload: Workload, built: Workload) -> Workload:
    """The workload with its blanks filled: the size and batch of the inputs, and the threads."""
    return msgspec.structs.replace(
        workload,
        resolution=built.resolution,
        batch_size=built.batch_size,
        threads=torch.get_num_threads() if workload.device == "cpu" else None,
    )


def _counted(workload: Workload) -> Record | None:
    """Its count; None if the model runs but cannot be counted."""
    try:
        return count_workload(as_counted(workload))
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
        settled=counted.settled,
        by_values=counted.by_values,
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
