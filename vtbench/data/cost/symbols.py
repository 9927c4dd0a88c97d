"""Symbols that several cost models share, and what their values must meet together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from vtbench.data.cost.symbol import LARGEST, Symbol
from vtbench.data.cost.values import Value, Values


def setting(
    name: str,
    meaning: str,
    default: int | Callable[[Values], int],
    *,
    low: int = 1,
    high: int = LARGEST,
    option: str | None = None,
) -> Symbol:
    """A symbol whose value is put into the formula."""
    return Symbol(name, meaning, default, role="setting", low=low, high=high, option=option)


def switch(name: str, meaning: str, *, on: bool, option: str | None = None) -> Symbol:
    """A part that is there (1) or not (0)."""
    return setting(name, meaning, int(on), low=0, high=1, option=option)


def choice(
    name: str, meaning: str, *words: str, default: str | None = None, option: str | None = None
) -> Symbol:
    """One of some words; the first unless ``default`` is another."""
    return Symbol(name, meaning, default or words[0], role="setting", choices=words, option=option)


def rate(
    name: str,
    meaning: str,
    default: Value,
    *,
    several: Literal["never", "too"] = "never",
    option: str | None = None,
) -> Symbol:
    """A share from 0 to 1, taken as the decimal that is typed; several of them in brackets."""
    return Symbol(
        name, meaning, default, role="setting", number="rate", several=several,
        optional=default is None, option=option,
    )  # fmt: skip


def amounts(name: str, meaning: str, default: Value, *, option: str | None = None) -> Symbol:
    """A number, or one for each block in brackets; ``none`` if that is its default."""
    return Symbol(
        name, meaning, default, role="setting", low=0, number="any", several="too",
        optional=default is None, option=option,
    )  # fmt: skip


def listed(name: str, meaning: str, default: Value, *, option: str | None = None) -> Symbol:
    """Whole numbers in brackets, such as the blocks at which something happens."""
    return Symbol(
        name, meaning, default, role="setting", low=0, several="always",
        optional=default is None, option=option,
    )  # fmt: skip


def with_default(symbol: Symbol, default: int) -> Symbol:
    """The same symbol with another default."""
    return msgspec.structs.replace(symbol, default=default)


def image(height: int = 224, width: int = 224) -> tuple[Symbol, Symbol]:
    """Height and width of the image; a width that is not given follows a height that is."""
    return (
        Symbol("H", "height of the image", height, side="height"),
        Symbol(
            "W",
            "width of the image (default: H if H is given)",
            lambda given: given.get("H", width),
            side="width",
        ),
    )


CLASSES = setting("classes", "classes", 1000, option="num_classes")
POOL_COUNTED = switch("pool_counted", "count average pooling, as the papers do", on=False)
