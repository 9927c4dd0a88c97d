"""Inputs have values, weights have none, and whatever meets a weight is a shape.

A model may look at its tokens, at its masks or at the sizes of its images, and no weight is needed
for that. So if shapes alone are not enough, what is computed of inputs and constants alone is
computed, and what is computed of a weight too is a shape. What can be counted so is exact: a
decision that follows from a weight raises, as it does on shapes alone.

Operators run as they are called, but for a few. New tensors that are filled with numbers have
values wherever they were asked for, a copy to another device leaves a tensor where it is, and a
mask that chooses elements of a shape is replaced by the positions that it holds. Values into which
a shape is written are lost: from then on that memory stands for a shape.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from math import prod
from types import MappingProxyType
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from vtbench.count.meta_execution import META
from vtbench.count.tensor_parts import has_memory

Tensor = torch.Tensor
Execute = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]
Call = tuple[Any, tuple[Any, ...], dict[str, Any]]
"""An operator and what it is called with."""

CPU = torch.device("cpu")
MANY = 1 << 26
"""Elements above which a tensor is a shape whatever is known: values would take memory and time."""


def is_known(tensor: Tensor) -> bool:
    """Whether a tensor has values that a count can keep."""
    return not tensor.is_meta and has_memory(tensor) and tensor.numel() <= MANY


def is_constant(buffer: Tensor) -> bool:
    """Whether a buffer is no weight: whole numbers and masks, which no training makes."""
    real = buffer.is_floating_point() or buffer.is_complex() or buffer.is_quantized
    return not real and is_known(buffer)


def any_known(given: Any) -> bool:
    """Whether any of these has values that are kept."""
    return any(isinstance(each, Tensor) and is_known(each) for each in tree_leaves(given))


class KnownValues:
    """Runs operators on values and on shapes; knows which memory stands for a shape by now.

    Unless it ``keeps`` them, tensors lose their values where code asks for meta. Those that code
    makes elsewhere have theirs in any case.
    """

    def __init__(self, *, keeps: bool) -> None:
        self.keeps = keeps
        self._lost: dict[int, Any] = {}
        self._writes: dict[Any, tuple[int | str, ...]] = {}
        self._drew_shapes = False
        """Whether numbers were drawn that nobody has, so that what is drawn next is not known."""

    def run(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], execute: Execute
    ) -> Any:
        """The result of an operator: values if all of its operands have some, else a shape."""
        if self.keeps:
            func, args, kwargs = _kept(func, args, kwargs)
        written = self._written(func, args, kwargs)
        if written and self._meets_a_shape(args, kwargs):
            for tensor in written:
                self._lose(tensor)
        overload = isinstance(func, torch._ops.OpOverload)
        if not self._lost or (overload and func.is_view):
            out = execute(func, args, kwargs)
        else:
            out = self._with_shapes(func, args, kwargs, execute)
        out = self._shapes_of_shapes(out, args, kwargs)
        if overload and torch.Tag.nondeterministic_seeded in func.tags and _draws(func, args):
            self._drawn(out)
        return out

    def _shapes_of_shapes(self, out: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result on meta if an operand is: torch may make it where its first operand is.

        A convolution does, of memory that holds nothing. What was given stays what it is, and so
        do its views, as those that take no more than a shape from another tensor.
        """
        results = out if isinstance(out, list | tuple) else (out,)
        if all(not isinstance(each, Tensor) or each.is_meta for each in results):
            return out
        if not self._meets_a_shape(args, kwargs):
            return out
        given = {_memory(each) for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)}
        return tree_map_only(
            Tensor,
            lambda each: each if each.is_meta or _memory(each) in given else each.detach().to(META),
            out,
        )

    def _with_shapes(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], execute: Execute
    ) -> Any:
        """Run an operator with a shape in the place of each tensor whose values are lost."""
        owners: dict[int, Tensor] = {}

        def shape(tensor: Tensor) -> Tensor:
            if not self.is_lost(tensor):
                return tensor
            other = tensor.detach().to(META)
            owners[id(other)] = tensor
            return other

        given = tree_map_only(Tensor, shape, (args, kwargs))
        out = execute(func, *given)
        return tree_map_only(Tensor, lambda each: owners.get(id(each), each), out)

    def is_lost(self, tensor: Tensor) -> bool:
        """Whether a shape was written to the memory of a tensor."""
        if not self._lost or tensor.is_meta or not has_memory(tensor):
            return False
        return tensor.untyped_storage()._cdata in self._lost

    def _drawn(self, out: Any) -> None:
        if not isinstance(out, Tensor):
            return
        if out.is_meta or self.is_lost(out):
            self._drew_shapes = True
        elif self._drew_shapes:
            self._lose(out)

    def _meets_a_shape(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        tensors = (each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor))
        return any(each.is_meta or self.is_lost(each) for each in tensors)

    def _written(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Tensor]:
        """Operands with values that an operator writes to."""
        places = self._writes.get(func)
        if places is None:
            places = self._writes[func] = _places_written(func)
        held = [args[each] for each in places if isinstance(each, int) and each < len(args)]
        held += [kwargs[each] for each in places if each in kwargs]
        return [each for each in held if isinstance(each, Tensor) and not each.is_meta]

    def _lose(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self._lost:  # not held, so that its memory is counted only while it lives
            self._lost[key] = weakref.ref(storage, lambda _: self._lost.pop(key, None))


def _memory(tensor: Tensor) -> int:
    """What identifies where the values of a tensor are."""
    plain = not tensor.is_meta and has_memory(tensor)
    return int(tensor.untyped_storage()._cdata) if plain else id(tensor)


def _draws(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether an operator that can draw random numbers does; dropout draws only in training."""
    name = func.overloadpacket.__name__
    if "dropout" in name:
        return len(args) > 2 and args[1] > 0 and bool(args[2])  # x, rate, training
    return "attention" not in name


def _places_written(func: Any) -> tuple[int | str, ...]:
    if not isinstance(func, torch._ops.OpOverload):
        return ()
    found: list[int | str] = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            found += [argument.name] if argument.kwarg_only else [place, argument.name]
    return tuple(found)


def _kept(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """The call of an operator such that what is known of its operands is known of its result."""
    if not isinstance(func, torch._ops.OpOverload) or func.namespace != "aten":
        return func, args, kwargs
    other = _OTHERWISE.get(func.overloadpacket.__name__)
    return (func, args, kwargs) if other is None else other(func, args, kwargs)


def _made(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """New tensors that are filled with numbers: they have values, unless they are many."""
    like = args[0] if args and isinstance(args[0], Tensor) else None
    device = kwargs.get("device") or (like.device if like is not None else CPU)
    if "out" in kwargs or device.type != "meta":
        return func, args, kwargs
    name = func.overloadpacket.__name__
    sizes = like.shape if like is not None and name.endswith("_like") else args[like is not None]
    if isinstance(sizes, list | tuple) and prod(sizes) > MANY:
        return func, args, kwargs
    return func, args, {**kwargs, "device": CPU}


def _moved(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """A copy to another device: shapes stay shapes, and known values stay known."""
    tensor = args[0]
    if len(args) > 1 and isinstance(args[1], Tensor):  # to the device and type of another tensor
        if not _stays(tensor, args[1].device):
            return func, args, kwargs
        return torch.ops.aten.to.dtype, (tensor, args[1].dtype, *args[2:4]), {}
    target = next((each for each in args if isinstance(each, torch.device)), kwargs.get("device"))
    if target is None or not _stays(tensor, target):
        return func, args, kwargs
    stay = tensor.device
    if kwargs.get("device") is not None:
        return func, args, {**kwargs, "device": stay}
    return func, tuple(stay if isinstance(each, torch.device) else each for each in args), kwargs


def _stays(tensor: Tensor, target: torch.device) -> bool:
    return tensor.is_meta or (target.type == "meta" and is_known(tensor))


def _chosen(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """An index into a shape: a known mask becomes the positions that it holds."""
    if not args[0].is_meta:
        return func, args, kwargs
    places: list[Any] = []
    for index in args[1]:
        mask = isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)
        if mask and not index.is_meta:
            places += index.nonzero(as_tuple=True)
        else:
            places.append(index)
    return func, (args[0], places, *args[2:]), kwargs


def _selected(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """``masked_select`` of a shape, by a known mask."""
    x, mask = args[:2]
    if not x.is_meta or mask.is_meta:
        return func, args, kwargs
    shape = torch.broadcast_shapes(x.shape, mask.shape)  # type: ignore[no-untyped-call]  # torch's
    places = list(mask.expand(shape).nonzero(as_tuple=True))
    return torch.ops.aten.index.Tensor, (x.expand(shape), places), {}


_MAKING = (
    *("arange", "linspace", "full", "zeros", "ones", "eye", "scalar_tensor"),
    *("tril_indices", "triu_indices", "hann_window", "hamming_window"),
    *("new_zeros", "new_ones", "new_full", "zeros_like", "ones_like", "full_like"),
)
_OTHERWISE: MappingProxyType[str, Callable[..., Call]] = MappingProxyType(
    {
        **dict.fromkeys(_MAKING, _made),
        **dict.fromkeys(("to", "_to_copy", "type_as"), _moved),
        **dict.fromkeys(("index", "index_put", "index_put_", "_unsafe_index"), _chosen),
        "masked_select": _selected,
    }
)
"""Operators that are called in another way, and how."""
