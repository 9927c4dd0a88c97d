"""SparseFormer."""

from __future__ import annotations

from typing import Any

from vtbench.catalog.row import Entry

_SPARSEFORMER = "Gao et al., SparseFormer, ICLR 2024 (arXiv 2304.03768)"

# What each of SparseFormer's two transformers consists of.
_LATENT_STAGES = (
    "attention",
    "products",
    "sampling",
    "decoding.generator",
    "decoding.mixing",
    "decoding.output",
    "feed_forward",
)


def _sparseformer(name: str, **sizes: Any) -> Entry:
    return Entry(
        name=name,
        target="vtbench.models.sparseformer:SparseFormer",
        options=sizes,
        paper=_SPARSEFORMER,
        family="SparseFormer",
        stages=(
            "stem",
            "initial",
            *(f"focusing.{part}" for part in _LATENT_STAGES),
            "bridge",
            *(f"cortex.{part}" for part in _LATENT_STAGES),
            "head",
        ),
        head=("head.fc",),
    )


SPARSEFORMERS: tuple[Entry, ...] = (
    _sparseformer(
        "sparseformer_t", tokens=49, width=256, cortex_width=512, blocks=8, drop_path=0.2
    ),
    _sparseformer(
        "sparseformer_s", tokens=64, width=320, cortex_width=640, blocks=8, drop_path=0.3
    ),
    _sparseformer(
        "sparseformer_b", tokens=81, width=384, cortex_width=768, blocks=10, drop_path=0.4
    ),
)
"""Catalogue rows, in the order in which they are listed."""
