"""What models have a short name: the catalogue as data, and the names nearest to a misspelt one."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from vtbench.data import paper_folders
from vtbench.data.catalog_row import ModelRow
from vtbench.data.libraries import LISTED, timm_architectures
from vtbench.data.spelling import closest

__all__ = ["CATALOG", "ModelRow", "entries", "entry", "is_glob", "nearest"]

CATALOG: tuple[ModelRow, ...] = tuple(
    entry for rows in paper_folders.modules("rows") for entry in rows.ROWS
)
"""Every model with a short name: the papers' rows, paper by paper."""

_BY_NAME = {entry.name: entry for entry in CATALOG}


def entry(name: str) -> ModelRow | None:
    """The catalogue's entry of that exact name."""
    return _BY_NAME.get(name)


def entries(pattern: str | None = None) -> list[ModelRow]:
    """Catalogue entries whose name matches a glob, in the catalogue's order; all without one.

    A pattern without wildcards matches every name that contains it.
    """
    if not pattern:
        return list(CATALOG)
    glob = pattern if is_glob(pattern) else f"*{pattern}*"
    return [item for item in CATALOG if fnmatch.fnmatchcase(item.name, glob)]


def is_glob(name: str) -> bool:
    """Whether a name holds wildcards."""
    return any(mark in name for mark in "*?[")


def nearest(name: str, limit: int = 3) -> list[str]:
    """The names most like a misspelt one, best first, written as they would be typed."""
    source, _, rest = name.partition(":")
    if not rest:
        names: Iterable[str] = (*_BY_NAME, *timm_architectures())
        return closest(name, names, limit)
    if source not in LISTED:
        return [f"{known}:{rest}" for known in closest(source, LISTED, 1)]
    return [f"{source}:{near}" for near in closest(rest, LISTED[source](), limit)]
