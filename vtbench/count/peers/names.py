"""The other counters by name, without importing any of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import NamedTuple

from vtbench.errors import BadOption, MissingPackage


class Tool(NamedTuple):
    """One other counter."""

    name: str
    package: str
    """What is imported; also the distribution whose version is shown."""
    extra: str | None = None
    """The extra of vtbench that brings it, where vtbench does not need it anyway."""


TOOLS = (
    Tool("fvcore", "fvcore"),
    Tool("thop", "thop"),
    Tool("torch", "torch"),
    Tool("ptflops", "ptflops", "counters"),
    Tool("calflops", "calflops", "counters"),
    Tool("torchinfo", "torchinfo", "counters"),
    Tool("torchprofile", "torchprofile", "counters"),
)
NAMES = tuple(tool.name for tool in TOOLS)
ALIASES = {"flopcountermode": "torch"}
"""Other words for a counter, in lower case."""
ALL = "all"


def parse(text: str) -> tuple[str, ...]:
    """``all``, or names separated by commas; raises BadOption for a name that nobody has."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    names = tuple(dict.fromkeys(ALIASES.get(word.lower(), word.lower()) for word in words))
    unknown = [name for name in names if name not in (*NAMES, ALL)]
    if unknown or not names:
        what = f"no counter {unknown[0]!r}" if unknown else "no counter named"
        raise BadOption(f"There is {what}; there are {ALL}, {', '.join(NAMES)}.")
    return names


def is_installed(tool: Tool) -> bool:
    """Whether the package can be found; it is not imported."""
    try:
        return importlib.util.find_spec(tool.package) is not None
    except (ImportError, ValueError):  # a package that is half there
        return False


def not_installed(tool: Tool) -> str:
    """The sentence for a counter that is absent."""
    wanted = f"vtbench[{tool.extra}]" if tool.extra else tool.package
    return f"{tool.name} is not installed; `pip install '{wanted}'` brings it."


def chosen(names: Iterable[str]) -> tuple[Tool, ...]:
    """The counters that are asked for, in the order of ``TOOLS``.

    One that was asked for by name must be there; ``all`` stands for every one, there or not.
    """
    words = set(parse(",".join(names)))
    picked = tuple(tool for tool in TOOLS if ALL in words or tool.name in words)
    for tool in picked:
        if tool.name in words and not is_installed(tool):
            raise MissingPackage(f"The counter {not_installed(tool)}")
    return picked
