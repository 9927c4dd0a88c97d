"""Peak memory from the lifetimes of tensors: what is alive at once, on any device or on none.

Storages are followed, not tensors: a view costs nothing. A storage dies when Python and
autograd let go of it, which a weak reference reports; so the prediction is that of an eager run.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vtbench.count.tensor_parts import has_memory, parts_with_memory
from vtbench.count.uncompiled import uncompiled

INPUT = "input"
"""Stands for an operator where a tensor is an input of the model."""


class Lifetimes:
    """Bytes alive now, their peak, and the place of the peak."""

    def __init__(self) -> None:
        self.alive = 0
        self.peak = 0
        self.peak_at = ("", "")
        self.written: dict[str, int] = {}
        """Module path -> bytes of the tensors that its operators made, alive or not."""
        self._live: dict[int, Any] = {}
        self._weights: set[int] = set()

    def exclude(self, tensors: Iterable[torch.Tensor]) -> int:
        """Leave weights out of the count; returns their bytes, each storage once."""
        total = 0
        for tensor in tensors:
            for part in parts_with_memory(tensor):
                storage = part.untyped_storage()
                if storage._cdata not in self._weights:
                    self._weights.add(storage._cdata)
                    total += storage.nbytes()
            if not has_memory(tensor) and tensor.layout == torch._mkldnn:  # type: ignore[attr-defined]
                total += tensor.numel() * tensor.element_size()  # its memory cannot be asked for
        return total

    def is_weight(self, tensor: torch.Tensor) -> bool:
        """Whether the tensor is, or is a view of, an excluded one."""
        if has_memory(tensor):
            return tensor.untyped_storage()._cdata in self._weights
        parts = parts_with_memory(tensor)
        return any(part.untyped_storage()._cdata in self._weights for part in parts)

    def knows(self, tensor: torch.Tensor) -> bool:
        """Whether the memory of a tensor is a weight's, or was given or written in the count."""
        keys = (part.untyped_storage()._cdata for part in parts_with_memory(tensor))
        return all(key in self._live or key in self._weights for key in keys)

    def born(self, tensor: torch.Tensor, module: str, op: str, transient: int = 0) -> None:
        """A tensor was written; ``transient`` bytes were alive only while it was."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._live or key in self._weights:
            return
        size = storage.nbytes()
        self._live[key] = weakref.ref(storage, self._died(key, size))
        self.alive += size
        if op != INPUT:
            self.written[module] = self.written.get(module, 0) + size
        if self.alive + transient > self.peak:
            self.peak = self.alive + transient
            self.peak_at = (module, op)

    def _died(self, key: int, size: int) -> Any:
        def forget(_: Any) -> None:
            if self._live.pop(key, None) is not None:
                self.alive -= size

        return forget

    def close(self) -> None:
        """Stop listening to storages that outlive the count."""
        self._live.clear()


@uncompiled
class Temporaries(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """Peak of the tensors that the parts of one composite operator make."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self.lifetimes = Lifetimes()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one part; a view of an older tensor is not a new one."""
        kwargs = kwargs or {}
        if func._can_decompose():
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        if isinstance(out, torch.Tensor) and not func.is_view:
            self.lifetimes.born(out, "", "")
        return out


def with_temporaries(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[torch.Tensor, int]:
    """The result of a composite operator, and the bytes that were alive beside it at its peak."""
    inside = Temporaries()
    inside.lifetimes.exclude(a for a in args if isinstance(a, torch.Tensor))
    with inside:
        out = func.decompose(*args, **kwargs)
    beside = inside.lifetimes.peak - out.untyped_storage().nbytes()
    inside.lifetimes.close()
    return out, max(beside, 0)
