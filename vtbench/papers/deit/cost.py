"""DeiT as cost models: a ViT of three sizes."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.data.cost.model import CostModel
from vtbench.papers.deit.rows import PAPER
from vtbench.papers.vit.cost import vit_model

BODIES = {"t": (192, 12), "s": (384, 12), "b": (768, 12)}
"""Size -> width and number of blocks."""


def cost_models() -> Iterator[CostModel]:
    """DeiT of every size."""
    for size, body in BODIES.items():
        yield vit_model(f"deit_{size}", f"DeiT-{size.upper()}", PAPER, body)
