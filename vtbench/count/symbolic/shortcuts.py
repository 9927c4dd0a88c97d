"""Results of frequent operators by their shape alone.

Torch's own way to them takes most of a trace.

What is here has a result of the shape and type of its first argument, or one that a line of
arithmetic gives. Everything else goes torch's way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

_LIKE_FIRST = (
    "batch_norm", "layer_norm",
    "gelu", "silu", "relu", "relu6", "sigmoid", "tanh", "hardswish", "hardsigmoid", "mish",
    "hardtanh", "leaky_relu", "elu",
)  # fmt: skip

Shortcut = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def shortcut(operator: Any) -> Shortcut | None:
    """How to get the result of an operator at once; None where there is no such way."""
    return _SHORTCUTS.get(operator)


def _like_first(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x = args[0]
    return x.new_empty(x.shape) if x.is_floating_point() else NotImplemented


def _in_place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0]


# [..., k] x [n, k] -> [..., n]
def _linear(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    x, weight = args[:2]
    if weight.dim() != 2 or x.dim() < 2 or x.shape[-1] != weight.shape[1]:
        return NotImplemented
    return x.new_empty((*x.shape[:-1], weight.shape[0]))


# [..., m, k] x [..., k, n] -> [..., m, n], with the same leading axes
def _matmul(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    one, other = args[:2]
    if one.dim() != other.dim() or one.dim() < 3 or one.shape[-1] != other.shape[-2]:
        return NotImplemented
    if tuple(one.shape[:-2]) != tuple(other.shape[:-2]):
        return NotImplemented
    return one.new_empty((*one.shape[:-1], other.shape[-1]))


def _table() -> dict[Any, Shortcut]:
    table: dict[Any, Shortcut] = {
        torch.ops.aten.linear.default: _linear,
        torch.ops.aten.matmul.default: _matmul,
    }
    for name in _LIKE_FIRST:
        table[getattr(torch.ops.aten, name).default] = _like_first
    for name in ("relu_", "silu_", "hardswish_", "hardsigmoid_", "sigmoid_", "hardtanh_"):
        table[getattr(torch.ops.aten, name).default] = _in_place
    return table


_SHORTCUTS = _table()
