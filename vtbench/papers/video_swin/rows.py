"""Video Swin, as torchvision has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Liu et al., Video Swin Transformer, CVPR 2022"

ROWS = (
    ModelRow(
        name="video_swin_t",
        target="vtbench.papers.video_swin.networks:video_swin_t",
        paper=PAPER,
        family="Video",
        head=("head",),
    ),
)
