"""A cost model: a name, symbols that can be set, and terms whose sum is the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Literal

import msgspec

from vtbench.data.cost.terms import Amount, Term, macs_of, weights_of
from vtbench.data.spelling import closest
from vtbench.errors import BadOption

Value = Any
"""A whole number, a word where a symbol has choices, or a sympy expression."""
Values = Mapping[str, Value]
LARGEST = 10**9


class Symbol(msgspec.Struct, frozen=True):
    """One quantity of a cost model."""

    name: str
    meaning: str
    default: int | str | Callable[[Values], int]
    """Its value where none is given; a function sees those that are given."""
    role: Literal["size", "setting"] = "size"
    """A size stands in the formula as a letter; a setting is put in as its value."""
    low: int = 1
    high: int = LARGEST
    choices: tuple[str, ...] = ()
    """The words it takes, if it is not a number."""
    option: str | None = None
    """The option that sets it in a model of the cost model's name."""
    side: Literal["height", "width"] | None = None
    """The side of a model's image that it is."""

    def default_for(self, given: Values) -> int | str:
        """The value it has when it is not among those given."""
        return self.default(given) if callable(self.default) else self.default


class Rule(msgspec.Struct, frozen=True):
    """What sizes must meet together, so that a model of them can exist."""

    symbols: tuple[str, ...]
    """The symbols that it speaks of; the first is the one to change."""
    sentence: str
    """Why other values are refused."""
    holds: Callable[[Values], bool]


class CostModel(msgspec.Struct, frozen=True):
    """The cost of one block, stage or network for one image, as a function of its symbols."""

    name: str
    summary: str
    paper: str
    symbols: tuple[Symbol, ...]
    build: Callable[[Values], tuple[Term, ...]]
    """Terms from a value of every symbol."""
    rules: tuple[Rule, ...] = ()
    depth: int = 3
    """The number of parts of a term's name that are shown by default."""

    def resolved(self, given: Values) -> dict[str, Value]:
        """A checked value for every symbol; BadOption if one is refused."""
        known = {symbol.name for symbol in self.symbols}
        for name in given:
            if name not in known:
                raise BadOption(self._no_symbol(name))
        values = {s.name: given.get(s.name, s.default_for(given)) for s in self.symbols}
        values = {s.name: _checked(self.name, s, values[s.name]) for s in self.symbols}
        for rule in self.rules:
            concrete = all(isinstance(values[name], int) for name in rule.symbols)
            if concrete and not rule.holds(values):
                asked = ", ".join(f"{name}={values[name]}" for name in rule.symbols)
                raise BadOption(f"{self.name} cannot be built with {asked}: {rule.sentence}.")
        return values

    def values_for(
        self, options: Iterable[tuple[str, Value]], resolution: tuple[int, int] | None
    ) -> dict[str, Value]:
        """The values of its symbols for the options and the image size of a model."""
        by_option = {symbol.option: symbol.name for symbol in self.symbols if symbol.option}
        values: dict[str, Value] = {}
        for option, value in options:
            if option not in by_option:
                raise BadOption(
                    f"The cost model of {self.name} has no symbol for the option {option}."
                )
            values[by_option[option]] = value
        if resolution is not None:
            sides = dict(zip(("height", "width"), resolution, strict=True))
            found = {symbol.name: sides[symbol.side] for symbol in self.symbols if symbol.side}
            if not found:
                raise BadOption(
                    f"The cost model of {self.name} has no symbol for the size of the image."
                )
            values |= found
        return values

    def terms(self, given: Values) -> tuple[Term, ...]:
        """Its terms; whole numbers give whole numbers, sympy symbols give expressions."""
        values = self.resolved(given)
        terms = self.build(values)
        if any(isinstance(term.macs, Fraction) for term in terms):
            asked = ", ".join(f"{name}={value}" for name, value in values.items())
            raise BadOption(
                f"{self.name} cannot be built with {asked}: a count would not be a whole number."
            )
        return terms

    def macs(self, given: Values) -> Amount:
        """Multiply-accumulates for one image."""
        return macs_of(self.terms(given))

    def weights(self, given: Values) -> Amount:
        """Weights of convolutions and linear layers."""
        return weights_of(self.terms(given))

    def symbol(self, name: str) -> Symbol | None:
        """The symbol of that name."""
        return next((symbol for symbol in self.symbols if symbol.name == name), None)

    def _no_symbol(self, name: str) -> str:
        names = [symbol.name for symbol in self.symbols]
        near = closest(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        return f"{self.name} has no symbol {name!r}{hint} It has {', '.join(names)}."


def _checked(model: str, symbol: Symbol, value: Value) -> Value:
    """The value if its symbol takes it; expressions pass."""
    if symbol.choices:
        if value not in symbol.choices:
            raise BadOption(
                f"{symbol.name} of {model}: expected one of {', '.join(symbol.choices)}, got "
                f"{value!r}."
            )
        return value
    if value is None or isinstance(value, (str, float)):
        raise BadOption(f"{symbol.name} of {model}: expected a whole number, got {value!r}.")
    if not isinstance(value, int):
        return value
    if not symbol.low <= value <= symbol.high:
        allowed = f"from {symbol.low} to {symbol.high:,}" if symbol.high > 1 else "0 or 1"
        raise BadOption(
            f"{symbol.name} of {model}: expected a whole number {allowed}, got {value}."
        )
    return int(value)
