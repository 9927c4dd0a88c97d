"""Every cost model by name."""

from __future__ import annotations

import functools

from vtbench.data import paper_folders
from vtbench.data.cost.model import CostModel
from vtbench.data.spelling import closest
from vtbench.errors import UnknownModel


def cost_model(name: str) -> CostModel:
    """The cost model of that name; UnknownModel with the nearest names if there is none."""
    found = cost_models()
    if name in found:
        return found[name]
    near = closest(name, found)
    hint = f"the nearest are {', '.join(near)}" if near else "`vtbench cost` lists them"
    raise UnknownModel(f"There is no cost model named {name!r}; {hint}.")


@functools.cache
def cost_models() -> dict[str, CostModel]:
    """All of them, in the order in which they are listed."""
    return {
        model.name: model for cost in paper_folders.modules("cost") for model in cost.cost_models()
    }
