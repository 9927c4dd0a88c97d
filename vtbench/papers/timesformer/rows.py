"""TimeSformer, as transformers has it."""

from __future__ import annotations

from vtbench.data.catalog_row import ModelRow

PAPER = "Bertasius et al., Is Space-Time Attention All You Need, ICML 2021"

ROWS = (
    ModelRow(
        name="timesformer",
        target="vtbench.papers.timesformer.networks:timesformer",
        paper=PAPER,
        family="Video",
        head=("classifier",),
    ),
)
