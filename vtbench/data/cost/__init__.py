"""The papers' analytic cost models: what a block or a network multiplies, written by hand.

Nothing here knows the models that are counted. A rule that is written twice, independently, is
what makes the agreement of formula and count evidence.
"""

from vtbench.data.cost.library import cost_model, cost_models
from vtbench.data.cost.model import CostModel, Rule, Symbol
from vtbench.data.cost.terms import Term, grouped, macs_of, weights_of

__all__ = [
    "CostModel",
    "Rule",
    "Symbol",
    "Term",
    "cost_model",
    "cost_models",
    "grouped",
    "macs_of",
    "weights_of",
]
