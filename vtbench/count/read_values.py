"""Operators that read values, so that a count can depend on them and not on shapes alone.

A shape or a decision follows from values where an operator returns as much as its operands' values
say (``nonzero``, a boolean index), or hands a value to Python (``item``). That changes a count only
if the value can differ from input to input: a tensor holds such values if it was computed from an
input, from a parameter, or from random numbers. Constants of the model's code hold none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

Reads = Callable[[tuple[Any, ...], dict[str, Any]], bool]
"""Whether one call of an operator reads values, by its arguments."""

_TAGS = frozenset((torch.Tag.dynamic_output_shape, torch.Tag.data_dependent_output))
SHAPE_ONLY = frozenset(
    (
        *("new_empty", "new_empty_strided", "new_zeros", "new_ones", "new_full"),
        *("empty_like", "zeros_like", "ones_like", "full_like"),
        *("rand_like", "randn_like", "randint_like"),
    )
)
"""Operators that take a tensor for its shape and read none of its values."""


def _always(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    del args, kwargs
    return True


def _by_mask(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    # x, indices: whole numbers choose as many elements as there are numbers, a mask as it says
    del kwargs
    masks = (torch.bool, torch.uint8)
    return any(isinstance(each, torch.Tensor) and each.dtype in masks for each in args[1])


def _without_size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return kwargs.get("output_size") is None and len(args) < 4


def _without_classes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    classes: int = args[1] if len(args) > 1 else kwargs.get("num_classes", -1)
    return classes < 0


_BY_ARGUMENTS: MappingProxyType[str, Reads] = MappingProxyType(
    {
        "aten::index": _by_mask,
        "aten::one_hot": _without_classes,
        "aten::repeat_interleave": _without_size,
        # a condition alone gives indices; with both branches it chooses elements
        "aten::where": lambda args, _: len(args) == 1,
        # sections may be a tensor
        "aten::tensor_split": lambda args, _: isinstance(args[1], torch.Tensor),
        "aten::is_nonzero": _always,
        "aten::to_sparse": _always,
    }
)
"""Operators that torch's tags do not tell, or tell of every call."""


class Nature(NamedTuple):
    """What values an operator takes and gives."""

    reads: Reads | None
    draws: bool
    """It makes random numbers."""
    shape_only: bool


def nature_of(func: Any) -> Nature:
    """What torch says of an operator, and what this file does."""
    if not isinstance(func, torch._ops.OpOverload):
        return Nature(None, draws=False, shape_only=False)
    name = str(func.name()).partition(".")[0]  # type: ignore[no-untyped-call]  # torch's
    reads = _BY_ARGUMENTS.get(name)
    if reads is None and _TAGS & set(func.tags):
        reads = _always
    if reads is None and func.namespace not in ("aten", "prims", "prim"):
        reads = _by_its_fake(func)
    draws = torch.Tag.nondeterministic_seeded in func.tags
    return Nature(reads, draws, func.overloadpacket.__name__ in SHAPE_ONLY)


def _by_its_fake(func: Any) -> Reads:
    """An operator of another library says in its fake kernel if a size follows from values."""

    def reads(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        from torch._subclasses.fake_tensor import FakeTensorMode  # they bring sympy
        from torch.fx.experimental.symbolic_shapes import ShapeEnv

        mode = FakeTensorMode(shape_env=ShapeEnv())
        try:
            with torch.inference_mode(mode=False), mode:
                given = tree_map_only(torch.Tensor, _described, (args, kwargs))
                out = func(*given[0], **given[1])
        except Exception:  # noqa: BLE001 - it has no fake kernel, or one that raises anything
            return False
        tensors = (each for each in tree_leaves(out) if isinstance(each, torch.Tensor))
        return any(isinstance(side, torch.SymInt) for each in tensors for side in each.shape)

    return reads


def _described(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(
        tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device
    )


class ReadValues:
    """Follows values from inputs, parameters and random numbers to the operators that read them."""

    def __init__(self) -> None:
        self.readers: dict[str, int] = {}
        """Operator -> calls that read such values."""
        self.strangers = False
        """Whether a tensor that nobody has told of holds such values."""
        self._varies: dict[int, bool] = {}
        self._natures: dict[Any, Nature] = {}

    def tell(self, tensors: Iterable[torch.Tensor], *, varies: bool) -> None:
        """These tensors hold values that can differ, or none that can."""
        for tensor in tensors:
            if tensor.layout == torch.strided and not tensor.is_nested:
                self._varies[tensor.untyped_storage()._cdata] = varies

    def varies(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor holds values that can differ from input to input."""
        if tensor.layout != torch.strided or tensor.is_nested:
            return True  # its parts are not followed
        return self._varies.get(tensor.untyped_storage()._cdata, self.strangers)

    def ran(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        """An operator ran: note it if it read values, and what its results hold."""
        nature = self._natures.get(func)
        if nature is None:
            nature = self._natures[func] = nature_of(func)
        given = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
        varies = not nature.shape_only and any(map(self.varies, given))
        if varies and nature.reads is not None and nature.reads(args, kwargs):
            self.readers[str(func)] = self.readers.get(str(func), 0) + 1
        made = [each for each in tree_leaves(out) if isinstance(each, torch.Tensor)]
        fresh = nature.shape_only or str(func) == "aten.lift_fresh.default"
        written = given if out is None else made  # what returns nothing wrote to its arguments
        self.tell(written, varies=nature.draws or (varies and not fresh))

    def left(self, way: str, tensor: torch.Tensor) -> None:
        """Python took the values of a tensor without an operator."""
        if self.varies(tensor):
            self.readers[way] = self.readers.get(way, 0) + 1
