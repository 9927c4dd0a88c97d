"""Stand-alone self-attention: ResNets without a convolution that reaches over pixels."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Ramachandran et al., Stand-Alone Self-Attention in Vision Models, NeurIPS 2019"

ROWS = tuple(
    ModelRow(
        f"sasa_r{depth}",
        "vtbench.papers.stand_alone_attention.networks:SASAResNet",
        PAPER,
        "ResNet",
        options={"depth": depth},
        stages=("stem", "layer1", "layer2", "layer3", "layer4", "fc"),
        head=("fc",),
    )
    for depth in (26, 38, 50)
)
