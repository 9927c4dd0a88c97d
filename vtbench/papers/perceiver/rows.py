"""Perceiver, and Perceiver IO as transformers has it."""

from vtbench.data.catalog_row import ModelRow

PERCEIVER = "Jaegle et al., Perceiver, ICML 2021"
PERCEIVER_IO = "Jaegle et al., Perceiver IO, ICLR 2022"

ROWS = (
    ModelRow(
        "perceiver",
        "vtbench.papers.perceiver.networks:Perceiver",
        PERCEIVER,
        "Perceiver",
        head=("head",),
    ),
    ModelRow(
        "perceiver_io",
        "vtbench.papers.perceiver.networks:perceiver_io",
        PERCEIVER_IO,
        "Perceiver",
        head=("perceiver.decoder",),
    ),
)
