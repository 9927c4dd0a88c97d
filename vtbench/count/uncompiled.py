"""Runs torch's own Python without importing the compiler that it would ask to keep out of it.

torch wraps every dispatch mode and every reference implementation so that ``torch.compile`` does
not trace into it, and imports ``torch._dynamo`` (about as slow as torch itself) the first time one
is called. As long as nothing else has imported the compiler, there is nothing to keep out, and the
function can be called as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CellType, FunctionType
from typing import Any, TypeVar

import torch
from torch import _compile
from torch.utils._python_dispatch import TorchDispatchMode

Mode = TypeVar("Mode", bound=TorchDispatchMode)

_KEPT = "__dynamo_disable"
"""The attribute in which torch keeps the function that the compiler gave it."""


def spare_compiler(*functions: Any) -> None:
    """Let each function, and all that it wraps, run without the compiler if none is there."""
    waiting, seen = list(functions), set()
    while waiting:
        function = waiting.pop()
        if not isinstance(function, FunctionType) or function in seen:
            continue
        seen.add(function)
        within = _closed_over(function)
        if function.__code__ is _WRAPPER and not hasattr(within["fn"], _KEPT):
            setattr(within["fn"], _KEPT, _kept_out_of(within["fn"]))
        waiting.extend(within.values())


def uncompiled(mode: type[Mode]) -> type[Mode]:
    """A dispatch mode that does not ask for the compiler at its first operator."""
    spare_compiler(mode.__torch_dispatch__)
    return mode


@lru_cache(maxsize=1)
def spare_compiler_on_shapes() -> None:
    """Do so for what computes the shapes of operators' results on the meta device."""
    spare_compiler(*_on_shapes())


def _on_shapes() -> Iterator[Callable[..., Any]]:
    """The reference implementations: those that are registered, and those that they call."""
    rooms = ("torch._refs", "torch._decomp", "torch._prims", "torch._meta_registrations")
    for name, module in tuple(sys.modules.items()):
        if name.startswith(rooms):
            yield from (each for each in vars(module).values() if callable(each))
    tables: dict[str, dict[Any, Any]] = getattr(torch._decomp, "global_decomposition_table", {})
    for table in tables.values():
        yield from table.values()


def _closed_over(function: FunctionType) -> dict[str, Any]:
    """Name -> value of what a function took from around it; ``__wrapped__`` may be another's."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells if cell != _EMPTY}


def _kept_out_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself, until something imports the compiler; then what that makes of it."""
    made: list[Callable[..., Any]] = []

    def run(*args: Any, **kwargs: Any) -> Any:
        if made:
            return made[0](*args, **kwargs)
        compiler = sys.modules.get("torch._dynamo")
        if compiler is None or not hasattr(compiler, "disable"):  # absent, or still being imported
            return function(*args, **kwargs)
        made.append(compiler.disable(function, True, wrapping=False))  # torch's order
        return made[0](*args, **kwargs)

    return run


_WRAPPER = _compile._disable_dynamo(lambda: None).__code__
"""The code that all of torch's wrappers share."""
_EMPTY = CellType()
