"""SparseFormer's cost models; nothing here knows the networks."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.data.cost.model import CostModel
from vtbench.papers.sparseformer.cost.networks import sparseformer_models
from vtbench.papers.sparseformer.cost.parts import sparseformer_parts


def cost_models() -> Iterator[CostModel]:
    """Every cost model of the paper, in the order in which they are listed."""
    yield from sparseformer_models()
    yield from sparseformer_parts()
