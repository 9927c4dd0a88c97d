"""From a workload to something that can be timed: built, counted, placed, with its clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
import torch
from torch import nn

from vtbench import models
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.count_workload import count_workload, record_of
from vtbench.data.measurement import Device, MeasuredMemory, Measurement
from vtbench.data.protocol import Protocol
from vtbench.data.record import Record
from vtbench.data.workload import EXECUTION, DeviceKind, Precision, Workload
from vtbench.errors import ModelError, NoDevice, VtbenchError
from vtbench.measure.clocks.clock import Clock, CudaEventClock, HostClock
from vtbench.measure.clocks.flush import flushing
from vtbench.measure.memory.exhaustion import out_of_memory
from vtbench.measure.session.prepare import Prepared, compiled, prepare, prepare_live


@dataclass
class Subject:
    """A record in the making, with what is timed for it."""

    record: Measurement
    step: Callable[[], object] | None = None
    """None where it could not be made; the record says why."""
    prepared: Prepared | None = None
    counted: Record | None = None


def subject_of(workload: Workload, protocol: Protocol, common: Measurement) -> Subject:
    """Build, count and place one workload; what goes wrong becomes the record's sentence."""
    record = msgspec.structs.replace(common, workload=workload)
    try:
        built = models.build(as_counted(workload), real=True)
        resolved = as_run(workload, built.workload)
        counted = _counted(workload)
        record = with_count(msgspec.structs.replace(record, workload=resolved), counted)
        prepared = prepare(built, resolved, protocol, torch_device(record.device))
    except Exception as error:  # noqa: BLE001 - a foreign model raises anything
        return Subject(failed(record, error))
    return Subject(record, prepared.step, prepared, counted)


def as_counted(workload: Workload) -> Workload:
    """The workload less how it is executed, which no count depends on."""
    fields = {name: getattr(workload, name) for name in workload.__struct_fields__}
    return Workload(**{name: value for name, value in fields.items() if name not in EXECUTION})


def as_run(workload: Workload, built: Workload) -> Workload:
    """The workload with its blanks filled: the size and batch of the inputs, and the threads."""
    return msgspec.structs.replace(
        workload,
        resolution=built.resolution,
        batch_size=built.batch_size,
        threads=torch.get_num_threads() if workload.device == "cpu" else None,
    )


def _counted(workload: Workload) -> Record | None:
    """Its count; None where the model runs but cannot be counted."""
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


LIVE_CONDITIONS = frozenset({"batch_size", "attention", "threads", "cudnn_benchmark", "compile"})
"""What may be asked of a live module; all else is as it is."""
DEVICES = get_args(DeviceKind)
"""Where a live module may lie."""
_SPELLED: dict[torch.dtype, Precision] = {
    torch.float32: "fp32",
    torch.float64: "fp64",
    torch.bfloat16: "bf16",
    torch.float16: "fp16",
}
_IMAGES = 4
"""Dimensions of a batch of images."""


def live_workload(
    name: str, subject: Callable[..., Any], inputs: Sequence[Any], conditions: Mapping[str, Any]
) -> Workload:
    """What can be said of a live module or function on some inputs."""
    tensors = [value for value in inputs if isinstance(value, torch.Tensor)]
    held = list(subject.parameters()) if isinstance(subject, nn.Module) else []
    foreign = next((t.device for t in (*held, *tensors) if t.device.type not in DEVICES), None)
    if foreign is not None:
        raise NoDevice(f"{name} lies on {foreign}; a processor and CUDA devices can be measured.")
    floating = [value for value in (*held, *tensors) if value.is_floating_point()]
    first = next(iter([*held, *tensors]), None)
    images = [value for value in tensors if value.dim() == _IMAGES]
    return Workload(
        model=name,
        resolution=(images[0].shape[-2], images[0].shape[-1]) if images else None,
        batch_size=conditions.get("batch_size")
        or next((len(value) for value in tensors if value.dim()), 1),
        mode="train" if getattr(subject, "training", False) else "eval",
        device="cuda" if first is not None and first.is_cuda else "cpu",
        dtype=_SPELLED.get(floating[0].dtype, "fp32") if floating else "fp32",
        compile=conditions.get("compile"),
        threads=conditions.get("threads"),
        attention=conditions.get("attention"),
        cudnn_benchmark=conditions.get("cudnn_benchmark", True),
    )


def live_subject(
    subject: Callable[..., Any], inputs: tuple[Any, ...], protocol: Protocol, common: Measurement
) -> Subject:
    """A live module or function with its step; a function is not counted."""
    record = common
    device = torch_device(record.device)
    try:
        if not isinstance(subject, nn.Module):
            called = compiled(subject, record.workload, protocol)
            step, trains = _function_step(called, inputs)
            workload = msgspec.structs.replace(record.workload, backward=trains)
            return Subject(msgspec.structs.replace(record, workload=workload), step)
        counted = _counted_live(subject, inputs, record.workload)
        record = with_count(record, counted)
        prepared = prepare_live(subject, inputs, record.workload, protocol, device)
        return Subject(record, prepared.step, prepared, counted)
    except Exception as error:  # noqa: BLE001 - a foreign model raises anything
        return Subject(failed(record, error))


def _function_step(
    called: Callable[..., Any], inputs: tuple[Any, ...]
) -> tuple[Callable[[], object], bool]:
    """A call under inference mode as modules have it, or as it is where it needs gradients."""

    def step() -> object:
        with torch.inference_mode():
            return called(*inputs)

    try:
        step()
    except RuntimeError as error:
        if not re.search(r"\bgrad|[Ii]nference tensor", str(error)):
            raise
        return lambda: called(*inputs), True
    return step, False


def _counted_live(module: nn.Module, inputs: tuple[Any, ...], workload: Workload) -> Record | None:
    try:
        counted = count_module(module, (inputs, {}), CountSettings())
    except VtbenchError:
        return None
    return record_of(workload, counted, None)


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
