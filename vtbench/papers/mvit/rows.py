"""MViT, by torchvision's class."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Fan et al., Multiscale Vision Transformers, ICCV 2021"

ROWS = (
    ModelRow(
        name="mvit_s",
        target="vtbench.papers.mvit.networks:mvit",
        options={"size": "s"},
        paper=PAPER,
        family="Video",
        head=("head",),
    ),
    ModelRow(
        name="mvit_b",
        target="vtbench.papers.mvit.networks:mvit",
        options={"size": "b"},
        paper=PAPER,
        family="Video",
        head=("head",),
    ),
)
