"""ViT, as timm has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021"

ROWS = tuple(
    ModelRow(f"vit_{size[0]}", f"timm:vit_{size}_patch16_224", PAPER, "ViT", head=("head",))
    for size in ("small", "base", "large")
)
