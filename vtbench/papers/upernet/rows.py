"""UperNet on Swin-T, as transformers has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Xiao et al., Unified Perceptual Parsing, ECCV 2018; Swin-T: Liu et al., ICCV 2021"

ROWS = (
    ModelRow(
        "upernet_swin_t",
        "vtbench.papers.upernet.networks:upernet_swin_t",
        PAPER,
        "Segmentation",
        head=("decode_head",),
    ),
)
