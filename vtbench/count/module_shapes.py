"""What goes into each module and comes out of it, with which kernel: noted if it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils._pytree import tree_leaves

from vtbench.count.attribution import ModuleStack
from vtbench.data.record import ModuleShapes

_PLAIN = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
"""Settings of a kernel that go without saying, each with its plain value."""


@contextmanager
def shapes_noted(stack: ModuleStack, noted: dict[str, ModuleShapes]) -> Iterator[None]:
    """Note the shapes of each module's first call in the block, under its path."""

    def note(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        path = stack.path_of(module)
        if path is None:
            return
        given, made = _shapes((args, kwargs)), _shapes(output)
        before = noted.get(path)
        if before is None:
            noted[path] = ModuleShapes(given=given, made=made, kernel=_kernel(module))
        elif (before.given, before.made) != (given, made):
            before.others += 1

    handle = register_module_forward_hook(note, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _shapes(values: Any) -> tuple[tuple[int, ...], ...]:
    """The shapes of the tensors among some values, in order."""
    return tuple(
        tuple(map(int, each.shape))
        for each in tree_leaves(values)
        if isinstance(each, torch.Tensor) and not each.is_nested
    )


def _kernel(module: nn.Module) -> str:
    """``3×3, stride 2, padding 1``: of whatever has a kernel, a pooling as a convolution."""
    size = getattr(module, "kernel_size", None)
    if not isinstance(size, int | tuple):
        return ""
    axes = re.search(r"([123])d", type(module).__name__)
    if isinstance(size, int) and axes is not None:
        size = (size,) * int(axes[1])
    said = ["×".join(map(str, size)) if isinstance(size, tuple) else str(size)]
    for name, plain in _PLAIN.items():
        value = getattr(module, name, plain)
        sides = value if isinstance(value, tuple) else (value,)
        if set(sides) != {plain}:  # one number stands for equal sides
            shown = sides[:1] if len(set(sides)) == 1 else sides
            said.append(f"{name} {'×'.join(map(str, shown))}")
    return ", ".join(said)
