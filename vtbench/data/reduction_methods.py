"""The methods of token reduction that there are: listed, and imported by nobody here."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from vtbench.data.spelling import closest

ROOM = "vtbench.reduce.methods"


@functools.cache
def methods_there() -> tuple[str, ...]:
    """The methods by name: one module of the room each."""
    room = importlib.import_module(ROOM)
    return tuple(sorted(found.name for found in pkgutil.iter_modules(room.__path__)))


def hint(asked: str) -> str:
    """What to write instead of METHOD:HOST as it was asked for."""
    method, _, host = asked.partition(":")
    there = methods_there()
    if method in there:
        return f"Name a host too, such as reduce:{method}:timm:vit_base_patch16_224."
    near = closest(method, there, 1)
    meant = f"Did you mean reduce:{near[0]}:{host or 'timm:NAME'}? " if near else ""
    return f"{meant}The methods are: {', '.join(there)}."
