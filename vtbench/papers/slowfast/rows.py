"""SlowFast."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"

ROWS = (
    ModelRow(
        name="slowfast_r101",
        target="vtbench.papers.slowfast.networks:slowfast",
        paper=PAPER,
        family="Video",
        head=("head",),
    ),
)
