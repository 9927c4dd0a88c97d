"""TimeSformer, as transformers has it."""

from vtbench.data.catalog_row import ModelRow

PAPER = "Bertasius et al., Is Space-Time Attention All You Need, ICML 2021"

ROWS = (
    ModelRow(
        "timesformer",
        "vtbench.papers.timesformer.networks:timesformer",
        PAPER,
        "Video",
        head=("classifier",),
    ),
)
