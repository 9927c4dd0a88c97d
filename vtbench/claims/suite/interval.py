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
     "img/s": 1, "fps": 1, "s": 1, "ms": Decimal("0.001"),
     "bytes": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9,
     "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
)  # fmt: skip
"""Unit as printed -> what one of it is; ``B`` is a billion, ``x`` a ratio, ``%`` a percentage."""
BYTES = ("bytes", "KB", "MB", "GB", "KiB", "MiB", "GiB")
"""Units of memory."""

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
    """A range of exact decimals; an end is included unless it is open."""

    low: Decimal
    high: Decimal
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: Decimal | int) -> bool:
        """Whether a value lies in it."""
        return self.meets(Interval(Decimal(value), Decimal(value)))

    def meets(self, other: Interval) -> bool:
        """Whether two ranges have a point in common."""
        return _before(self.low, other.high, apart=self.low_open or other.high_open) and _before(
            other.low, self.high, apart=other.low_open or self.high_open
        )

    def outside(self, other: Interval) -> Decimal:
        """How far another range is outside, below zero if it is below; 0 if the two meet."""
        if self.meets(other):
            return Decimal(0)
        return other.high - self.low if other.high <= self.low else other.low - self.high


def _before(low: Decimal, high: Decimal, *, apart: bool) -> bool:
    return low < high or (low == high and not apart)


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


def last_digit(printed: str) -> Decimal:
    """What one of the last printed digit is."""
    exponent = number(printed).as_tuple().exponent
    return Decimal(1).scaleb(exponent if isinstance(exponent, int) else 0)


def interval(
    printed: str, unit: str, rounding: Rounding = "round", zeros: Zeros = "digits"
) -> Interval:
    """Every value that the printed digits stand for, in base units.

    Rounded to the nearest: half a last digit either way. Truncated: up to one last digit more,
    away from zero. The last digit of 300 is its last zero, or its 3 if its zeros are rounded.
    """
    printed = significant(printed, zeros)
    value, step, scale = number(printed), last_digit(printed), SCALES[unit]
    if rounding == "round":
        return Interval((value - step / 2) * scale, (value + step / 2) * scale)
    if value < 0 or printed.strip().startswith(("-", "−")):
        return Interval((value - step) * scale, value * scale)
    return Interval(value * scale, (value + step) * scale)


def middle(printed: str, unit: str) -> Decimal:
    """The printed figure itself in base units."""
    return number(printed) * SCALES[unit]
