"""DeiT, as timm has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Touvron et al., Training data-efficient image transformers, ICML 2021"

ROWS = tuple(
    ModelRow(f"deit_{size[0]}", f"timm:deit_{size}_patch16_224", PAPER, "DeiT", head=("head",))
    for size in ("tiny", "small", "base")
)
