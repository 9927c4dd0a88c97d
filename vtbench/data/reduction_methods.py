"""The methods of token reduction that there are: listed, and imported by nobody here."""

from __future__ import annotations

import functools
import importlib
import pkgutil

ROOM = "vtbench.reduce.methods"


@functools.cache
def methods_there() -> tuple[str, ...]:
    """The methods by name: one module of the room each."""
    room = importlib.import_module(ROOM)
    return tuple(sorted(found.name for found in pkgutil.iter_modules(room.__path__)))
