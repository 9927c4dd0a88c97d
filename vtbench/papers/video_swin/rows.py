"""Video Swin, as torchvision has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Liu et al., Video Swin Transformer, CVPR 2022"

ROWS = (
    ModelRow(
        "video_swin_t",
        "vtbench.papers.video_swin.networks:video_swin_t",
        PAPER,
        "Video",
        head=("head",),
    ),
)
