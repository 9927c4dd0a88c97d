"""Non-local networks: I3D with five non-local blocks."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Wang et al., Non-local Neural Networks, CVPR 2018"

ROWS = (
    ModelRow(
        name="nl_i3d_r101",
        target="vtbench.papers.nonlocal_networks.networks:nonlocal_i3d",
        paper=PAPER,
        family="Video",
        head=("head",),
    ),
)
