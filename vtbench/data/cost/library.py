"""Every cost model by name."""

from __future__ import annotations

import functools

from vtbench.data import paper_folders
from vtbench.data.cost.model import CostModel
from vtbench.data.spelling import closest
from vtbench.errors import UnknownModel


def cost_model(name: str) -> CostModel:
    """The cost model of that name; UnknownModel with the nearest names if there is none."""
    found = known(name)
    if found is not None:
        return found
    near = closest(name, {**cost_models(), **_composed()})
    hint = f"the nearest are {', '.join(near)}" if near else "`vtbench cost` lists them"
    raise UnknownModel(f"There is no cost model named {name!r}; {hint}.")


def known(name: str) -> CostModel | None:
    """The cost model of that name, listed or composed; None if there is none."""
    return cost_models().get(name) or _composed().get(name)


@functools.cache
def cost_models() -> dict[str, CostModel]:
    """All of them, in the order in which they are listed."""
    return {
        model.name: model for cost in paper_folders.modules("cost") for model in cost.cost_models()
    }


@functools.cache
def _composed() -> dict[str, CostModel]:
    """Those that are known by name and not listed: one thing put together with every other."""
    return {
        model.name: model
        for cost in paper_folders.modules("cost")
        if hasattr(cost, "composed")
        for model in cost.composed()
    }
