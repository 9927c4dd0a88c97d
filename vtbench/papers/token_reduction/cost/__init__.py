"""Token reduction as cost models: METHOD_HOST, from the rule of the method alone."""

from __future__ import annotations

from collections.abc import Iterator

from vtbench.data.cost.model import CostModel
from vtbench.papers.token_reduction.cost.network import reduced_model
from vtbench.papers.token_reduction.rows import HOSTS, METHODS

LISTED = "deit_s"
"""The host that stands in the list for all."""
_COUNTED_OTHERWISE = "sparsifiner"
"""Its network multiplies the whole map and hides what is not kept, which its rule leaves out."""
_METHODS = tuple(method for method in METHODS if method.name != _COUNTED_OTHERWISE)


def cost_models() -> Iterator[CostModel]:
    """Every method on one host."""
    for method in _METHODS:
        yield reduced_model(method.name, method.title, method.paper, LISTED)


def composed() -> Iterator[CostModel]:
    """Every method on the other hosts."""
    for method in _METHODS:
        for host in HOSTS:
            if host != LISTED:
                yield reduced_model(method.name, method.title, method.paper, host)
