"""ViViT with a factorised encoder."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021"

ROWS = (
    ModelRow(
        "vivit_b_fe", "vtbench.papers.vivit.networks:vivit_fe", PAPER, "Video", head=("head",)
    ),
)
