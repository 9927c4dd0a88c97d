"""Control flow that torch sees as one operator: it runs as written, and its parts are counted."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any


def _cond(predicate: Any, yes: Callable[..., Any], no: Callable[..., Any], operands: Any) -> Any:
    return (yes if bool(predicate) else no)(*operands)


def _while_loop(
    condition: Callable[..., Any], body: Callable[..., Any], carried: Any, constants: Any = ()
) -> Any:
    state = tuple(carried)
    while bool(condition(*state, *constants)):
        state = tuple(body(*state, *constants))
    return state


CONTROL: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {"higher_order::cond": _cond, "higher_order::while_loop": _while_loop}
)
"""Qualified name -> the same control flow in plain Python."""
