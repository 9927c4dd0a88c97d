"""From a model and a workload to a step: on its device, in its precision, ready to be called."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vtbench.data.protocol import Protocol
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.models import Built

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp64": torch.float64}
"""Precisions that are types of tensors; tf32 and bf32 are fp32 with other products."""

_IMAGES = 4
"""Dimensions of a batch of images, (B, C, H, W); clips have one more."""

WARM_STEPS = 3
"""Steps on a side stream before a graph is captured, so that libraries have their workspaces."""

Given = tuple[tuple[Any, ...], dict[str, Any]]


@dataclass(frozen=True)
class Prepared:
    """A step, and the module and first inputs behind it."""

    step: Callable[[], object]
    module: nn.Module
    """On its device and in its precision; not compiled."""
    given: Given
    """The first of its inputs, if it works on them."""


def prepare(built: Built, workload: Workload, protocol: Protocol, device: torch.device) -> Prepared:
    """The step that a protocol times: one forward pass, and the backward pass if asked."""
    module = placed(built.module, workload, device)
    given = [
        moved((built.args, built.kwargs), workload, device, place)
        for place in range(protocol.input_sets)
    ]
    return _prepared(module, given, workload, protocol, device)


def prepare_live(
    module: nn.Module,
    inputs: tuple[Any, ...],
    workload: Workload,
    protocol: Protocol,
    device: torch.device,
) -> Prepared:
    """The step of a module that stays where and as it is; copies of its inputs take turns."""
    given: list[Given] = [
        (mapped(inputs, functools.partial(_turned, place=place)), {})
        for place in range(protocol.input_sets)
    ]
    return _prepared(module, given, workload, protocol, device)


def _prepared(
    module: nn.Module,
    given: list[Given],
    workload: Workload,
    protocol: Protocol,
    device: torch.device,
) -> Prepared:
    called = compiled(module, workload, protocol)
    step = _step(called, itertools.cycle(given), workload, device)
    if protocol.graph:
        step = replaying(step, device)
    return Prepared(step=step, module=module, given=given[0])


def placed(module: nn.Module, workload: Workload, device: torch.device) -> nn.Module:
    """The module on the device, in the precision and layout of the workload."""
    layout = torch.channels_last if workload.layout == "channels_last" else None
    dtype = None if workload.autocast else DTYPES.get(workload.dtype)
    try:
        module = module.to(device=device, dtype=dtype)
        return module if layout is None else module.to(memory_format=layout)
    except RuntimeError as error:
        if "memory format" in str(error) or "rank 4" in str(error):
            raise BadOption(
                f"The weights of {workload.model} cannot have the layout channels_last: {error}."
            ) from error
        raise


def moved(given: Given, workload: Workload, device: torch.device, place: int) -> Given:
    """Inputs where the module works; images of another place hold their values shifted."""
    args, kwargs = given
    return (
        tuple(_moved(value, workload, device, place) for value in args),
        {name: _moved(value, workload, device, place) for name, value in kwargs.items()},
    )


def _moved(value: Any, workload: Workload, device: torch.device, place: int) -> Any:
    dtype = None if workload.autocast else DTYPES.get(workload.dtype)

    def move(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_floating_point():
            return tensor.to(device, copy=True)
        there = _turned(tensor, place).to(device=device, dtype=dtype)
        if workload.layout == "channels_last" and there.dim() == _IMAGES:
            return there.contiguous(memory_format=torch.channels_last)
        return there

    return mapped(value, move)


def _turned(tensor: torch.Tensor, place: int) -> torch.Tensor:
    """A copy; of images another one for every place, their values shifted along the last side."""
    images = tensor.is_floating_point() and tensor.dim() >= _IMAGES
    return tensor.roll(place, dims=-1) if images and place else tensor.detach().clone()


def compiled(
    module: Callable[..., Any], workload: Workload, protocol: Protocol
) -> Callable[..., Any]:
    """The module as it is called: compiled if the workload or the protocol says so."""
    if workload.compile is None and not protocol.compiled:
        return module
    mode = workload.compile or "default"
    known = ("default", *torch._inductor.list_mode_options())  # noqa: SLF001 - no public list
    if mode not in known:
        raise BadOption(
            f"--compile: expected one of {', '.join(dict.fromkeys(known))}, got {mode!r}."
        )
    made: Callable[..., Any] = torch.compile(module, mode=mode)
    return made


def _step(
    called: Callable[..., Any], given: Iterator[Given], workload: Workload, device: torch.device
) -> Callable[[], object]:
    lent = _autocast(workload, device)
    if workload.backward:
        return lambda: _forward_and_backward(called, next(given), lent)

    def step() -> object:
        args, kwargs = next(given)
        with torch.inference_mode(), lent():
            return called(*args, **kwargs)

    return step


def _autocast(
    workload: Workload, device: torch.device
) -> Callable[[], AbstractContextManager[object]]:
    if not workload.autocast:
        return nullcontext
    dtype = DTYPES.get(workload.dtype)
    if dtype not in (torch.bfloat16, torch.float16):
        raise BadOption(
            f"Autocast needs the dtype bf16 or fp16, got {workload.dtype}; give --dtype."
        )
    return lambda: torch.autocast(device.type, dtype=dtype)


def _forward_and_backward(
    called: Callable[..., Any],
    given: Given,
    lent: Callable[[], AbstractContextManager[object]],
) -> object:
    """One forward pass and the gradients of the sum of its floating outputs."""
    args, kwargs = given
    with lent():
        outputs = called(*args, **kwargs)
    total = sum(each.float().sum() for each in tensors_in(outputs) if each.requires_grad)
    if isinstance(total, torch.Tensor):
        total.backward()  # type: ignore[no-untyped-call]  # torch's own
    for parameter in getattr(called, "parameters", list)():
        parameter.grad = None
    return total


def replaying(step: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """A step that replays what the given one launches; its inputs stay those of the capture."""
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's own
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARM_STEPS):
            step()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = step()

    def replay() -> object:
        graph.replay()
        return outputs

    return replay


def mapped(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same nested tuples, lists and dicts with every tensor changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(each, change) for name, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(each, change) for each in value))
    if isinstance(value, list | tuple):
        return type(value)(mapped(each, change) for each in value)
    return value


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of nested tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors_in(each)
