"""RegNet, as timm has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Radosavovic et al., Designing Network Design Spaces, CVPR 2020"

ROWS = (
    ModelRow(
        name="regnety_8g",
        target="timm:regnety_080",
        paper=PAPER,
        family="RegNet",
        stages=("stem", "s1", "s2", "s3", "s4", "head"),
        head=("head.fc",),
    ),
)
