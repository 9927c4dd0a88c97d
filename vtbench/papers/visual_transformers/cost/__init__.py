"""Visual Transformers' cost models; nothing here knows the networks."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.data.cost.model import CostModel
from vtbench.papers.visual_transformers.cost.block_models import block_models
from vtbench.papers.visual_transformers.cost.network_models import network_models


def cost_models() -> Iterator[CostModel]:
    """Every cost model of the paper, in the order in which they are listed."""
    yield from block_models()
    yield from network_models()
