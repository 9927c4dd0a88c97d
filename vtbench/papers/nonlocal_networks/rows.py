"""Non-local networks: I3D with five non-local blocks."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Wang et al., Non-local Neural Networks, CVPR 2018"

ROWS = (
    ModelRow(
        "nl_i3d_r101",
        "vtbench.papers.nonlocal_networks.networks:nonlocal_i3d",
        PAPER,
        "Video",
        head=("head",),
    ),
)
