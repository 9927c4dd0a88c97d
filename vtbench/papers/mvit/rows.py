"""MViT, by torchvision's class."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Fan et al., Multiscale Vision Transformers, ICCV 2021"

ROWS = (
    ModelRow(
        "mvit_s",
        "vtbench.papers.mvit.networks:mvit",
        PAPER,
        "Video",
        options={"size": "s"},
        head=("head",),
    ),
    ModelRow(
        "mvit_b",
        "vtbench.papers.mvit.networks:mvit",
        PAPER,
        "Video",
        options={"size": "b"},
        head=("head",),
    ),
)
