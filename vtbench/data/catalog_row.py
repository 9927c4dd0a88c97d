"""One model of the catalogue."""

from __future__ import annotations

from typing import Any

import msgspec


class ModelRow(msgspec.Struct, frozen=True):
    """One short name and what it stands for."""

    name: str
    """The short name."""
    target: str
    """What builds it: ``timm:NAME``, ``torchvision:NAME`` or ``package.module:function``."""
    paper: str
    """Where the model was published."""
    family: str
    """The heading that it is listed under."""
    options: dict[str, Any] = {}
    """Default options of the target; the user's own options override them."""
    resolution: tuple[int, int] | None = None
    """Height and width that it is counted at; None is the model's own."""
    stages: tuple[str, ...] | None = None
    """Module paths that divide it; None means its direct children."""
    head: tuple[str, ...] | None = None
    """Module paths of its classifier; None takes the library's answer."""
