"""Modules and functions that a caller holds: what is said of them, their step, how they are kept.

Running a module may change it: batch norm in training mode moves its statistics, a cache is filled
on the first call. Under inference mode such a cache is of tensors that no backward pass takes.
After it was measured a live module is what it was before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

import msgspec
import torch
from torch import nn

from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.count_workload import record_of
from vtbench.count.mode import Mode, in_mode, mode_under
from vtbench.count.over_inputs import GIVEN, by_values
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import Protocol
from vtbench.data.record import Record
from vtbench.data.workload import DeviceKind, Precision, Workload
from vtbench.errors import NoDevice, VtbenchError
from vtbench.measure.session.participants import Participant, failed, torch_device, with_count
from vtbench.measure.session.prepare import compiled, mapped, prepare_live, tensors_in

LIVE_CONDITIONS = frozenset(
    {"batch_size", "mode", "backward", "attention", "threads", "cudnn_benchmark", "compile"}
)
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
OF_TORCH = frozenset({"_parameters", "_buffers", "_modules"})
"""Attributes in which torch keeps parts of a module."""


def live_workload(
    name: str, live: Callable[..., Any], inputs: Sequence[Any], conditions: Mapping[str, Any]
) -> Workload:
    """What can be said of a live module or function on some inputs."""
    tensors = [value for value in inputs if isinstance(value, torch.Tensor)]
    held = list(live.parameters()) if isinstance(live, nn.Module) else []
    foreign = next((t.device for t in (*held, *tensors) if t.device.type not in DEVICES), None)
    if foreign is not None:
        raise NoDevice(f"{name} is on the device {foreign}; move it to a CPU or to a CUDA device.")
    floating = [value for value in (*held, *tensors) if value.is_floating_point()]
    first = next(iter([*held, *tensors]), None)
    images = [value for value in tensors if value.dim() == _IMAGES]
    return Workload(
        model=name,
        resolution=(images[0].shape[-2], images[0].shape[-1]) if images else None,
        batch_size=conditions.get("batch_size")
        or next((len(value) for value in tensors if value.dim()), 1),
        mode=mode_under(live, conditions.get("mode", "eval")),
        backward=conditions.get("backward", False),
        device="cuda" if first is not None and first.is_cuda else "cpu",
        dtype=_SPELLED.get(floating[0].dtype, "fp32") if floating else "fp32",
        compile=conditions.get("compile"),
        threads=conditions.get("threads"),
        attention=conditions.get("attention"),
        cudnn_benchmark=conditions.get("cudnn_benchmark", True),
    )


def live_participant(
    live: Callable[..., Any], inputs: tuple[Any, ...], protocol: Protocol, common: Measurement
) -> Participant:
    """A live module or function with its step; a function is not counted."""
    record = common
    device = torch_device(record.device)
    try:
        if not isinstance(live, nn.Module):
            called = compiled(live, record.workload, protocol)
            step, trains = _function_step(called, inputs)
            workload = msgspec.structs.replace(record.workload, backward=trains)
            return Participant(msgspec.structs.replace(record, workload=workload), step)
        counted = _counted_live(live, inputs, record.workload)
        record = with_count(record, counted)
        prepared = prepare_live(live, inputs, record.workload, protocol, device)
        return Participant(record, prepared.step, prepared, counted)
    except Exception as error:  # noqa: BLE001 - a foreign model raises anything
        return Participant(failed(record, error))


def _function_step(
    called: Callable[..., Any], inputs: tuple[Any, ...]
) -> tuple[Callable[[], object], bool]:
    """A call under inference mode as modules have it, or as it is if it needs gradients."""

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
        settings = CountSettings(backward=workload.backward)
        counted = count_module(module, (inputs, {}), settings)
    except VtbenchError:
        return None
    record = record_of(workload, counted, None)
    return msgspec.structs.replace(record, by_values=by_values([counted], GIVEN))


@contextmanager
def kept(module: nn.Module, mode: Mode) -> Iterator[None]:
    """A module in the mode that was asked for, whose mode, gradients and buffers are taken back.

    What it caches meanwhile is made fit for training again.
    """
    gradients = [(parameter, parameter.grad) for parameter in module.parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        with in_mode(module, mode), _buffers_kept(module):
            yield
    finally:
        for parameter, gradient in gradients:
            parameter.grad = gradient


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    """Take back what steps in the block do to buffers."""
    parts = list(module.modules())
    before = [
        (part, name, value, value.clone())
        for part in parts
        for name, value in part.named_buffers(recurse=False)
        if not value.is_inference()
    ]
    try:
        yield
    finally:
        for part, name, value, content in before:
            setattr(part, name, value)
            if not torch.equal(value, content):  # writing may disturb a backward pass to come
                with torch.no_grad():
                    value.copy_(content)
        for part in parts:
            _out_of_inference(part)


def _out_of_inference(part: nn.Module) -> None:
    """Ordinary copies in place of the inference tensors that a module holds as it caches them."""
    held = {name: value for name, value in vars(part).items() if name not in OF_TORCH}
    for name, value in (*held.items(), *part.named_buffers(recurse=False)):
        if any(each.is_inference() for each in tensors_in(value)):
            setattr(part, name, mapped(value, _ordinary))


def _ordinary(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.clone() if tensor.is_inference() else tensor
