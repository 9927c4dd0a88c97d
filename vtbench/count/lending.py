"""A model and its inputs are lent to a count, and come back as they were.

Whatever the caller can reach is noted before the count: which tensor is where, and what it holds.
Afterwards every place holds what it held, and every tensor has its own memory, its own bytes, its
own gradient and flags, whatever the count did and whatever was raised in it.
"""

from __future__ import annotations

import gc
import types
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from operator import is_
from typing import Any, NamedTuple

import torch
from torch import nn

from vtbench.count.known_values import is_constant
from vtbench.count.meta_execution import META, without_address
from vtbench.count.model_parts import is_lazy
from vtbench.count.places import MISSING, Place
from vtbench.count.reachable import Reachable
from vtbench.count.tensor_parts import has_memory, is_wrapper
from vtbench.models.placement import collector_paused

_CODE = (type, types.FunctionType, types.ModuleType)
_LARGE = 1 << 20
"""Elements above which a tensor of a model that is thrown away is not copied."""


@contextmanager
def lent(*roots: Any, weights_written: bool = True, disposable: bool = False) -> Iterator[None]:
    """Everything that can be reached from the roots is, after the block, as it was before it.

    ``weights_written`` is False if the block puts others in the place of parameters and buffers,
    which then need no copy. Large ones need none either if the model is ``disposable``.
    """
    with collector_paused():  # what is noted is many small things, none of them garbage
        found = Reachable(roots)
        kinds = [(module, type(module)) for module in found.modules]
        tensors = found.tensors.values()
        states = [state for each in tensors if (state := _state_of(each)) is not None]
        values = _Values(found, weights_written=weights_written, disposable=disposable)
        arrays = [(array, array.copy()) for array in found.arrays.values() if array.dtype != object]
        remembered = [(cache, _remembered(cache)) for cache in found.caches]
    with ExitStack() as stack:  # so that one restoration that fails does not stop the others
        stack.callback(_each, _forget, remembered)
        stack.callback(_each, _rewrite, arrays)
        stack.callback(values.restore)
        stack.callback(_each, _State.restore, ((state,) for state in states))
        stack.callback(_each, _put_back, ((place,) for place in found.places))
        stack.callback(_each, _empty, ((held,) for held in found.empty if held))
        stack.callback(_each, _turn_back, kinds)
        yield


def without_values(model: nn.Module, *, constants_known: bool = False) -> None:
    """Put tensors on meta in the place of a lent model's parameters and buffers.

    If ``constants_known``, buffers of whole numbers keep their values, as copies.
    """

    def other(tensor: torch.Tensor) -> torch.Tensor:
        if constants_known and not isinstance(tensor, nn.Parameter) and is_constant(tensor):
            return tensor.detach().clone()
        return _on_meta(tensor)

    _replace(model, other)


def with_own_lazy_tensors(model: nn.Module) -> None:
    """Put others in the place of those that take their shape, and become something else, in a run.

    They are tensors that cannot go back.
    """
    if any(is_lazy(tensor) for tensor in (*model.parameters(), *model.buffers())):
        _replace(model, lambda tensor: _lazy(tensor, tensor.device) if is_lazy(tensor) else tensor)


