"""Running operators on shapes alone: repeats within a count, and stray devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any
from unittest import mock

import torch
from torch.utils._pytree import tree_map_only

META = torch.device("meta")
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_IN_PLACE = (True, ())
_Layout = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]


def without_address(tensor: torch.Tensor) -> torch.Tensor:
    """Let code that asks a meta tensor for its address fail, before it follows a null pointer.

    A compiled kernel that is handed a meta tensor would crash the process; so it raises, and the
    model is run on values instead.
    """
    if tensor.is_meta and tensor.layout == torch.strided:
        torch._C._set_throw_on_mutable_data_ptr(tensor)
    return tensor


@contextmanager
def missing_values_noted(counter: Any) -> Iterator[None]:
    """Note the error of a model that asks for values by other ways than an operator."""
    ways = {name: getattr(torch.Tensor, name) for name in ("numpy", "tolist", "data_ptr")}

    def noting(way: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(way)
        def asked(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            try:
                if counter.known.is_lost(tensor):
                    raise NotImplementedError("Python asked for the values of a shape.")
                return way(tensor, *args, **kwargs)
            except Exception as error:
                counter.caught = error
                raise

        return asked

    with ExitStack() as stack:
        for name, way in ways.items():
            stack.enter_context(mock.patch.object(torch.Tensor, name, noting(way)))
        yield


class Repeats:
    """Results of earlier calls as recipes: same operator, same shapes, same result shapes.

    Lives for one count and holds no tensor, so it neither keeps memory alive nor outlives it.
    """

    def __init__(self) -> None:
        self._recipes: dict[Any, tuple[bool, tuple[_Layout, ...]]] = {}
        self._beside: dict[Any, int] = {}

    def key(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the result depends on, or None if that cannot be said."""
        parts: list[Any] = [func]
        for value in args if not kwargs else (*args, *kwargs.items()):
            if value is None or isinstance(value, int | float | str | torch.dtype):
                parts.append((type(value), value))
            elif type(value) in _PLAIN:
                if not value.is_meta:
                    return None
                parts.append((value.shape, value.stride(), value.dtype))
            elif type(value) in (list, tuple):
                if any(not isinstance(item, int | float | str | None) for item in value):
                    return None
                parts.append(tuple(value))
            else:
                return None
        return tuple(parts)

    def remember_in_place(self, key: Any) -> None:
        """The call returned its first argument."""
        self._recipes[key] = _IN_PLACE

    def replay(self, key: Any, args: tuple[Any, ...]) -> Any:
        """A result like the remembered one, or None."""
        recipe = self._recipes.get(key)
        if recipe is None:
            return None
        if recipe is _IN_PLACE:
            return args[0]
        single, layouts = recipe
        made = [
            torch.empty_strided(size, stride, dtype=dtype, device=META)
            for size, stride, dtype in layouts
        ]
        return made[0] if single else tuple(made)

    def beside(self, key: Any) -> int:
        """Bytes of temporaries that the remembered call needed beside its result."""
        return self._beside.get(key, 0)

    def remember(self, key: Any, out: Any, beside: int = 0) -> None:
        """Keep the layout of a result, where it is made of plain dense tensors."""
        if beside:
            self._beside[key] = beside
        single = isinstance(out, torch.Tensor)
        tensors = (out,) if single else out
        if not isinstance(tensors, tuple) or any(type(t) is not torch.Tensor for t in tensors):
            return
        if all(t.is_meta and t.storage_offset() == 0 for t in tensors):
            self._recipes[key] = (single, tuple((t.shape, t.stride(), t.dtype) for t in tensors))


def on_one_device(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run an operator; where real constants meet meta tensors, by the constants' shapes.

    A constant that is written to has values that nobody knows from then on, so that raises.
    """
    try:
        return func(*args, **kwargs)
    except (RuntimeError, NotImplementedError) as error:
        moved_args, moved_kwargs, moved = _all_on_meta(args, kwargs)
        if not moved or _writes_values(func, args):
            raise
        try:
            return func(*moved_args, **moved_kwargs)
        except (RuntimeError, NotImplementedError):
            raise error from None


_KEEPING = """
batch_norm layer_norm group_norm gelu
relu relu6 silu sigmoid tanh mish hardswish hardsigmoid
relu_ relu6_ silu_ sigmoid_ tanh_ mish_ hardswish_ hardsigmoid_
"""
_PAIRING = frozenset(("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_"))
SHAPE_KEEPING = frozenset(
    (
        *(f"aten.{name}.default" for name in _KEEPING.split()),
        *(f"aten.{name}.Tensor" for name in _PAIRING),
        "aten.mean.dim",
        "aten.softmax.int",
        "aten.log_softmax.int",
    )
)
"""Operators whose result has the layout of a contiguous first argument, or what is left of it."""


def same_layout(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of a shape-keeping operator, without the seconds that torch takes to say so.

    Torch runs what does not fit, so that it raises here as it does on values.
    """
    name = func.overloadpacket.__name__
    if not _keeps_shape(name, args):
        return on_one_device(func, args, kwargs)
    x = args[0]
    if name == "mean":
        return torch.empty(_without(x.shape, args), dtype=x.dtype, device=META)
    if name.endswith("_"):
        return x
    if name.endswith("softmax"):
        return torch.empty(x.shape, dtype=x.dtype, device=META)  # whatever the layout was
    return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype, device=META)


def _keeps_shape(name: str, args: tuple[Any, ...]) -> bool:
    x = args[0]
    if type(x) not in _PLAIN or not x.is_meta or not x.is_floating_point():
        return False
    fits = _FITTING.get(name)
    if fits is not None and not fits(x.shape, args):
        return False
    if name in _PAIRING:
        return _is_paired(x, args) and (name.endswith("_") or _is_dense(x))
    return x.is_contiguous() or name.endswith(("_", "softmax"))


