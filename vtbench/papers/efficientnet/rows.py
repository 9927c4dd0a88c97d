"""EfficientNet, as timm has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Tan and Le, EfficientNet, ICML 2019"

ROWS = (
    ModelRow(
        name="efficientnet_b3",
        target="timm:efficientnet_b3",
        resolution=(300, 300),
        paper=PAPER,
        family="EfficientNet",
        head=("classifier",),
    ),
)
