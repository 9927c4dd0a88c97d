"""DETR, as transformers has it."""

from __future__ import annotations

from vtbench.data.catalog_row import Entry

PAPER = "Carion et al., End-to-End Object Detection with Transformers, ECCV 2020"

ROWS = (
    Entry(
        name="detr_r50",
        target="vtbench.papers.detr.networks:detr",
        paper=PAPER,
        family="Detection",
    ),
    Entry(
        name="detr_dc5_r50",
        target="vtbench.papers.detr.networks:detr",
        options={"dilated": True},
        paper=PAPER,
        family="Detection",
    ),
)
