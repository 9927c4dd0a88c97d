"""Tensors that code makes of numbers keep these numbers, though they were asked for on meta."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

_OF_NUMBERS = frozenset((torch.tensor, torch.as_tensor, torch.arange, torch.linspace))
_OF_A_SIZE = frozenset((torch.zeros, torch.ones, torch.full, torch.eye))
_CPU = torch.device("cpu")
_MANY = 1 << 26


class NumbersKept(TorchFunctionMode):
    """Makes on the CPU what would lose its values on meta: at most so many elements each."""

    def __init__(self, most: int = _MANY) -> None:
        super().__init__()
        self._most = most

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run a function of torch; on the CPU if it makes a tensor of numbers on meta."""
        kwargs = kwargs or {}
        if func is torch.Tensor.new_tensor and args[0].is_meta:
            return torch.tensor(args[1], dtype=kwargs.get("dtype") or args[0].dtype)
        if self._on_meta(func, args, kwargs):
            return func(*args, **{**kwargs, "device": _CPU})
        return func(*args, **kwargs)

    def _on_meta(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if func not in _OF_NUMBERS and func not in _OF_A_SIZE:
            return False
        if kwargs.get("device") is None or torch.device(kwargs["device"]).type != "meta":
            return False
        if func in _OF_NUMBERS:
            return not any(isinstance(each, torch.Tensor) for each in tree_leaves(args[:1]))
        sizes = tree_leaves(args[0] if func is torch.full else args) or kwargs.get("size", ())
        return prod(each for each in sizes if isinstance(each, int)) <= self._most
