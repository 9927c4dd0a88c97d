"""The libraries whose models can be named, and the names that each lists.

Nothing is imported: names are read from the installed source text, so that listing and suggesting
cost milliseconds.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import re
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import MappingProxyType


def package_folder(package: str) -> Path | None:
    """Where a package is installed, found without importing it; None if it is not."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


@functools.cache
def timm_architectures() -> tuple[str, ...]:
    """What ``timm.list_models()`` lists, in its order; empty where timm is not installed."""
    registered = re.compile(r"^@register_model\b[^\n]*\n(?:@[^\n]*\n)*def +(\w+)", re.MULTILINE)
    names = _names_in_source("timm", "models", registered)
    return tuple(sorted(names, key=_natural_key))


@functools.cache
def torchvision_names() -> tuple[str, ...]:
    """What ``torchvision.models.list_models()`` lists, less the quantized models."""
    registered = re.compile(
        r"^@register_model\(\)\n(?:@[^\n]*\n|\)\n| [^\n]*\n)*def +(\w+)", re.MULTILINE
    )
    names = _names_in_source("torchvision", "models", registered)
    return tuple(sorted(names))


@functools.cache
def transformers_classes() -> tuple[str, ...]:
    """Classes of transformers that are models with a name of their own."""
    defined = re.compile(r"^class (\w+(?:Model|For\w+|Backbone))\(", re.MULTILINE)
    names = _names_in_source("transformers", "models", defined, "*/modeling_*.py")
    return tuple(sorted(names))


def _names_in_source(
    package: str, folder: str, pattern: re.Pattern[str], files: str = "**/*.py"
) -> set[str]:
    """Every name that a pattern captures in a package's source files."""
    root = package_folder(package)
    if root is None:
        return set()
    names: set[str] = set()
    for path in (root / folder).glob(files):
        names.update(pattern.findall(path.read_text(encoding="utf-8", errors="replace")))
    return names


def _natural_key(name: str) -> list[int | str]:
    """Digits as numbers, so that resnet18 stands before resnet101."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name.lower())]


LISTED: Mapping[str, Callable[[], Sequence[str]]] = MappingProxyType(
    {
        "timm": timm_architectures,
        "torchvision": torchvision_names,
        "transformers": transformers_classes,
    }
)
"""Prefix of a model's name -> the names that this library lists."""


def installed_versions() -> dict[str, str]:
    """The versions of PyTorch and of the libraries above, read without importing them."""
    found: dict[str, str] = {}
    for name in ("torch", *LISTED):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
