"""Attention augmented ResNets: channels of attention beside those of a convolution."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Bello et al., Attention Augmented Convolutional Networks, ICCV 2019"

ROWS = tuple(
    ModelRow(
        f"aa_r{depth}",
        "vtbench.papers.attention_augmented.networks:aa_resnet",
        PAPER,
        "ResNet",
        options={"depth": depth},
        stages=("stem", "layer1", "layer2", "layer3", "layer4", "fc"),
        head=("fc",),
    )
    for depth in (34, 50, 101)
)
