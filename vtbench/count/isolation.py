"""A model and its process are lent to a count, and are afterwards as they were before it.

A model may draw from, and its code may change, what belongs to the whole process. A count gives
the same random numbers every time, so that equal workloads give equal counts, and takes back
whatever was set meanwhile: on the process, and on the modules of the model.
"""

from __future__ import annotations

import random
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch
from torch import nn

from vtbench.count.meta_execution import without_address
from vtbench.count.model_parts import is_lazy
from vtbench.models.imports import imports_within

if TYPE_CHECKING:
    from vtbench.count.counter import Counter

Replace = Callable[[torch.Tensor], torch.Tensor]

SEED = 0
_FLEX = "torch.nn.attention.flex_attention"
_FLEX_UNCOMPILED = "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG"
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_CONTAINERS = (dict, OrderedDict, defaultdict, list, set)
"""Exactly these: a class made from one of them may not let itself be emptied and filled."""


@contextmanager
def seeded_and_restored(seed: int = SEED) -> Iterator[None]:
    """Seed the random generators for the block; restore them, and the defaults of torch."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - what models draw from
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch's own
    devices = torch.cuda.get_rng_state_all() if cuda else []
    dtype, device, threads = torch.get_default_dtype(), _default_device(), torch.get_num_threads()
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the generator that models draw from
    torch.default_generator.manual_seed(seed)
    if devices:
        torch.cuda.manual_seed_all(seed)
    try:
        yield
    finally:
        if _default_device() != device:
            torch.set_default_device(device)
        if device is None:  # as it was before any was set; torch 2.6 stumbles over a None
            vars(torch._GLOBAL_DEVICE_CONTEXT).pop("device_context", None)
        if torch.get_default_dtype() != dtype:
            torch.set_default_dtype(dtype)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002 - the same
        torch.set_rng_state(states[2])
        if devices:
            torch.cuda.set_rng_state_all(devices)


def _default_device() -> Any:
    """The device that was set as default; None if none was, which no public function tells."""
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


@contextmanager
def compiled_code_as_written() -> Iterator[None]:
    """Run what ``torch.compile`` wraps as plain Python, for the length of the block.

    Otherwise a model that was compiled with ``fullgraph=True`` raises under a dispatch mode, and
    so does flex attention, which compiles itself. The compiler is slow to import: where nobody
    has imported it, nothing is compiled, and it is left alone.
    """
    flex = sys.modules.get(_FLEX)
    with ExitStack() as stack:
        if flex is not None and hasattr(flex, _FLEX_UNCOMPILED):
            stack.enter_context(mock.patch.object(flex, _FLEX_UNCOMPILED, new=True))
            flex = None
        if flex is not None or "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@contextmanager
def imports_uncounted(counter: Counter) -> Iterator[None]:
    """What a file computes while a module's call imports it is not counted in the block.

    It happens once in a process and is no part of the call. Torch 2.6 imports its compiler at the
    first ``vmap``, and tries products out meanwhile.
    """

    @contextmanager
    def uncounted() -> Iterator[None]:
        inside = counter.stack.inside_a_call
        counter.importing += inside
        try:
            yield
        finally:
            counter.importing -= inside

    with imports_within(uncounted):
        yield


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Whatever a run sets on the model's modules is taken back.

    Attributes are restored, and the contents of dicts, lists and sets that are attributes, or lie
    in one. Tensors among them are lent as copies, so that what is written to them is lost;
    parameters and buffers are the business of ``bound_to``.
    """
    saved = [(m, type(m), dict(m.__dict__), _containers(m)) for m in model.modules()]
    try:
        _lend_copies(saved)
        yield
    finally:
        for module, kind, attributes, containers in saved:
            if type(module) is not kind:  # lazy modules change their class at the first call
                module.__class__ = kind
            module.__dict__.clear()
            module.__dict__.update(attributes)
            for container, contents in containers:
                _refill(container, contents)


def _containers(module: nn.Module) -> list[tuple[Any, Any]]:
    """(container, copy of its contents) for every dict, list and set that a module holds."""
    found: dict[int, tuple[Any, Any]] = {}
    waiting = list(module.__dict__.values())
    own = {id(module.__dict__[name]) for name in _OF_EVERY_MODULE & module.__dict__.keys()}
    while waiting:
        value = waiting.pop()
        if type(value) in _CONTAINERS and id(value) not in found:
            found[id(value)] = (value, value.copy())
        elif not isinstance(value, tuple):
            continue
        if id(value) not in own:
            waiting += value.values() if isinstance(value, dict) else value
    return list(found.values())


def _lend_copies(saved: list[Any]) -> None:
    made: dict[int, torch.Tensor] = {}

    def lent(value: Any) -> Any:
        if type(value) is not torch.Tensor or value.is_meta:
            return value
        if id(value) not in made:
            made[id(value)] = value.detach().clone().requires_grad_(value.requires_grad)
        return made[id(value)]

    for module, _, attributes, containers in saved:
        own = {id(attributes[name]) for name in _OF_EVERY_MODULE & attributes.keys()}
        module.__dict__.update({name: lent(value) for name, value in attributes.items()})
        for container, contents in containers:
            if isinstance(contents, dict) and id(container) not in own:
                container.update({key: lent(value) for key, value in contents.items()})
            elif isinstance(contents, list):
                container[:] = [lent(value) for value in contents]


def _refill(container: Any, contents: Any) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(contents)
    else:
        container.update(contents)


@contextmanager
def bound_to(model: nn.Module, replace: Replace) -> Iterator[None]:
    """Parameters and buffers are replaced for the block; shared ones stay shared."""
    made: dict[int, torch.Tensor] = {}

    def other(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in made:
            made[id(tensor)] = _like(tensor, replace)
        return made[id(tensor)]

    with left_as_found(model):
        for module in model.modules():
            for held in (module._parameters, module._buffers):
                for name, tensor in held.items():
                    if tensor is not None:
                        held[name] = other(tensor)  # type: ignore[assignment]  # either dict
        yield


def _like(tensor: torch.Tensor, replace: Replace) -> torch.Tensor:
    if is_lazy(tensor):
        # a lazy tensor takes its shape in the run: a stand-in does, so that theirs does not
        kind: Any = type(tensor)
        where = replace(torch.empty(0, device=tensor.device)).device
        stand_in: torch.Tensor = kind(
            requires_grad=tensor.requires_grad, device=where, dtype=tensor.dtype
        )
        return stand_in
    new = replace(tensor.detach())
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(new, requires_grad=tensor.requires_grad)
    return new


def to_meta(tensor: torch.Tensor) -> torch.Tensor:
    """The same shape and layout, without memory and without an address."""
    return without_address(tensor if tensor.is_meta else tensor.to("meta"))


def copied(tensor: torch.Tensor) -> torch.Tensor:
    """The same values in memory of its own."""
    return tensor.clone()
