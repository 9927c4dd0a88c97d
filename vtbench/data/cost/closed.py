"""Costs in closed form: the terms at given values beside the same terms in letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vtbench.data.cost.letters import Form
from vtbench.data.cost.model import CostModel
from vtbench.data.cost.reduced import Reduced
from vtbench.data.cost.terms import Amount, Term, grouped, macs_of, weights_of
from vtbench.data.cost.values import Value


class Costed(msgspec.Struct, frozen=True, kw_only=True):
    """One cost model at values of its symbols."""

    model: CostModel
    values: Mapping[str, Value]
    """A value for every symbol, given or default."""
    terms: tuple[Term, ...]
    """Whole numbers."""
    forms: tuple[Amount, ...]
    """MACs of the same terms in the sizes: sympy expressions, or plain forms if asked for."""

    reduced: Reduced | None = None
    """The tokens of every block, if they become fewer."""

    @property
    def lettered(self) -> bool:
        """Whether the cost model has sizes, which stand in its formula as letters."""
        return any(symbol.role == "size" for symbol in self.model.symbols)

    @property
    def total(self) -> int:
        """Multiply-accumulates for one image."""
        return int(macs_of(self.terms))

    @property
    def weights(self) -> int:
        """Weights of convolutions and linear layers."""
        return int(weights_of(self.terms))

    @property
    def formula(self) -> Amount:
        """The sum of the terms as one expression."""
        if not self.lettered:
            return self.total
        import sympy

        return sympy.expand(sum(self.forms))


def costed(
    model: CostModel, given: Mapping[str, Value], depth: int | None = None, *, plain: bool = False
) -> Costed:
    """Terms and their closed forms, grouped by the first ``depth`` parts of their names.

    Plain forms can only be shown, and take no import of sympy where the cost model allows it.
    """
    values = model.resolved(given)
    deep = depth or model.depth
    terms = grouped(model.terms(values), deep)
    return Costed(
        model=model,
        values=values,
        terms=terms,
        forms=_forms(model, values, deep, terms, plain=plain),
        reduced=None if model.reduced is None else model.reduced(values),
    )


def _forms(
    model: CostModel,
    values: Mapping[str, Value],
    depth: int,
    terms: tuple[Term, ...],
    *,
    plain: bool,
) -> tuple[Amount, ...]:
    if not any(symbol.role == "size" for symbol in model.symbols):
        return tuple(term.macs for term in terms)
    found = _plain_forms(model, values, depth) if plain else ()
    return found or tuple(
        _expanded(term.macs) for term in grouped(model.terms(lettered(model, values)), depth)
    )


def _plain_forms(model: CostModel, values: Mapping[str, Value], depth: int) -> tuple[Form, ...]:
    sizes = {symbol.name for symbol in model.symbols if symbol.role == "size"}
    letters = {name: Form.letter(name) if name in sizes else values[name] for name in values}
    try:
        return tuple(Form.of(term.macs) for term in grouped(model.terms(letters), depth))
    except (TypeError, ValueError):  # it asks for more of its sizes than sums and products
        return ()


def lettered(model: CostModel, values: Mapping[str, Value]) -> dict[str, Any]:
    """The values, with a letter in the place of every size."""
    import sympy

    sizes = {symbol.name for symbol in model.symbols if symbol.role == "size"}
    return {
        name: sympy.Symbol(name, integer=True, positive=True) if name in sizes else value
        for name, value in values.items()
    }


def _expanded(form: Amount) -> Amount:
    import sympy

    return sympy.expand(sympy.sympify(form))