def _layer_norm_fits(shape: Any, args: tuple[Any, ...]) -> bool:
    # x, normalised shape, weight, bias
    axes = tuple(args[1])
    return tuple(shape[-len(axes) :]) == axes and all(
        each is None or tuple(each.shape) == axes for each in args[2:4]
    )


def _group_norm_fits(shape: Any, args: tuple[Any, ...]) -> bool:
    # x [B, C, ...], groups, weight [C], bias [C]
    divisible = len(shape) > 1 and args[1] > 0 and shape[1] % args[1] == 0
    return divisible and all(each is None or each.shape == shape[1:2] for each in args[2:4])


def _batch_norm_fits(shape: Any, args: tuple[Any, ...]) -> bool:
    # x [B, C, ...], then weight, bias, running mean and variance, each [C]
    return len(shape) > 1 and all(each is None or each.shape == shape[1:2] for each in args[1:5])


def _is_dense(x: torch.Tensor) -> bool:
    """Whether the elements fill their storage without a gap, in whatever order of axes."""
    expected = 1
    for stride, size in sorted(zip(x.stride(), x.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def _is_paired(x: torch.Tensor, args: tuple[Any, ...]) -> bool:
    # two tensors alike, or a tensor and a number; whatever else is torch's to promote and broadcast
    other = args[1]
    if isinstance(other, int | float):
        return len(args) == 2
    alike = type(other) in _PLAIN and other.is_meta and other.dtype == x.dtype
    return alike and len(args) == 2 and other.shape == x.shape and other.stride() == x.stride()


def _mean_fits(shape: Any, args: tuple[Any, ...]) -> bool:
    # x, axes, whether they are kept; of a dtype torch says what becomes
    axes = args[1] or ()
    placed = all(-len(shape) <= axis < len(shape) for axis in axes)
    once = placed and len({axis % len(shape) for axis in axes}) == len(axes)
    return len(args) < 4 and bool(axes) and once


def _without(shape: Any, args: tuple[Any, ...]) -> list[int]:
    """The sides that are left of a mean over axes."""
    axes = {axis % len(shape) for axis in args[1]}
    kept = len(args) > 2 and args[2]
    sides = enumerate(shape)
    return [1 if axis in axes else side for axis, side in sides if kept or axis not in axes]


def _softmax_fits(shape: Any, args: tuple[Any, ...]) -> bool:
    # x, axis; of a dtype torch says what becomes
    return len(args) == 2 and -len(shape) <= args[1] < len(shape)


_FITTING: MappingProxyType[str, Callable[[Any, tuple[Any, ...]], bool]] = MappingProxyType(
    {
        "layer_norm": _layer_norm_fits,
        "group_norm": _group_norm_fits,
        "batch_norm": _batch_norm_fits,
        "mean": _mean_fits,
        "softmax": _softmax_fits,
        "log_softmax": _softmax_fits,
    }
)
"""Whether the operands of an operator have the sizes that it asks for."""


def _all_on_meta(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], bool]:
    devices = set()

    def move(tensor: torch.Tensor) -> torch.Tensor:
        devices.add(tensor.device.type)
        return tensor.to(META) if not tensor.is_meta else tensor

    moved_args, moved_kwargs = tree_map_only(torch.Tensor, move, (args, kwargs))
    return moved_args, moved_kwargs, "meta" in devices and len(devices) > 1


def _writes_values(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether an operator writes to a tensor that has values."""
    places = zip(func._schema.arguments, args, strict=False)
    return any(
        place.alias_info is not None
        and place.alias_info.is_write
        and isinstance(value, torch.Tensor)
        and not value.is_meta
        for place, value in places
    )


def attention_as_on_cpu(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Attention's result laid out as the fused kernels lay it out: heads beside their width.

    The layout decides whether the model's own reshape copies, hence the predicted memory.
    """
    q, k, v = args[:3]
    plain = all(type(t) in _PLAIN and t.is_meta and t.dim() == 4 for t in (q, k, v))
    if not plain or not _attention_fits(q.shape, k.shape, v.shape, args, kwargs):
        return on_one_device(func, args, kwargs)
    batch, heads, length, width = q.shape
    rows = torch.empty((batch, length, heads, width), dtype=q.dtype, device=META)
    return rows.transpose(1, 2)


def _attention_fits(q: Any, k: Any, v: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a fused kernel takes these; others broadcast, or raise, as torch itself does."""
    mask = args[3] if len(args) > 3 else None
    causal = args[5] if len(args) > 5 else False
    if k[:3] != v[:3] or k[0] != q[0] or not q[3] == k[3] == v[3]:
        return False
    if k[1] != q[1] and not (kwargs.get("enable_gqa") and q[1] % k[1] == 0):
        return False
    if mask is None:
        return True
    scores = (*q[:3], k[2])
    sides = zip(reversed(mask.shape), reversed(scores), strict=False)
    return not causal and mask.dim() <= len(scores) and all(m in (1, s) for m, s in sides)


def recurrent_on_meta(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What LSTM, GRU and RNN layers return, without stepping through time.

    input [T, B, I] (or [B, T, I]); states [layers · directions, B, H]; result [T, B, D · H].
    """
    x, states, bidirectional = args[0], args[1], args[7]
    states = tuple(states) if isinstance(states, list | tuple) else (states,)
    if x.dim() != 3 or not all(type(t) in _PLAIN and t.is_meta for t in (x, *states)):
        return on_one_device(func, args, kwargs)
    width = states[0].shape[-1] * (2 if bidirectional else 1)
    out = torch.empty((*x.shape[:-1], width), dtype=x.dtype, device=META)
    return (out, *(torch.empty_like(state) for state in states))
