"""Where a model is built: on the meta device and unfilled, or on the CPU and seeded."""

from __future__ import annotations

import contextlib
import copy
import gc
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.overrides import TorchFunctionMode

from vtbench.errors import ModelError
from vtbench.models.imports import imports_within
from vtbench.models.unfilled import FILLING_FUNCTIONS, initialisation_skipped

META = torch.device("meta")
SEED = 0

# Parameters below this many elements cost nothing to fill, and might be read while building.
_LARGE = 1 << 16

# With real values everything has to fit in 4 GB: the weights, and room for activations.
_AFFORDABLE_BYTES = 3 << 30

# What torch says of a value that meta does not have; the last is of torch 2.6, tracing a module.
_NEEDS_VALUES = (RuntimeError, TypeError, NotImplementedError, AssertionError)

Made = TypeVar("Made")


def on_meta(make: Callable[[], Made]) -> Made:
    """What ``make`` builds, on the meta device and unfilled.

    A constructor that reads values (``linspace(...).tolist()``) cannot run there; it runs on the
    CPU with its large parameters left untouched, so that no memory is spent on them.
    `without_values` brings such a model to meta.
    """
    needs_values = contextlib.suppress(*_NEEDS_VALUES)
    imports_on_cpu = imports_within(lambda: torch.device("cpu"))
    with needs_values, collector_paused(), initialisation_skipped(), META, imports_on_cpu:
        return make()
    # Whatever was wrong apart from the device is raised again.
    with torch.random.fork_rng(devices=[]), _LargeParametersUnfilled():
        return make()


def on_cpu(make: Callable[[], Made]) -> Made:
    """What ``make`` builds on the CPU under seed 0; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        return make()


class Unaffordable(ModelError):
    """Real values that would not fit in memory."""


def affordable(model: str, module: nn.Module) -> None:
    """Refuse real values to a model that would not fit in memory, before any is allocated."""
    size = sum({id(each): each.nbytes for each in _tensors(module)}.values())
    if size > _AFFORDABLE_BYTES:
        raise Unaffordable(
            f"{model} needs real values to run, and its {size / 2**30:.1f} GiB of weights exceed "
            f"the {_AFFORDABLE_BYTES >> 30} GiB that a run with real values may take."
        )


@contextlib.contextmanager
def affordable_within(model: str) -> Iterator[None]:
    """Refuse the same to a model that is being built, at the weight that is one too many.

    A function may do anything before it returns a module, so it is run once, and what it registers
    is summed up as it comes; memory that was not yet written to has not been taken either.
    """
    held: dict[int, int] = {}

    def registered(module: nn.Module, name: str, tensor: torch.Tensor | None) -> None:
        del module, name
        if tensor is None or tensor.is_meta or id(tensor) in held:
            return
        try:
            held[id(tensor)] = tensor.nbytes
        except (RuntimeError, ValueError):  # a tensor without a shape yet
            return
        weakref.finalize(tensor, held.pop, id(tensor), None)
        if sum(held.values()) > _AFFORDABLE_BYTES:
            raise Unaffordable(
                f"{model} needs real values to run, and its weights exceed the "
                f"{_AFFORDABLE_BYTES >> 30} GiB that a run with real values may take."
            )

    handles = (
        register_module_parameter_registration_hook(registered),
        register_module_buffer_registration_hook(registered),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking a half-built model; a build leaves little garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _LargeParametersUnfilled(TorchFunctionMode):
    """Leaves large parameters unfilled, in this thread only; other tensors get their values."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        del types
        if func in FILLING_FUNCTIONS:
            # torch hands its initialisers over with every argument by name
            tensor = args[0] if args else (kwargs or {}).get("tensor")
            if isinstance(tensor, nn.Parameter) and tensor.numel() >= _LARGE:
                return tensor
        return func(*args, **(kwargs or {}))


def parts_of(module: nn.Module) -> list[nn.Module]:
    """A module and all modules in it, each once; ``modules()`` without building names."""
    found = {id(module): module}
    waiting = [module]
    while waiting:
        for child in _held(waiting.pop(), "_modules").values():
            if child is not None and id(child) not in found:
                found[id(child)] = child
                waiting.append(child)
    return list(found.values())


def _held(part: nn.Module, kind: str) -> dict[str, Any]:
    """What a module holds; a traced one keeps it elsewhere than among its attributes."""
    held: dict[str, Any] | None = vars(part).get(kind)
    return dict(getattr(part, kind).items()) if held is None else held


def entirely_on_meta(module: nn.Module) -> bool:
    """Whether no tensor of a module has values, plain attributes included."""
    return all(tensor.is_meta for tensor in _tensors(module))


def in_mode(module: nn.Module, *, training: bool) -> nn.Module:
    """The module in evaluation or training mode.

    What ``module.train(training)`` does, without a call per part where no part has its own way.
    """
    parts = parts_of(module)
    if all(type(part).train is nn.Module.train and "training" in vars(part) for part in parts):
        for part in parts:
            vars(part)["training"] = training
        return module
    return module.train(training)


def without_values(module: nn.Module) -> nn.Module:
    """The module with every tensor on meta; a copy, tied tensors still tied, if one was not."""
    if entirely_on_meta(module):
        return module
    # A deep copy takes what stands in its memo instead of copying it: no value is ever copied.
    memo: dict[int, Any] = {id(tensor): _emptied(tensor) for tensor in _tensors(module)}
    return copy.deepcopy(module, memo)


def _emptied(tensor: torch.Tensor) -> torch.Tensor:
    empty = tensor.detach().to(META)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, requires_grad=tensor.requires_grad)
    return empty.requires_grad_(tensor.requires_grad)


def _tensors(module: nn.Module) -> list[torch.Tensor]:
    """Parameters, buffers and tensors that are plain attributes of a module's parts."""
    found: list[torch.Tensor | None] = []
    for part in parts_of(module):
        attributes = vars(part)
        found += _held(part, "_parameters").values()
        found += _held(part, "_buffers").values()
        if torch.Tensor in map(type, attributes.values()):
            found += (each for each in attributes.values() if type(each) is torch.Tensor)
    return [tensor for tensor in found if tensor is not None]
