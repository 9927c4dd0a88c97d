"""Local relation networks: ResNets whose weights between neighbours depend on both."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Hu et al., Local Relation Networks for Image Recognition, ICCV 2019"

ROWS = tuple(
    ModelRow(
        f"lr_r{depth}",
        "vtbench.papers.local_relation.networks:LRNet",
        PAPER,
        "ResNet",
        options={"depth": depth},
        stages=("stem", "layer1", "layer2", "layer3", "layer4", "fc"),
        head=("fc",),
    )
    for depth in (18, 50, 101)
)
