"""What another counter says of a model: its total, and the lines that the total is made of."""

from __future__ import annotations

import inspect
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class ModelCall(NamedTuple):
    """A model of its own for a counter to run, with inputs that have values."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    backward: bool = False
    """Whether the workload includes the backward pass."""


class Line(NamedTuple):
    """What a counter counted for one operator in one module."""

    module: str | None
    """Path of the module, empty for the model itself; None if it does not say."""
    op: str | None
    """Its own name for the operator; None if it knows modules only."""
    macs: int
    calls: int | None = None
    """How often; None if it does not say."""
    whole: bool = False
    """Whether the line stands for everything below the module too."""
    module_class: str = ""
    """Class of the module, if that is what the counter goes by."""


class Tally(NamedTuple):
    """The answer of one counter."""

    macs: int
    lines: tuple[Line, ...]


class NoTally(NamedTuple):
    """Why a counter gives no answer."""

    reason: str
    """A sentence for the reader."""
    crashed: bool = False
    """Whether it raised, or printed what it had raised; otherwise it cannot take this model."""


class Unsuitable(Exception):
    """The counter has no way to take this model; the message says why, for the reader."""


class Crashed(Exception):
    """The counter printed what it would have raised; the message is its sentence."""


def positional(call: ModelCall) -> tuple[Any, ...]:
    """The inputs in the order of ``forward``, for a counter that takes no keywords."""
    if not call.kwargs:
        return call.args
    given = inspect.signature(call.module.forward).bind(*call.args, **call.kwargs)
    places = {
        name: place
        for place, (name, parameter) in enumerate(given.signature.parameters.items())
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    only = next((name for name in call.kwargs if name not in places), None)
    if only is not None:
        raise Unsuitable(f"It takes inputs by position, and the model takes {only!r} by keyword.")
    given.apply_defaults()
    until = max(places[name] for name in call.kwargs) + 1
    return tuple(given.arguments[name] for name in list(places)[:until])


def walk(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Every module under every path, a shared one as often as it can be reached."""
    yield path, module
    for name, child in module.named_children():
        yield from walk(child, f"{path}.{name}" if path else name)


def own_counts(total: dict[str, dict[str, int]]) -> list[Line]:
    """Lines from counts that hold what runs below a module too, for paths that form a tree."""
    own = {path: dict(counts) for path, counts in total.items()}
    for path, counts in total.items():
        parent = _nearest_above(path, own)
        if parent is not None:
            for op, macs in counts.items():
                own[parent][op] = own[parent].get(op, 0) - macs
    return [
        Line(path, op, macs) for path, counts in own.items() for op, macs in counts.items() if macs
    ]


def _nearest_above(path: str, paths: Container[str]) -> str | None:
    """The innermost module above a path that has counts; containers may never be called."""
    while path:
        path = path.rpartition(".")[0]
        if path in paths:
            return path
    return None
