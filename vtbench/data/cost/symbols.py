"""Symbols that several cost models share, and what their values must meet together."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from vtbench.data.cost.model import LARGEST, Symbol, Values


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
