"""A live module after it was measured is what it was before.

Running a module may change it: batch norm in training mode moves its statistics, a cache is filled
on the first call. Under inference mode such a cache is of tensors that no backward pass takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

OF_TORCH = frozenset({"_parameters", "_buffers", "_modules"})
"""Attributes in which torch keeps parts of a module."""


@contextmanager
def kept(module: nn.Module) -> Iterator[None]:
    """Take back what steps in the block do to buffers, and make caches fit for training again."""
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
