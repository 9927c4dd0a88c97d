"""ResNet, as timm has it, and with attention in its blocks as two later papers have it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"

# Stages 1 to 5 and the head as papers number them; in VT-ResNets layer4 is the transformers' stage.
STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4", "fc")
"""Module paths that divide a ResNet."""
DEPTHS = (18, 34, 50, 101)

ROWS = tuple(
    ModelRow(f"resnet{depth}", f"timm:resnet{depth}", PAPER, "ResNet", stages=STAGES, head=("fc",))
    for depth in DEPTHS
)


def with_attention(kind: str, paper: str) -> tuple[ModelRow, ...]:
    """ResNets with that attention in every block; the larger ones stride in the first 1x1."""
    return tuple(
        ModelRow(
            f"resnet{depth}_{kind}",
            "vtbench.papers.resnet.networks.resnet:ResNet",
            paper,
            "ResNet",
            options={"depth": depth, "attention": kind, "stride_in_1x1": depth in (50, 101)},
            stages=STAGES,
            head=("fc",),
        )
        for depth in DEPTHS
    )
