"""Symbols that several cost models share, and what their values must meet together."""

from __future__ import annotations

from vtbench.data.cost.model import Symbol


def size(name: str, meaning: str, default: int, *, option: str | None = None) -> Symbol:
    """A symbol that stands in the formula."""
    return Symbol(name=name, meaning=meaning, default=default, option=option)


def setting(name: str, meaning: str, default: int, *, option: str | None = None) -> Symbol:
    """A symbol whose value is put into the formula."""
    return Symbol(name=name, meaning=meaning, default=default, role="setting", option=option)


def switch(name: str, meaning: str, *, on: bool, option: str | None = None) -> Symbol:
    """A part that is there (1) or not (0)."""
    return Symbol(
        name=name, meaning=meaning, default=int(on), role="setting", low=0, high=1, option=option
    )


def image(height: int = 224, width: int = 224) -> tuple[Symbol, Symbol]:
    """Height and width of the image; a width that is not given follows a height that is."""
    return (
        Symbol(name="H", meaning="height of the image", default=height, side="height"),
        Symbol(
            name="W",
            meaning="width of the image, H where only H is given",
            default=lambda given: given.get("H", width),
            side="width",
        ),
    )


CLASSES = setting("classes", "classes", 1000, option="num_classes")
POOL_COUNTED = switch("pool_counted", "count average pooling, as the papers do", on=False)
