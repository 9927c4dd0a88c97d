"""ResNet, as timm has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"

# Stages 1 to 5 and the head as papers number them; in VT-ResNets layer4 is the transformers' stage.
STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4", "fc")
"""Module paths that divide a ResNet."""

ROWS = tuple(
    ModelRow(
        name=f"resnet{depth}",
        target=f"timm:resnet{depth}",
        paper=PAPER,
        family="ResNet",
        stages=STAGES,
        head=("fc",),
    )
    for depth in (18, 34, 50, 101)
)
