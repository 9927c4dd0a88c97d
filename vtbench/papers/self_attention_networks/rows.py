"""Self-attention networks: attention whose weights are vectors."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Zhao et al., Exploring Self-attention for Image Recognition, CVPR 2020"

ROWS = tuple(
    ModelRow(
        f"san{depth}",
        "vtbench.papers.self_attention_networks.networks:SAN",
        PAPER,
        "SAN",
        options={"depth": depth},
        stages=("stem", "stage1", "stage2", "stage3", "stage4", "stage5", "fc"),
        head=("fc",),
    )
    for depth in (10, 15, 19)
)
