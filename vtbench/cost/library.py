"""Every cost model by name."""

from __future__ import annotations

import difflib
import functools

from vtbench.cost.block_models import block_models
from vtbench.cost.dense_peer_models import dense_peer_models
from vtbench.cost.model import CostModel
from vtbench.cost.network_models import network_models
from vtbench.cost.sparseformer_models import sparseformer_models
from vtbench.cost.sparseformer_parts import sparseformer_parts
from vtbench.errors import UnknownModel


def cost_model(name: str) -> CostModel:
    """The cost model of that name; UnknownModel with the nearest names where there is none."""
    found = cost_models()
    if name in found:
        return found[name]
    near = difflib.get_close_matches(name, found, n=3, cutoff=0.5)
    hint = f"the nearest are {', '.join(near)}" if near else "`vtbench cost` lists them"
    raise UnknownModel(f"There is no cost model named {name!r}; {hint}.")


@functools.cache
def cost_models() -> dict[str, CostModel]:
    """All of them, in the order in which they are listed."""
    groups = (
        block_models(),
        network_models(),
        sparseformer_parts(),
        sparseformer_models(),
        dense_peer_models(),
    )
    return {model.name: model for models in groups for model in models}
