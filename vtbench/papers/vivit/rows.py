"""ViViT with a factorised encoder."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021"

ROWS = (
    ModelRow(
        name="vivit_b_fe",
        target="vtbench.papers.vivit.networks:vivit_fe",
        paper=PAPER,
        family="Video",
        head=("head",),
    ),
)
