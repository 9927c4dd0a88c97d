"""EfficientNet, as timm has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Tan and Le, EfficientNet, ICML 2019"

ROWS = (
    ModelRow(
        "efficientnet_b3",
        "timm:efficientnet_b3",
        PAPER,
        "EfficientNet",
        resolution=(300, 300),
        head=("classifier",),
    ),
)
