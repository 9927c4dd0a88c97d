"""The papers that there are: the folders of ``vtbench.papers``, listed and imported when needed.

No room imports a paper by its name, so that a new paper is a folder and no edit elsewhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

_ROOM = "vtbench.papers"


def modules(name: str) -> Iterator[ModuleType]:
    """The module of that name in every paper that has one, by the papers' names."""
    room = importlib.import_module(_ROOM)
    for paper in sorted(found.name for found in pkgutil.iter_modules(room.__path__)):
        folder = importlib.import_module(f"{_ROOM}.{paper}")
        if any(found.name == name for found in pkgutil.iter_modules(folder.__path__)):
            yield importlib.import_module(f"{_ROOM}.{paper}.{name}")
