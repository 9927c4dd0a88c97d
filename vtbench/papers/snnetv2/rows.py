"""SN-Netv2, stitched out of DeiT III-S and DeiT III-L."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Pan et al., Stitched ViTs are Flexible Vision Backbones, ECCV 2024"

ROWS = (
    ModelRow(
        "snnetv2_s_l",
        "vtbench.papers.snnetv2.networks:Stitched",
        PAPER,
        "Stitched",
        stages=("small", "stitch", "large"),
        head=("large.head",),
    ),
)
