"""Swin, as timm has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Liu et al., Swin Transformer, ICCV 2021"

ROWS = tuple(
    ModelRow(
        f"swin_{size[0]}", f"timm:swin_{size}_patch4_window7_224", PAPER, "Swin",
        stages=("patch_embed", "layers.0", "layers.1", "layers.2", "layers.3", "norm", "head"),
        head=("head.fc",),
    )
    for size in ("tiny", "small", "base")
)  # fmt: skip
