"""Work that the dispatcher cannot see: it is unknown, not zero.

Two signs give it away. A buffer from ``empty`` that an operator reads before any operator wrote to
it was filled by something else (a compiled kernel, a raw launch, numpy). And a tensor of real
numbers that is handed to numpy, or by address to foreign code, may be worked on there. Foreign code
that gets its data and its memory by other ways than torch's is not seen at all.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

File = Callable[[str, torch.Tensor], None]
"""How work that was not seen is filed: what gave it away, and the tensor."""

_EMPTY = frozenset(
    ("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided")
)
_COPIES = frozenset(("to", "_to_copy", "clone", "contiguous"))
"""A copy of an unwritten buffer is as unwritten as it was."""
_LIKE = frozenset(
    (
        *("new_empty", "new_empty_strided", "new_zeros", "new_ones", "new_full"),
        *("empty_like", "zeros_like", "ones_like", "full_like"),
        *("rand_like", "randn_like", "randint_like"),
    )
)
"""Operators that take a tensor for its shape and read none of its values."""


class OutsideWork:
    """Follows buffers that were made but not yet written by any operator."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._unwritten: dict[int, torch.Tensor] = {}

    @property
    def waiting(self) -> bool:
        """Whether any buffer is still unwritten."""
        return bool(self._unwritten)

    @staticmethod
    def makes_empty(func: Any) -> bool:
        """Whether an operator returns memory that nobody has written to."""
        overload = isinstance(func, torch._ops.OpOverload)
        return overload and func.overloadpacket.__name__ in _EMPTY

    @staticmethod
    def copies(func: Any) -> bool:
        """Whether an operator's result is as written, or not, as its first argument."""
        overload = isinstance(func, torch._ops.OpOverload)
        return overload and func.overloadpacket.__name__ in _COPIES

    def is_unwritten(self, value: Any) -> bool:
        """Whether a value is a buffer that nothing has written to."""
        plain = isinstance(value, torch.Tensor) and value.layout == torch.strided
        if not plain or value.is_nested:
            return False
        return value.untyped_storage()._cdata in self._unwritten

    def about_to_run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at what an operator is about to read and write."""
        for position, value in enumerate(args):
            self._look(func, position, value)
        for name, value in kwargs.items():
            self._look(func, name, value)

    def _look(self, func: Any, place: int | str, value: Any) -> None:
        for tensor in value if isinstance(value, list | tuple) else (value,):
            if not self.is_unwritten(tensor) or _only_looks(func):
                continue
            del self._unwritten[tensor.untyped_storage()._cdata]
            if not _writes(func, place):
                self._file("unseen_write", tensor)

    def made(self, buffer: torch.Tensor) -> None:
        """Remember a new buffer that nothing has written to."""
        if buffer.layout == torch.strided and buffer.numel():
            # held, so that the address of a dead storage cannot be taken for this one
            self._unwritten[buffer.untyped_storage()._cdata] = buffer


def _writes(func: Any, place: int | str) -> bool:
    if not isinstance(func, torch._ops.OpOverload):
        return False
    arguments = func._schema.arguments
    found = (
        arguments[place]
        if isinstance(place, int)
        else next((a for a in arguments if a.name == place), None)
    )
    return found is not None and found.alias_info is not None and found.alias_info.is_write


def _only_looks(func: Any) -> bool:
    overload = isinstance(func, torch._ops.OpOverload)
    return overload and (func.is_view or func.overloadpacket.__name__ in _LIKE)


class LeavingTorch(TorchFunctionMode):
    """Files every tensor of real numbers that a model hands to numpy or to foreign code."""

    WAYS = MappingProxyType(
        {
            torch.Tensor.numpy: "numpy",
            torch.Tensor.__array__: "numpy",
            torch.Tensor.__dlpack__: "dlpack",
            torch.Tensor.data_ptr: "data_ptr",
        }
    )

    def __init__(self, file: File) -> None:
        super().__init__()
        self._file = file

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Note the call if it leaves torch, and make it."""
        way = self.WAYS.get(func)
        if way is not None and args[0].numel() > 1 and _holds_reals(args[0]):
            self._file(way, args[0])
        return func(*args, **(kwargs or {}))


def _holds_reals(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
