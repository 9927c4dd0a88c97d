"""Running operators on shapes alone: repeats within a count, and stray devices."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._pytree import tree_map_only

META = torch.device("meta")
_PLAIN = (torch.Tensor, torch.nn.Parameter)
_Layout = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]


class Repeats:
    """Results of earlier calls as recipes: same operator, same shapes, same result shapes.

    Lives for one count and holds no tensor, so it neither keeps memory alive nor outlives it.
    """

    def __init__(self) -> None:
        self._recipes: dict[Any, tuple[bool, tuple[_Layout, ...]]] = {}

    def key(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the result depends on, or None where that cannot be said."""
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

    def replay(self, key: Any) -> Any:
        """A fresh result like the remembered one, or None."""
        recipe = self._recipes.get(key)
        if recipe is None:
            return None
        single, layouts = recipe
        made = [
            torch.empty_strided(size, stride, dtype=dtype, device=META)
            for size, stride, dtype in layouts
        ]
        return made[0] if single else tuple(made)

    def remember(self, key: Any, out: Any) -> None:
        """Keep the layout of a result, where it is made of plain dense tensors."""
        single = isinstance(out, torch.Tensor)
        tensors = (out,) if single else out
        if not isinstance(tensors, tuple) or any(type(t) is not torch.Tensor for t in tensors):
            return
        if all(t.is_meta and t.storage_offset() == 0 for t in tensors):
            self._recipes[key] = (single, tuple((t.shape, t.stride(), t.dtype) for t in tensors))


def on_one_device(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run an operator; where real constants meet meta tensors, by the constants' shapes."""
    try:
        return func(*args, **kwargs)
    except (RuntimeError, NotImplementedError) as error:
        moved_args, moved_kwargs, moved = _all_on_meta(args, kwargs)
        if not moved:
            raise
        try:
            return func(*moved_args, **moved_kwargs)
        except (RuntimeError, NotImplementedError):
            raise error from None


def _all_on_meta(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], bool]:
    devices = set()

    def move(tensor: torch.Tensor) -> torch.Tensor:
        devices.add(tensor.device.type)
        return tensor.to(META) if not tensor.is_meta else tensor

    moved_args, moved_kwargs = tree_map_only(torch.Tensor, move, (args, kwargs))
    return moved_args, moved_kwargs, "meta" in devices and len(devices) > 1


def attention_as_on_cpu(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Attention's result laid out as the fused kernels lay it out: heads beside their width.

    The layout decides whether the model's own reshape copies, hence the predicted memory.
    """
    q, k, v = args[:3]
    plain = all(type(t) in _PLAIN and t.is_meta and t.dim() == 4 for t in (q, k, v))
    if not plain or q.shape[-1] != v.shape[-1]:
        return on_one_device(func, args, kwargs)
    batch, heads, length, width = q.shape
    rows = torch.empty((batch, length, heads, width), dtype=q.dtype, device=META)
    return rows.transpose(1, 2)
