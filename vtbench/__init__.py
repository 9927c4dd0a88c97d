"""vtbench: every multiply-accumulate of a vision model, counted exactly.

``vtbench.count`` and ``vtbench.counting`` are the Python interface. They are looked up when they
are first used, so that ``import vtbench`` imports no torch.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from vtbench.data.version import VERSION as __version__  # noqa: N811  # the name that tools look for

if TYPE_CHECKING:
    from vtbench.api.checking import check
    from vtbench.api.counting import count, counting
    from vtbench.api.measuring import compare, latency, memory, read, throughput

_PLACES = {
    "check": "vtbench.api.checking",
    "count": "vtbench.api.counting",
    "counting": "vtbench.api.counting",
    "compare": "vtbench.api.measuring",
    "latency": "vtbench.api.measuring",
    "memory": "vtbench.api.measuring",
    "read": "vtbench.api.measuring",
    "throughput": "vtbench.api.measuring",
}
"""Public function -> the room that has it."""

__all__ = [
    "__version__",
    "check",
    "compare",
    "count",
    "counting",
    "latency",
    "memory",
    "read",
    "throughput",
]


class _Count(ModuleType):
    """The room ``vtbench.count``, which is also the function of that name."""

    def __call__(self, *inputs: Any, **keywords: Any) -> Any:
        """Count a module on inputs, or a model by name; see ``vtbench.api.counting.count``."""
        from vtbench.api import counting as api

        return api.count(*inputs, **keywords)


class _Package(ModuleType):
    """This package. Importing a room sets an attribute of its name, which would hide a function."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "count" and isinstance(value, ModuleType):
            value.__class__ = _Count
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Fetch the public functions from the torch wing on first use."""
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'vtbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for completion and ``dir``."""
    return sorted(__all__)
