"""Sizes as letters for a cost model, without the import of a computer algebra system.

A form is a polynomial with exact coefficients in letters and in sides that were divided and rounded
up. That is what nearly every cost model makes of its sizes; what it cannot hold raises NotPlain.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from vtbench.data.polynomial import Monomial, Polynomial, plus, times


class NotPlain(TypeError):
    """A cost model asked for more than sums and products of letters."""


class Form:
    """A polynomial that adds and multiplies as numbers do."""

    __slots__ = ("parts",)

    def __init__(self, parts: Mapping[Monomial, Fraction]) -> None:
        self.parts: Polynomial = parts

    @classmethod
    def letter(cls, name: str) -> Form:
        """One size."""
        return cls({((name, 1),): Fraction(1)})

    @classmethod
    def of(cls, amount: Any) -> Form:
        """A number as a form; a form as it is."""
        if isinstance(amount, Form):
            return amount
        if isinstance(amount, int | Fraction):
            return cls({(): Fraction(amount)} if amount else {})
        raise NotPlain(f"{type(amount).__name__} is neither a whole number nor a fraction.")

    def rounded_up(self, by: int) -> Form:
        """A side after strides that multiply to ``by``: ``h16`` is ⌈H/16⌉."""
        if by == 1:
            return self
        if list(self.parts.values()) == [1]:
            ((monomial, _),) = self.parts.items()
            if len(monomial) == 1 and monomial[0][1] == 1 and monomial[0][0].isalpha():
                return Form.letter(f"{monomial[0][0].lower()}{by}")
        raise NotPlain("Only a letter is rounded up after a division.")

    def __add__(self, other: Any) -> Form:
        return Form(plus(self.parts, Form.of(other).parts))

    def __mul__(self, other: Any) -> Form:
        return Form(times(self.parts, Form.of(other).parts))

    def __neg__(self) -> Form:
        return self * -1

    def __sub__(self, other: Any) -> Form:
        return self + Form.of(other) * -1

    def __rsub__(self, other: Any) -> Form:
        return Form.of(other) - self

    def __truediv__(self, other: Any) -> Form:
        if not isinstance(other, int | Fraction):
            raise NotPlain("It divides by something other than a number.")
        return self * (1 / Fraction(other))

    def __pow__(self, power: Any) -> Form:
        if not isinstance(power, int) or power < 0:
            raise NotPlain("It raises to something other than a whole number.")
        made = Form.of(1)
        for _ in range(power):
            made = made * self
        return made

    __radd__ = __add__
    __rmul__ = __mul__

    def ordered(self) -> list[tuple[Monomial, Fraction]]:
        """The terms, highest powers of the first letter first, then of the next."""
        letters = sorted({letter for monomial in self.parts for letter, _ in monomial})

        def powers(part: tuple[Monomial, Fraction]) -> list[int]:
            held = dict(part[0])
            return [held.get(letter, 0) for letter in letters]

        return sorted(self.parts.items(), key=powers, reverse=True)
