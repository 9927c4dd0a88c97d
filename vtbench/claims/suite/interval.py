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

LONGEST = 40
"""Characters of a printed number."""
LARGEST = 60
"""Its decimal order, up or down."""

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


def number(printed: str) -> Decimal:
    """The number that printed digits spell; typographic minus and thousands commas are read."""
    text = printed.strip().replace("−", "-").replace(",", "").removeprefix("~")
    if not _NUMBER.fullmatch(text):
        raise BadSuite(f"{printed!r} is not a number as tables print it.")
    value = Decimal(text)
    if len(text) > LONGEST or abs(value.adjusted()) > LARGEST:
        raise BadSuite(f"{printed[:LONGEST]!r} is too long or too large for a printed number.")
    return value


def interval(printed: str, unit: str, rounding: Rounding = "round") -> Interval:
    """Every value that the printed digits stand for, in base units.

    Rounded to the nearest: half a last digit either way. Truncated: up to one last digit more,
    away from zero.
    """
    value = number(printed)
    step = last_digit(printed, "")
    scale = SCALES[unit]
    if rounding == "round":
        return Interval((value - step / 2) * scale, (value + step / 2) * scale)
    if value < 0 or printed.strip().startswith(("-", "−")):
        return Interval((value - step) * scale, value * scale)
    return Interval(value * scale, (value + step) * scale)


def last_digit(printed: str, unit: str) -> Decimal:
    """One of the last digit of a printed figure, in base units."""
    exponent = number(printed).as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0) * SCALES[unit]


def middle(printed: str, unit: str) -> Decimal:
    """The printed figure itself in base units."""
    return number(printed) * SCALES[unit]
