"""The dtypes of the two operands that an operator multiplies, in words."""

from __future__ import annotations

from typing import Any

import torch

from vtbench.count.operators.table import Rule
from vtbench.count.tensor_parts import inner_tensors, is_wrapper

PACKED = "packed weights"
"""Weights of quantised layers, which torch keeps in an object of its own."""


def precision_of(name: str, rule: Rule, args: tuple[Any, ...]) -> str:
    """Such as ``bfloat16 × int8``: what comes in, then what it is multiplied by."""
    if rule.kind == "recurrent":  # the weights are the last list: input, state, weights
        weights = [arg for arg in args if isinstance(arg, list | tuple)][-1:]
        operands = [*_operands(args[:1]), *_operands(weights)]
    else:
        adds_first = rule.kind == "matmul" and "add" in name.split(".")[1]
        operands = _operands(args[1:] if adds_first else args)
    first, *others = operands or ["unknown"]
    second = others[0] if others else first
    if "int4pack" in name:  # stored two or eight to an element
        second = "int4"
    return f"{first} × {second}"


def _operands(args: Any) -> list[str]:
    """The stored dtypes of the first tensor of each argument that holds any."""
    found = []
    for arg in args:
        first = arg[0] if isinstance(arg, list | tuple) and arg else arg
        if isinstance(first, torch.Tensor):
            found.append(str(_cast(_stored(first))).removeprefix("torch."))
        elif isinstance(first, torch.ScriptObject):
            found.append(PACKED)
    return found


def _cast(tensor: torch.Tensor) -> torch.dtype:
    """The dtype on a device, to which autocast casts; it passes by tensors of shapes alone."""
    if tensor.is_meta and tensor.dtype.is_floating_point and tensor.dtype != torch.float64:
        # inside a dispatch mode autocast reads as off; outside it may be on
        with torch._C._RestorePythonTLSSnapshot():  # type: ignore[attr-defined]  # not in its stubs
            for device in ("cpu", "cuda"):
                if torch.is_autocast_enabled(device):
                    return torch.get_autocast_dtype(device)
    return tensor.dtype


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    """What a tensor that wraps others keeps its values in, whatever dtype it goes by."""
    while is_wrapper(tensor):
        tensor = next(iter(inner_tensors(tensor)))
    return tensor
