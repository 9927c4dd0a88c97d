"""What a cost is made of: named terms, exact for whole numbers and for symbols alike.

A size may be an ``int``, a ``Fraction``, a ``Form`` or a sympy expression; the same functions take
them all, because nothing here divides one ``int`` by another with ``/``.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import msgspec

from vtbench.data.cost.letters import Form

Amount = Any
"""An exact number or a sympy expression."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """One named part of a cost; a name is a path such as ``stage5.block0.tokenizer.coef``."""

    name: str
    macs: Amount
    """Multiply-accumulates for one image."""
    weights: Amount = 0
    """Weights of convolutions and linear layers; no biases, no norms."""


def convolution(
    name: str, channels: tuple[Amount, Amount], positions: Amount, *, kernel: int = 1,
    groups: Amount = 1,
) -> Term:  # fmt: skip
    """A convolution or linear layer: each weight works once at every output position."""
    # weights = K·K·Cin·Cout / groups
    weights = divided(kernel * kernel * channels[0] * channels[1], groups)
    return Term(name=name, macs=exact(weights * positions), weights=exact(weights))


def product(name: str, *sizes: Amount) -> Term:
    """A matrix product without weights: the product of all sizes that take part."""
    macs: Amount = 1
    for size in sizes:
        macs = macs * size
    return Term(name=name, macs=exact(macs))


def divided(amount: Amount, by: Amount) -> Amount:
    """A quotient that stays exact, and a plain integer wherever it is whole."""
    if isinstance(amount, int) and isinstance(by, int):
        return exact(Fraction(amount, by))
    return Fraction(1) * amount / by


def exact(amount: Amount) -> Amount:
    """A whole fraction as the integer that it is."""
    if isinstance(amount, Fraction) and amount.denominator == 1:
        return amount.numerator
    return amount


def ceiling(amount: Amount, by: int) -> Amount:
    """A side after strides that multiply to ``by``, padded as ResNet pads: rounded up."""
    if isinstance(amount, int):
        return -(-amount // by)
    if isinstance(amount, Form):
        return amount.rounded_up(by)
    import sympy  # only symbols come here, so it is loaded already

    return sympy.ceiling(sympy.sympify(amount) / by)


def under(prefix: str, terms: Iterable[Term]) -> tuple[Term, ...]:
    """Terms as parts of something larger."""
    return tuple(
        Term(name=f"{prefix}.{term.name}", macs=term.macs, weights=term.weights) for term in terms
    )


def grouped(terms: Iterable[Term], depth: int) -> tuple[Term, ...]:
    """Terms whose names agree in their first ``depth`` parts, added up; the order stays."""
    found: dict[str, Term] = {}
    for term in terms:
        name = ".".join(term.name.split(".")[:depth])
        sofar = found.get(name, Term(name=name, macs=0))
        found[name] = Term(
            name=name,
            macs=exact(sofar.macs + term.macs),
            weights=exact(sofar.weights + term.weights),
        )
    return tuple(found.values())


def macs_of(terms: Iterable[Term]) -> Amount:
    """Multiply-accumulates of all terms."""
    return exact(sum(term.macs for term in terms))


def weights_of(terms: Iterable[Term]) -> Amount:
    """Weights of all terms."""
    return exact(sum(term.weights for term in terms))
