"""What a user is told of inputs that were not theirs, if a model raised on them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vtbench.models.built import Built

if TYPE_CHECKING:
    import torch

_RETURNED = "name a function that returns the model and its inputs"


def remedy(built: Built) -> str:
    """Which inputs were made up, and how to give others; nothing if a function returned them."""
    if built.own_inputs:
        return ""
    said = [_said(name, tensor) for name, tensor in _named(built)]
    listed = " and ".join([", ".join(said[:-1]), said[-1]] if said[1:] else said)
    random = ", whose whole numbers are 0 or 1" if _holds_whole(built) else ""
    if built.workload.inputs:
        return f" The values of its inputs are random{random}; for others, {_RETURNED}."
    noun = "input was" if len(said) == 1 else "inputs were"
    return (
        f" Its {noun} made up: {listed}{random}. If it takes others, give all of them as "
        f"--input NAME=SHAPE[:DTYPE], or {_RETURNED}."
    )


def _named(built: Built) -> Iterator[tuple[str, torch.Tensor]]:
    """The inputs by the names that forward has for them."""
    try:
        names = list(inspect.signature(built.module.forward).parameters)
    except ValueError:  # a traced module does not say
        names = []
    for place, each in enumerate(built.args):
        yield names[place] if place < len(names) else "an input", each
    yield from built.kwargs.items()


def _said(name: str, tensor: Any) -> str:
    sides = "x".join(map(str, tensor.shape))
    return f"{name}={sides}:{str(tensor.dtype).removeprefix('torch.')}"


def _holds_whole(built: Built) -> bool:
    return any(not each.dtype.is_floating_point for _, each in _named(built))
