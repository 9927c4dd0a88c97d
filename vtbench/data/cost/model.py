"""A cost model: a name, symbols that can be set, and terms whose sum is the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

import msgspec

from vtbench.data.cost.interpolated import InLetters
from vtbench.data.cost.reduced import Reduced
from vtbench.data.cost.symbol import Symbol
from vtbench.data.cost.terms import Amount, Term, macs_of, weights_of
from vtbench.data.cost.values import Value, Values, exact_of, text_of
from vtbench.data.spelling import closest
from vtbench.errors import BadOption

__all__ = ["CostModel", "Rule", "Symbol", "Values"]


class Rule(msgspec.Struct, frozen=True):
    """What sizes must meet together, so that a model of them can exist."""

    symbols: tuple[str, ...]
    """The symbols that it speaks of; the first is the one to change."""
    sentence: str
    """Why other values are refused."""
    holds: Callable[[Values], bool]


_WANTED = ("tokens", "macs")
"""Options that are met by another one."""


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
    reduced: Callable[[Values], Reduced] | None = None
    """The tokens of every block, if they become fewer."""
    met: Callable[[Values, str, int], Values] | None = None
    """Values at which so many ``tokens`` are left, or ``macs`` taken, as near as can be."""
    costless: tuple[str, ...] = ()
    """Options of a model of its name that change no cost."""
    in_letters: Callable[[Values], InLetters] | None = None
    """The cost in letters that count tokens, if its sizes are no letters."""

    def resolved(self, given: Values) -> dict[str, Value]:
        """A checked value for every symbol; BadOption if one is refused."""
        known = {symbol.name for symbol in self.symbols}
        for name in given:
            if name not in known:
                raise BadOption(self._no_symbol(name))
        values = {s.name: given.get(s.name, s.default_for(given)) for s in self.symbols}
        values = {s.name: s.checked(self.name, values[s.name]) for s in self.symbols}
        for rule in self.rules:
            concrete = all(isinstance(values[name], int) for name in rule.symbols)
            if concrete and not rule.holds(values):
                asked = ", ".join(f"{name}={values[name]}" for name in rule.symbols)
                raise BadOption(f"{self.name} cannot be built with {asked}: {rule.sentence}.")
        if self.reduced is not None:
            try:
                self.reduced(values)  # refuses what the method's rule does not take
            except BadOption as error:
                raise BadOption(f"{self.name}: {error}") from None
        return values

    def values_for(
        self, options: Iterable[tuple[str, Value]], resolution: tuple[int, int] | None
    ) -> dict[str, Value]:
        """The values of its symbols for the options and the image size of a model."""
        by_option = {symbol.option: symbol.name for symbol in self.symbols if symbol.option}
        values: dict[str, Value] = {}
        wanted: dict[str, int] = {}
        for option, value in options:
            if option in self.costless:
                continue
            if self.met is not None and option in _WANTED:
                wanted |= {} if value is None else {option: value}
                continue
            if option not in by_option:
                raise BadOption(
                    f"The cost model of {self.name} has no symbol for the option {option}."
                )
            values[by_option[option]] = exact_of(value)
        if resolution is not None:
            sides = dict(zip(("height", "width"), resolution, strict=True))
            found = {symbol.name: sides[symbol.side] for symbol in self.symbols if symbol.side}
            if not found:
                raise BadOption(
                    f"The cost model of {self.name} has no symbol for the size of the image."
                )
            values |= found
        for option, number in wanted.items():
            if self.met is not None:
                values |= self.met(self.resolved(values), option, number)
        return values

    def terms(self, given: Values) -> tuple[Term, ...]:
        """Its terms; whole numbers give whole numbers, sympy symbols give expressions."""
        values = self.resolved(given)
        terms = self.build(values)
        if any(isinstance(term.macs, Fraction) for term in terms):
            asked = ", ".join(f"{name}={text_of(value)}" for name, value in values.items())
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
