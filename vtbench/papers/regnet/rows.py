"""RegNet, as timm has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Radosavovic et al., Designing Network Design Spaces, CVPR 2020"

ROWS = (
    ModelRow(
        "regnety_8g",
        "timm:regnety_080",
        PAPER,
        "RegNet",
        stages=("stem", "s1", "s2", "s3", "s4", "head"),
        head=("head.fc",),
    ),
)
