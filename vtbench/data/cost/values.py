"""What a symbol of a cost model can stand at: numbers, words, and lists of numbers.

A rate is the decimal that was typed, as a fraction, so that nothing is rounded on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

Number = int | Fraction
Value = Any
"""A whole number, a rate, a word, a tuple of numbers, None, or a sympy expression."""
Values = Mapping[str, Value]

NONE = "none"
"""The word for an optional symbol that has no value."""


def exact_of(value: Value) -> Value:
    """A value as cost models take it: floats are the decimals that they are written as."""
    if isinstance(value, float):
        return Fraction(repr(value))
    if isinstance(value, tuple | list):
        return tuple(map(exact_of, value))
    return value


def text_of(value: Value) -> str:
    """A value as it is typed."""
    if value is None:
        return NONE
    if isinstance(value, Fraction):
        return _decimal(value)
    if isinstance(value, tuple):
        return f"[{','.join(map(text_of, value))}]"
    return str(value)


def plain_of(value: Value) -> Value:
    """A value as JSON holds it."""
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, tuple):
        return list(map(plain_of, value))
    return value


def _decimal(value: Fraction) -> str:
    number = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{number.normalize():f}"
