"""Which module is running: the stack of module calls, and the names of modules by it.

Torch's global module hooks tell when a module is entered and left. A module that several
parents share is named by the parent that called it; one that the model does not know (made
during the run) belongs to its caller. A module that raised is dropped from the stack when its
caller is left, so an exception that a parent catches does not shift what follows.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook


class ModuleStack:
    """The path of the module that is running now, and of the one a backward node belongs to."""

    def __init__(self, modules: Iterable[tuple[str, nn.Module]]) -> None:
        self.paths: dict[int, tuple[str, ...]] = {}
        """Every path under which each module can be reached, by identity."""
        for path, module in modules:
            self.paths[id(module)] = (*self.paths.get(id(module), ()), path)
        self.current = ""
        self.entered: set[int] = set()
        """Modules that were called, by identity."""
        self._calls: list[tuple[nn.Module, str]] = []
        self._thread = threading.get_ident()
        self._starts: list[int] = []
        self._owners: list[str] = []
        self._follow_nodes = False

    @property
    def inside_a_call(self) -> bool:
        """Whether any module is running."""
        return bool(self._calls)

    @contextmanager
    def watching(self, *, nodes: bool = False) -> Iterator[None]:
        """Follow module calls until the block ends; with ``nodes``, remember graph nodes."""
        self._follow_nodes = nodes
        handles = (
            register_module_forward_pre_hook(self._enter),
            register_module_forward_hook(self._leave),
        )
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            self._calls.clear()
            self.current = ""

    def _enter(self, module: nn.Module, args: Any) -> None:
        self.entered.add(id(module))
        if threading.get_ident() != self._thread:
            return
        self._calls.append((module, self.current))
        path = self.path_of(module)
        if path is not None:
            self.current = path
        if self._follow_nodes:
            self._mark()

    def path_of(self, module: nn.Module) -> str | None:
        """The path of a module that is called now; None if the model does not know it."""
        paths = self.paths.get(id(module))
        if paths is None:
            return None
        return paths[0] if len(paths) == 1 else self._nearest(paths)

    def _nearest(self, paths: tuple[str, ...]) -> str:
        prefix = f"{self.current}." if self.current else ""
        below = [path for path in paths if path.startswith(prefix)]
        # what it is to the caller itself, rather than to a part of the caller that did not call
        return min(below, key=lambda path: path.count("."), default=paths[0])

    def _leave(self, module: nn.Module, args: Any, output: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        while self._calls:
            left, previous = self._calls.pop()
            self.current = previous
            if left is module:
                break
        if self._follow_nodes:
            self._mark()

    def _mark(self) -> None:
        """From this number on, autograd nodes are made by the current module."""
        self._starts.append(torch._C._autograd._get_sequence_nr())
        self._owners.append(self.current)

    def owner_of_node(self) -> str:
        """Path of the module whose forward call made the autograd node that runs now."""
        node = torch._C._current_autograd_node()
        if node is None or node.name().endswith("AccumulateGrad"):
            return ""
        index = bisect_right(self._starts, node._sequence_nr()) - 1
        return self._owners[index] if index >= 0 else ""
