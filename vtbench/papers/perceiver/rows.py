"""Perceiver, and Perceiver IO as transformers has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PERCEIVER = "Jaegle et al., Perceiver, ICML 2021"
PERCEIVER_IO = "Jaegle et al., Perceiver IO, ICLR 2022"

ROWS = (
    ModelRow(
        name="perceiver",
        target="vtbench.papers.perceiver.networks:Perceiver",
        paper=PERCEIVER,
        family="Perceiver",
        head=("head",),
    ),
    ModelRow(
        name="perceiver_io",
        target="vtbench.papers.perceiver.networks:perceiver_io",
        paper=PERCEIVER_IO,
        family="Perceiver",
        head=("perceiver.decoder",),
    ),
)
