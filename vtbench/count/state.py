"""Lending a model to the counter: bound to other tensors for a while, and left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from vtbench.count.meta import without_address

Replace = Callable[[torch.Tensor], torch.Tensor]


@contextmanager
def left_as_found(model: nn.Module) -> Iterator[None]:
    """Whatever a run sets on the model's modules is taken back.

    Attributes are restored, and the contents of dicts, lists and sets that are attributes;
    tensors changed in place are the business of ``bound_to``.
    """
    saved = [(m, type(m), dict(m.__dict__), _containers(m)) for m in model.modules()]
    try:
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
    values = module.__dict__.values()
    return [(v, v.copy()) for v in values if isinstance(v, dict | list | set)]


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
