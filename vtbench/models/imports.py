"""What a file computes while it is imported belongs to its package, and to no model or count."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any
from unittest import mock


@contextmanager
def imports_within(context: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """Each file that this thread imports in the block runs within a context of its own."""
    here = threading.get_ident()
    execute = SourceFileLoader.exec_module

    def execute_within(loader: SourceFileLoader, module: ModuleType) -> None:
        if threading.get_ident() != here:
            return execute(loader, module)
        with context():
            return execute(loader, module)

    with mock.patch.object(SourceFileLoader, "exec_module", execute_within):
        yield
