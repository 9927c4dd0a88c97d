"""Printed digits as intervals: the reals that round, or are cut, to them."""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

import msgspec

from vtbench.errors import BadSuite

SCALES: MappingProxyType[str, int | Decimal] = MappingProxyType(
    {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9, "T": 10**12, "x": 1, "%": 1,
     "img/s": 1, "fps": 1, "s": 1, "ms": Decimal("0.001")}
)  # fmt: skip
"""Unit as printed -> what one of it is; ``B`` is a billion, ``x`` a ratio, ``%`` a percentage."""

Rounding = Literal["round", "truncate"]
Zeros = Literal["digits", "rounded"]
"""Zeros at the end of a whole number: digits like others, or all that rounding has left there."""

LONGEST = 40
"""Characters of a printed number."""
LARGEST = 60
"""Its decimal order, up or down."""

_ZEROS = re.compile(r"([+-]?[\d,]*[1-9])([0,]*0)")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


class Interval(msgspec.Struct, frozen=True):
    """A range of exact decimals, both ends included."""

    low: Decimal
    high: Decimal

    def holds(self, value: Decimal | int) -> bool:
        """Whether a value lies in it."""
        return self.low <= value <= self.high

    def meets(self, other: Interval) -> bool:
        """Whether two ranges have a point in common."""
        return self.low <= other.high and other.low <= self.high


def significant(printed: str, zeros: Zeros) -> str:
    """The figure with no zeros that are not digits: 1,500 is 15e2 if they are rounded."""
    match = _ZEROS.fullmatch(printed.strip().replace("−", "-"))
    if zeros == "digits" or match is None:
        return printed
    return f"{match[1]}e{match[2].count('0')}"


def number(printed: str) -> Decimal:
    """The number that printed digits spell; typographic minus and thousands commas are read."""
    text = printed.strip().replace("−", "-").replace(",", "").removeprefix("~")
    if not _NUMBER.fullmatch(text):
        raise BadSuite(f"{printed!r} is not a number as tables print it.")
    value = Decimal(text)
    if len(text) > LONGEST or abs(value.adjusted()) > LARGEST:
        raise BadSuite(f"{printed[:LONGEST]!r} is too long or too large for a printed number.")
    return value


def interval(
    printed: str, unit: str, rounding: Rounding = "round", zeros: Zeros = "digits"
) -> Interval:
    """Every value that the printed digits stand for, in base units.

    Rounded to the nearest: half a last digit either way. Truncated: up to one last digit more,
    away from zero. The last digit of 300 is its last zero, or its 3 if its zeros are rounded.
    """
    value = number(significant(printed, zeros))
    exponent = value.as_tuple().exponent
    step = Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)
    scale = SCALES[unit]
    if rounding == "round":
        return Interval((value - step / 2) * scale, (value + step / 2) * scale)
    if value < 0 or printed.strip().startswith(("-", "−")):
        return Interval((value - step) * scale, value * scale)
    return Interval(value * scale, (value + step) * scale)


def middle(printed: str, unit: str) -> Decimal:
    """The printed figure itself in base units."""
    return number(printed) * SCALES[unit]
