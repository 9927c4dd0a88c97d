"""Values that a model hands to Python or numpy, which matter only if the model goes on with them.

A pipeline ends by handing its results over, and nothing of that is the model's work. So what is
handed over is held back until an operator computes something, or takes what numpy made, or until
the model returns such a thing or one that numpy wrote to; if nothing of it happens, it was the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves


class _Handed(NamedTuple):
    tensor: torch.Tensor
    copy: torch.Tensor | None
    """What it held, if foreign code can write to it."""
    file: Callable[[], None]
    in_a_module: bool


class HandedToPython:
    """What was handed over since an operator last computed something."""

    def __init__(self, is_the_model_s: Callable[[torch.Tensor], bool]) -> None:
        self._handed: list[_Handed] = []
        self._is_the_model_s = is_the_model_s

    def __bool__(self) -> bool:
        """Whether anything is held back."""
        return bool(self._handed)

    def over(
        self, tensor: torch.Tensor, file: Callable[[], None], *, shared: bool, in_a_module: bool
    ) -> None:
        """Hold back that a tensor was handed over, as memory that is ``shared`` or as numbers."""
        with _disable_current_modes():  # looking is no part of the count
            own = tensor.detach()
            copy = own.clone() if shared and not own.is_meta else None
        self._handed.append(_Handed(own, copy, file, in_a_module))

    def comes_back(self, given: Any) -> bool:
        """Whether any tensor was made by nothing that the count has seen."""
        tensors = (each for each in tree_leaves(given) if isinstance(each, torch.Tensor))
        return not all(map(self._is_the_model_s, tensors))

    def went_on(self) -> None:
        """The model goes on, so all of it counts."""
        handed, self._handed = self._handed, []
        for each in handed:
            each.file()

    def returned(self, out: Any) -> None:
        """The model returns: what came back from numpy by then went into its result."""
        with _disable_current_modes():
            arrays = [each for each in tree_leaves(out) if isinstance(each, np.ndarray)]
            came_back = self.comes_back(out) or not all(map(self._is_of_the_handed, arrays))
            written = any(
                each.copy is not None and not torch.equal(each.tensor, each.copy)
                for each in self._handed
            )
        if came_back or written:
            self.went_on()
        self._handed.clear()

    def _is_of_the_handed(self, array: np.ndarray[Any, Any]) -> bool:
        """Whether an array is, or equals, what was handed over, or holds no real numbers."""
        if array.dtype.kind not in "fc" or array.size <= 1:
            return True
        with torch._C.DisableTorchFunction():  # or this would be noted as handed over too
            shared = [e.tensor.numpy(force=True) for e in self._handed if e.copy is not None]
        return any(
            np.may_share_memory(array, each) or np.array_equal(array, each) for each in shared
        )

    def ended(self) -> None:
        """A block ends, whose result nobody knows: what its modules handed over counts."""
        self._handed = [each for each in self._handed if each.in_a_module]
        self.went_on()
