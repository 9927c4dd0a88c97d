"""SlowFast."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"

ROWS = (
    ModelRow(
        "slowfast_r101", "vtbench.papers.slowfast.networks:slowfast", PAPER, "Video", head=("head",)
    ),
)
