"""vtbench: every multiply-accumulate of a vision model, counted exactly.

``vtbench.count`` and ``vtbench.counting`` are the Python interface. They are looked up when they
are first used, so that ``import vtbench`` imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vtbench.version import VERSION as __version__  # noqa: N811  # the name that tools look for

if TYPE_CHECKING:
    from vtbench.api import count, counting

__all__ = ["__version__", "count", "counting"]


def __getattr__(name: str) -> Any:
    """Fetch the public functions from the torch wing on first use."""
    if name in {"count", "counting"}:
        from vtbench import api

        return getattr(api, name)
    raise AttributeError(f"module 'vtbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names, for completion and ``dir``."""
    return sorted(__all__)
