"""Modules of the user's own: found in the current directory, if the user named one there.

A folder that somebody sent may hold a ``warnings.py``. So nothing is ever imported from the current
directory unless a module was named, and while that is imported the folder offers it and what stands
beside it, but no module of the name of one of Python's own.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType


class _CurrentDirectory:
    """Finds the named module and its neighbours in a folder, before any that are installed."""

    def __init__(self, folder: str, named: str) -> None:
        self.folder, self.named = folder, named

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of the top is; nothing of a module inside a package."""
        if path is not None or (name != self.named and name in sys.stdlib_module_names):
            return None
        return PathFinder.find_spec(name, [self.folder], target)


def is_there(module: str) -> bool:
    """Whether a module of the top can be found, in the current directory too; none is imported."""
    return (
        module in sys.modules
        or PathFinder.find_spec(module, [str(Path.cwd()), *sys.path]) is not None
        or importlib.util.find_spec(module) is not None
    )


@contextlib.contextmanager
def offered(module: str) -> Iterator[None]:
    """The current directory offers the module that the user named, for the length of the block."""
    finder = _CurrentDirectory(str(Path.cwd()), module.partition(".")[0])
    sys.meta_path.insert(0, finder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
