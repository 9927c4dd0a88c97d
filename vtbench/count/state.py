"""Lending a model to the counter: bound to other tensors for a while, and left as it was found."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from vtbench.count.meta import without_address

Replace = Callable[[torch.Tensor], torch.Tensor]


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_CONTAINERS = (dict, OrderedDict, defaultdict, list, set)
"""Exactly these: a class made from one of them may not let itself be emptied and filled."""


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


def is_lazy(tensor: torch.Tensor) -> bool:
    """Whether a parameter or buffer waits for a first call to learn its shape."""
    return isinstance(tensor, UninitializedParameter | UninitializedBuffer)


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
