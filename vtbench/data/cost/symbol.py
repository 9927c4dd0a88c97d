"""A symbol of a cost model, and whether it takes a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from vtbench.data.cost.values import NONE, Value, Values, exact_of, text_of
from vtbench.errors import BadOption

LARGEST = 10**9


class Symbol(msgspec.Struct, frozen=True):
    """One quantity of a cost model."""

    name: str
    meaning: str
    default: Value | Callable[[Values], Value]
    """Its value where none is given; a function sees those that are given."""
    role: Literal["size", "setting"] = "size"
    """A size stands in the formula as a letter; a setting is put in as its value."""
    low: int = 1
    high: int = LARGEST
    choices: tuple[str, ...] = ()
    """The words it takes, if it is not a number."""
    number: Literal["whole", "rate", "any"] = "whole"
    """Whether its numbers are whole, rates from 0 to 1, or any that its rule takes."""
    several: Literal["never", "always", "too"] = "never"
    """Whether it takes a list of numbers, beside a single one or in its place."""
    optional: bool = False
    """Whether it may have no value, ``none``."""
    option: str | None = None
    """The option that sets it in a model of the cost model's name."""
    side: Literal["height", "width"] | None = None
    """The side of a model's image that it is."""

    def default_for(self, given: Values) -> Value:
        """The value it has when it is not among those given."""
        return self.default(given) if callable(self.default) else self.default

    def checked(self, model: str, value: Value) -> Value:
        """The value if the symbol of that cost model takes it; expressions pass."""
        if self.optional and value in (None, NONE):
            return None
        if self.choices:
            return _word(model, self, value)
        if isinstance(value, tuple | list):
            return _list(model, self, value)
        if self.several == "always":
            raise BadOption(
                f"{self.name} of {model}: expected a list in brackets, such as "
                f"'{self.name}=[3,6,9]', got {_shown(value)}."
            )
        return _number(model, self, value)


def _word(model: str, symbol: Symbol, value: Value) -> str:
    """One of its words; a number is the word that spells it."""
    for word in symbol.choices:
        if value == word or (isinstance(value, int | Fraction | float) and _spells(word, value)):
            return word
    raise BadOption(
        f"{symbol.name} of {model}: expected one of {', '.join(symbol.choices)}, got "
        f"{_shown(value)}."
    )


def _spells(word: str, value: Fraction | float) -> bool:
    return word.replace(".", "", 1).isdigit() and Fraction(word) == exact_of(value)


def _list(model: str, symbol: Symbol, values: Sequence[Value]) -> tuple[Value, ...]:
    if symbol.several == "never":
        raise BadOption(
            f"{symbol.name} of {model}: expected {_in_words(symbol)}, got a list, "
            f"{text_of(tuple(values))}."
        )
    return tuple(_number(model, symbol, each) for each in values)


def _number(model: str, symbol: Symbol, value: Value) -> Value:
    wanted = f"{symbol.name} of {model}: expected {_in_words(symbol)}"
    if symbol.number != "whole":
        value = exact_of(value)
    if value is None or isinstance(value, (str, float, Fraction)):
        if isinstance(value, Fraction) and symbol.number != "whole":
            return _rate(symbol, value, wanted)
        raise BadOption(f"{wanted}, got {_shown(value)}.")
    if not isinstance(value, int):
        return value
    if symbol.number != "whole":
        return _rate(symbol, Fraction(value), wanted)
    if not symbol.low <= value <= symbol.high:
        allowed = f"from {symbol.low} to {symbol.high:,}" if symbol.high > 1 else "0 or 1"
        raise BadOption(
            f"{symbol.name} of {model}: expected a whole number {allowed}, got {value}."
        )
    return int(value)


def _rate(symbol: Symbol, value: Fraction, wanted: str) -> Fraction | int:
    if symbol.number == "any":
        return int(value) if value.denominator == 1 else value
    if not 0 <= value <= 1:
        raise BadOption(f"{wanted}, got {text_of(value)}.")
    return value


def _in_words(symbol: Symbol) -> str:
    return {
        "whole": "a whole number",
        "rate": "a rate from 0 to 1, such as 0.7",
        "any": "a number",
    }[symbol.number]


def _shown(value: Value) -> str:
    return text_of(value) if isinstance(value, Fraction) else repr(value)
