"""A model's modules, parameters and buffers, walked once for everything that needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Anatomy:
    """The parts of a model; tensors are distinct, modules come under every path they have."""

    modules: tuple[tuple[str, nn.Module], ...]
    """(path, module) in the order of registration; a shared module once per path."""
    parameters: tuple[nn.Parameter, ...]
    buffers: tuple[torch.Tensor, ...]


def anatomy_of(model: nn.Module) -> Anatomy:
    """Walk a model once."""
    modules = tuple(_walk(model, ""))
    distinct = {id(module): module for _, module in modules}.values()
    parameters = {id(p): p for m in distinct for p in m._parameters.values() if p is not None}
    buffers = {id(b): b for m in distinct for b in m._buffers.values() if b is not None}
    return Anatomy(modules, tuple(parameters.values()), tuple(buffers.values()))


def _walk(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    yield path, module
    prefix = f"{path}." if path else ""
    for name, child in module._modules.items():
        if child is not None:
            yield from _walk(child, prefix + name)