def _replace(model: nn.Module, other: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """The same for each tensor wherever it is held, so that shared ones stay shared."""
    made: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    if id(tensor) not in made:
                        made[id(tensor)] = other(tensor)
                    held[name] = made[id(tensor)]  # type: ignore[assignment]  # either dict


def _lazy(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    kind: Any = type(tensor)
    made: torch.Tensor = kind(requires_grad=tensor.requires_grad, device=device, dtype=tensor.dtype)
    return made


def _on_meta(tensor: torch.Tensor) -> torch.Tensor:
    if is_lazy(tensor):
        return _lazy(tensor, META)
    new = to_meta(tensor.detach())
    if isinstance(tensor, nn.Parameter):
        kind, asks = type(tensor), tensor.requires_grad
        if kind is nn.Parameter or hasattr(tensor, "__tensor_flatten__"):
            new = nn.Parameter(new, requires_grad=asks)
        else:  # by no constructor of its own, which may ask for anything
            new = torch.Tensor._make_subclass(kind, new, asks)
    if not hasattr(tensor, "__tensor_flatten__"):
        vars(new).update(vars(tensor))  # what its owner noted on it
    return new


def to_meta(tensor: torch.Tensor) -> torch.Tensor:
    """The same shape and layout, without memory and without an address."""
    return without_address(tensor if tensor.is_meta else tensor.to(META))


def _turn_back(module: nn.Module, kind: type[nn.Module]) -> None:
    if type(module) is not kind:  # lazy modules change their class at the first call
        module.__class__ = kind


def _rewrite(array: Any, saved: Any) -> None:
    if array.flags.writeable and array.tobytes() != saved.tobytes():
        array[...] = saved


def _remembered(cache: Any) -> dict[int, Any]:
    """The tensors among the results that a function remembers."""
    found = {id(cache): cache}
    layer = [cache]
    for _ in range(4):  # the function, its table, an entry, a result, and what that is made of
        layer = [each for each in gc.get_referents(*layer) if not isinstance(each, _CODE)]
        found.update((id(each), each) for each in layer)
    return {key: each for key, each in found.items() if isinstance(each, torch.Tensor)}


def _forget(cache: Any, before: dict[int, Any]) -> None:
    if _remembered(cache).keys() - before.keys():
        cache.cache_clear()  # a tensor of the count is on shapes, or was lent


def _each(restore: Callable[..., None], things: Iterable[tuple[Any, ...]]) -> None:
    """Restore all of them, and raise the first error only then."""
    errors = []
    for thing in things:
        try:
            restore(*thing)
        except Exception as error:  # noqa: BLE001, PERF203 - foreign classes may raise anything
            errors.append(error)
    if errors:
        raise errors[0]


def _empty(held: dict[Any, Any]) -> None:
    held.clear()


def _put_back(place: Place) -> None:
    now = place.read(place.holder)
    if _same(now, place.saved):
        return
    if place.own or _differ_in_tensors(now, place.saved):
        place.write(place.holder, place.saved)


def _same(now: Any, saved: Any) -> bool:
    if isinstance(saved, set):
        return {id(each) for each in now} == {id(each) for each in saved}
    if not isinstance(saved, dict | list) or len(now) != len(saved):
        return False
    if not all(map(is_, now, saved)):
        return False
    return isinstance(saved, list) or all(map(is_, now.values(), saved.values()))


def _differ_in_tensors(now: Any, saved: Any) -> bool:
    """Whether a tensor came, went or changed its place; what else code notes is its own affair."""
    before, after = _held(saved), _held(now)
    changed = [*(after.keys() - before.keys()), *(before.keys() - after.keys())]
    return any(_holds_tensor({**before, **after}[key]) for key in changed)


def _held(contents: Any) -> dict[tuple[Any, int], Any]:
    if isinstance(contents, dict):
        return {(name, id(value)): value for name, value in contents.items()}
    if isinstance(contents, list):
        return {(place, id(value)): value for place, value in enumerate(contents)}
    return {(None, id(value)): value for value in contents}


def _holds_tensor(value: Any, depth: int = 4) -> bool:
    if isinstance(value, torch.Tensor):
        return True
    if depth == 0 or value is MISSING:
        return False
    if isinstance(value, dict):
        return any(_holds_tensor(each, depth - 1) for each in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return any(_holds_tensor(each, depth - 1) for each in value)
    attributes = getattr(value, "__dict__", None)
    return isinstance(attributes, dict) and any(
        _holds_tensor(each, depth - 1) for each in attributes.values()
    )


class _State(NamedTuple):
    """What a tensor is, apart from the bytes in its memory."""

    tensor: torch.Tensor
    alias: torch.Tensor
    """The same memory, laid out in the same way."""
    requires_grad: bool
    leaf: bool
    grad: torch.Tensor | None
    version: int | None

    def restore(self) -> None:
        tensor, alias = self.tensor, self.alias
        if self.leaf and not tensor.is_leaf:
            tensor.detach_()
        if not _laid_out_alike(tensor, alias):
            tensor.data = alias
        if self.leaf:
            if tensor.requires_grad != self.requires_grad:
                tensor.requires_grad_(self.requires_grad)
            if tensor.grad is not self.grad:
                tensor.grad = self.grad
        if self.version is not None and tensor._version != self.version:
            torch._C._autograd._unsafe_set_version_counter((tensor,), (self.version,))


def _state_of(tensor: torch.Tensor) -> _State | None:
    try:
        leaf = tensor.is_leaf
        version = None if tensor.is_inference() else tensor._version
        grad = tensor.grad if leaf else None
        return _State(tensor, tensor.detach(), tensor.requires_grad, leaf, grad, version)
    except (RuntimeError, NotImplementedError, ValueError, TypeError):
        return None  # a tensor without a shape yet, or of a class that does not know how


def _laid_out_alike(tensor: torch.Tensor, alias: torch.Tensor) -> bool:
    if not has_memory(tensor):
        return True
    same = (tensor.shape, tensor.dtype, tensor.device) == (alias.shape, alias.dtype, alias.device)
    if not same or tensor.stride() != alias.stride():
        return False
    if tensor.storage_offset() != alias.storage_offset():
        return False
    one, two = _storage(tensor), _storage(alias)
    return one is None or two is None or one._cdata == two._cdata


def _storage(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    """The memory of a tensor; None if it has none of its own."""
    try:
        return tensor.untyped_storage()
    except (RuntimeError, NotImplementedError, ValueError):
        return None


class _Values:
    """The bytes of the tensors that a count might write to."""

    def __init__(self, found: Reachable, *, weights_written: bool, disposable: bool) -> None:
        self._saved: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        for tensor in found.tensors.values():
            weight = id(tensor) in found.weights and id(tensor) not in found.elsewhere
            if weight and not weights_written:
                continue
            if weight and disposable and tensor.is_floating_point() and tensor.numel() > _LARGE:
                continue
            storage = None if tensor.is_meta or is_wrapper(tensor) else _storage(tensor)
            if storage is not None and storage.nbytes() and storage._cdata not in self._saved:
                self._saved[storage._cdata] = (storage, storage.clone())  # type: ignore[no-untyped-call]  # torch's

    def restore(self) -> None:
        for storage, saved in self._saved.values():
            if storage.nbytes() != saved.nbytes():
                storage.resize_(saved.nbytes())
            if not torch.equal(_bytes(storage), _bytes(saved)):
                storage.copy_(saved)


def _bytes(storage: torch.UntypedStorage) -> torch.Tensor:
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
