"""DETR, as transformers has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Carion et al., End-to-End Object Detection with Transformers, ECCV 2020"

ROWS = (
    ModelRow("detr_r50", "vtbench.papers.detr.networks:detr", PAPER, "Detection"),
    ModelRow(
        "detr_dc5_r50",
        "vtbench.papers.detr.networks:detr",
        PAPER,
        "Detection",
        options={"dilated": True},
    ),
)
