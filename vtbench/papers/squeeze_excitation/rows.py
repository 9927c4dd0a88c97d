"""Squeeze-and-Excitation networks: the baselines in Visual Transformers' first table.

The larger ones are quoted there from a paper whose ResNet has the stride in the first 1x1.
"""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow
from vtbench.papers.resnet.rows import STAGES

PAPER = "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018"

ROWS = tuple(
    ModelRow(
        name=f"resnet{depth}_se",
        target="vtbench.papers.resnet.networks.resnet:ResNet",
        options={"depth": depth, "attention": "se", "stride_in_1x1": depth in (50, 101)},
        paper=PAPER,
        family="ResNet",
        stages=STAGES,
        head=("fc",),
    )
    for depth in (18, 34, 50, 101)
)
