"""DETR, as transformers has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Carion et al., End-to-End Object Detection with Transformers, ECCV 2020"

ROWS = (
    ModelRow(
        name="detr_r50",
        target="vtbench.papers.detr.networks:detr",
        paper=PAPER,
        family="Detection",
    ),
    ModelRow(
        name="detr_dc5_r50",
        target="vtbench.papers.detr.networks:detr",
        options={"dilated": True},
        paper=PAPER,
        family="Detection",
    ),
)
