"""Token reduction: the field's methods on one's own vision transformer of timm.

``with vtbench.reduce.tome(model, r=13): ...`` applies a method for as long as the block runs;
without ``with`` it stays until ``undo()``. Importing this room imports no torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from vtbench.data.reduction_methods import methods_there


def __getattr__(name: str) -> Any:
    """The function that applies a method, on first use."""
    if name.startswith("__") or name not in methods_there():
        raise AttributeError(f"module 'vtbench.reduce' has no attribute {name!r}")
    return importlib.import_module("vtbench.reduce.attach").applied_by(name)


def __dir__() -> list[str]:
    """The methods, for completion and ``dir``."""
    return list(methods_there())
