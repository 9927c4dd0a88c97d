"""DeiT, as timm has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Touvron et al., Training data-efficient image transformers, ICML 2021"

ROWS = tuple(
    ModelRow(
        name=f"deit_{size[0]}",
        target=f"timm:deit_{size}_patch16_224",
        paper=PAPER,
        family="DeiT",
        head=("head",),
    )
    for size in ("tiny", "small", "base")
)
