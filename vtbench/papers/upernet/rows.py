"""UperNet on Swin-T, as transformers has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Xiao et al., Unified Perceptual Parsing, ECCV 2018; Swin-T: Liu et al., ICCV 2021"

ROWS = (
    ModelRow(
        name="upernet_swin_t",
        target="vtbench.papers.upernet.networks:upernet_swin_t",
        paper=PAPER,
        family="Segmentation",
        head=("decode_head",),
    ),
)
