"""vtbench: every multiply-accumulate of a vision model, counted exactly.

The functions of the Python interface are looked up when they are first used, so that
``import vtbench`` imports no torch. Their results are tables, data frames, figures and JSON; see
docs/python.md.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vtbench.data.version import VERSION as __version__  # noqa: N811  # the name that tools look for

if TYPE_CHECKING:
    from vtbench.api.auditing import audit
    from vtbench.api.checking import check
    from vtbench.api.comparing import compare
    from vtbench.api.conforming import conformance
    from vtbench.api.counting import count, counting
    from vtbench.api.deriving import formula
    from vtbench.api.explaining import explain
    from vtbench.api.measuring import latency, memory, read, throughput
    from vtbench.api.showing import show
    from vtbench.api.sweeping import sweep

_PLACES = {
    "audit": "vtbench.api.auditing",
    "check": "vtbench.api.checking",
    "compare": "vtbench.api.comparing",
    "conformance": "vtbench.api.conforming",
    "count": "vtbench.api.counting",
    "counting": "vtbench.api.counting",
    "explain": "vtbench.api.explaining",
    "formula": "vtbench.api.deriving",
    "latency": "vtbench.api.measuring",
    "memory": "vtbench.api.measuring",
    "read": "vtbench.api.measuring",
    "show": "vtbench.api.showing",
    "sweep": "vtbench.api.sweeping",
    "throughput": "vtbench.api.measuring",
}
"""Public function -> the room that has it."""

__all__ = [
    "__version__",
    "audit",
    "check",
    "compare",
    "conformance",
    "count",
    "counting",
    "explain",
    "formula",
    "latency",
    "memory",
    "read",
    "show",
    "sweep",
    "throughput",
]


class _Room(ModuleType):
    """A room that a function is named like: what is in it is found through the function too."""

    def __setattr__(self, name: str, value: Any) -> None:
        """What the import of a part sets here, the function has as well."""
        super().__setattr__(name, value)
        public = self.__name__.rpartition(".")[2]
        place = sys.modules.get(_PLACES[public])
        if hasattr(place, public):
            setattr(getattr(place, public), name, value)


class _Package(ModuleType):
    """This package. ``count`` and ``sweep`` are rooms to Python and functions to users."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Importing a room would set an attribute of its name, which would hide the function."""
        if name in _PLACES and isinstance(value, ModuleType):
            value.__class__ = _Room
        else:
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Fetch a public function on first use; one that is named like a room leads into it too."""
    if name not in _PLACES:
        raise AttributeError(f"module 'vtbench' has no attribute {name!r}")
    function = getattr(importlib.import_module(_PLACES[name]), name)
    room = sys.modules.get(f"{__name__}.{name}")
    for part, value in vars(room).items() if room is not None else ():
        if not part.startswith("__"):
            setattr(function, part, value)
    return function


def __dir__() -> list[str]:
    """The public names, for completion and ``dir``."""
    return sorted(__all__)
