"""Arithmetic of sizes: polynomials with whole coefficients, and floors that have one name each.

Shapes are made of sizes by sums, products and divisions that round down. Two roundings that are
the same function of the same size get the same name, ``floor((p·x + c) / q)`` with 0 <= c < q, so
that what is equal also looks equal: padding a side to a multiple of 7 and cutting it into windows
of 7 gives back the side that it came from. Whether two roundings are the same function is settled
on a table of the first sizes, which is longer than the periods that occur.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any, NamedTuple

import numpy as np
import sympy

TABLE = 4096
"""How many sizes a rounding is tabulated for."""

Expr = Any
"""An expression of sympy, which ships no types."""
Values = np.ndarray[tuple[int], np.dtype[np.int64]]


class Floor(NamedTuple):
    """What a named rounding stands for."""

    size: sympy.Symbol | None
    """The one size it depends on; None if there are several."""
    slope: Fraction | None
    """Its growth with that size; None if it is not eventually linear."""
    shift: int
    """c of ``floor((p·x + c) / q)``."""
    values: Values | None
    """Its values at the sizes 1, 2, 3, ..."""
    meaning: Expr | None = None
    """What it is where it is not of that form."""


class Floors:
    """The roundings that one trace has met, by name."""

    def __init__(self) -> None:
        self.named: dict[sympy.Symbol, Floor] = {}
        self.rates: set[sympy.Symbol] = set()
        self._names: dict[object, sympy.Symbol] = {}
        self._quotients: dict[tuple[Expr, Expr], Expr] = {}

    def add_size(self, size: sympy.Symbol) -> None:
        """A size that everything else is made of."""
        self.named[size] = Floor(size, Fraction(1), 0, np.arange(1, TABLE + 1, dtype=np.int64))

    def add_rate(self, rate: sympy.Symbol) -> None:
        """A fraction: what it multiplies is whole only once it is rounded."""
        self.rates.add(rate)

    def whole(self, expression: Expr) -> bool:
        """Whether an expression without a fraction in it is a whole number."""
        return not expression.free_symbols & self.rates

    def quotient(self, number: Expr, by: Expr) -> Expr:
        """``number // by``, rounded down."""
        if not (self.whole(number) and self.whole(by)):
            return self._opaque(sympy.floor(sympy.expand(number / by)))
        key = (number, by)
        if key not in self._quotients:
            self._quotients[key] = self._quotient(number, by)
        return self._quotients[key]

    def _quotient(self, number: Expr, by: Expr) -> Expr:
        if by.is_Integer and by < 0:
            return self.quotient(-number, -by)
        if not by.is_Integer:
            return self._exact(number, by) or self._opaque(sympy.floor(number / by))
        if number.is_Add and not number.is_number:
            found = self._rounded(number, by)
            if found is not None:
                return found
        whole, rest = sympy.Integer(0), sympy.Integer(0)
        for term in sympy.Add.make_args(number):
            coefficient, _ = term.as_coeff_Mul()
            if coefficient % by == 0:
                whole += term / by
            else:
                rest += term
        if rest.is_Integer:
            return whole + rest // by
        found = self._rounded(rest, by)
        return whole + (self._opaque(sympy.floor(rest / by)) if found is None else found)

    def _rounded(self, number: Expr, by: Expr) -> Expr | None:
        """``number // by`` as one rounding of one size, where it is that."""
        size, values = self.tabulated(number)
        if size is None or values is None:
            return None
        slope = self.slope(number)
        return self._linear(size, slope and slope / int(by), values // int(by))

    def _exact(self, number: Expr, by: Expr) -> Expr | None:
        """The quotient where it is a polynomial with whole coefficients."""
        quotient, rest = sympy.div(number, by, *sorted(by.free_symbols, key=str))
        if rest != 0:
            return None
        quotient = sympy.expand(quotient)
        whole = all(t.as_coeff_Mul()[0].is_Integer for t in sympy.Add.make_args(quotient))
        return quotient if whole else None

    def normal(self, expression: Expr) -> Expr:
        """The expression, as a multiple of one rounding where it is that."""
        if not expression.is_Add:
            return expression
        key = (expression, sympy.Integer(1))
        if key not in self._quotients:
            self._quotients[key] = self._normal(expression)
        return self._quotients[key]

    def _normal(self, expression: Expr) -> Expr:
        terms = [t.as_coeff_Mul() for t in expression.args if not t.is_number]
        if len(terms) < 2 or any(rest not in self.named for _, rest in terms):
            return expression
        common = sympy.Integer(gcd(*(int(coefficient) for coefficient, _ in terms)))
        constant, rest = expression.as_coeff_Add()
        found = self._rounded(sympy.expand(rest / common), sympy.Integer(1))
        return expression if found is None else common * found + constant

    def larger(self, one: Expr, other: Expr) -> Expr:
        """The larger of two."""
        return self._extreme(sympy.Max, one, other)

    def smaller(self, one: Expr, other: Expr) -> Expr:
        """The smaller of two."""
        return self._extreme(sympy.Min, one, other)

    def _extreme(self, kind: Any, one: Expr, other: Expr) -> Expr:
        difference = sympy.expand(one - other if kind is sympy.Max else other - one)
        if difference.is_number:
            return one if difference >= 0 else other
        _, values = self.tabulated(difference)
        if values is not None and bool((values >= 0).all()):
            return one
        if values is not None and bool((values <= 0).all()):
            return other
        return self._opaque(kind(one, other, evaluate=False))

    def slope(self, expression: Expr) -> Fraction | None:
        """Growth per step of the size, if the expression is linear in named roundings."""
        total = Fraction(0)
        for term in sympy.Add.make_args(expression):
            coefficient, rest = term.as_coeff_Mul()
            if rest == 1:
                continue
            floor = self.named.get(rest)
            if floor is None or floor.slope is None:
                return None
            total += Fraction(int(coefficient)) * floor.slope
        return total

    def tabulated(self, expression: Expr) -> tuple[sympy.Symbol | None, Values | None]:
        """The one size that an expression depends on, and its values; None if there are more."""
        sizes = {self.named[s].size if s in self.named else None for s in expression.free_symbols}
        if len(sizes) != 1 or None in sizes:
            return None, None
        return sizes.pop(), self._values(expression)

    def _values(self, expression: Expr) -> Values | None:
        total: Values = np.zeros(TABLE, dtype=np.int64)
        for term in sympy.Add.make_args(expression):
            product: Values = np.ones(TABLE, dtype=np.int64)
            for factor in sympy.Mul.make_args(term):
                base, exponent = factor.as_base_exp()
                if base.is_Integer and exponent == 1:
                    product = product * int(base)
                    continue
                floor = self.named.get(base)
                if floor is None or floor.values is None or not exponent.is_nonnegative:
                    return None
                product = product * floor.values ** int(exponent)
            total = total + product
        return total

    def _linear(self, size: sympy.Symbol, slope: Fraction | None, values: Values) -> Expr | None:
        """Values as a whole multiple of the size plus ``floor((p·x + c) / q)`` plus a number."""
        if slope is None:
            return None
        whole = int(slope) if abs(slope - int(slope)) <= Fraction(1, 2) else round(slope)
        p, q = (slope - whole).numerator, slope.denominator
        if q > TABLE // 4:
            return None
        sign = -1 if p < 0 else 1
        x = np.arange(1, TABLE + 1, dtype=np.int64)
        # sign·(values - whole·x) = floor((|p|·x + c) / q) for every x that is in the table
        gap = q * sign * (values - whole * x) - abs(p) * x
        low, high = int(gap.max()), int(gap.min()) + q - 1
        if low > high:
            return None
        number, shift = divmod(low, q)
        rounded = self._floor(size, abs(p), q, shift) if p else sympy.Integer(0)
        return whole * size + sign * (rounded + number)

    def _floor(self, size: sympy.Symbol, p: int, q: int, shift: int) -> sympy.Symbol:
        key = (size, p, q, shift)
        if key not in self._names:
            x = np.arange(1, TABLE + 1, dtype=np.int64)
            name = self._names[key] = sympy.Symbol(f"f{len(self._names)}", integer=True)
            self.named[name] = Floor(size, Fraction(p, q), shift, (p * x + shift) // q)
        return self._names[key]

    def nearest(self, number: Expr) -> Expr:
        """The nearest whole number, and of two equally near the even one, as Python rounds."""
        half = sympy.Rational(1, 2)
        _, by = sympy.fraction(sympy.together(number))
        if by.is_Integer and by % 2 and self.whole(number):
            return floor_of(self, number + half)  # no value lies in the middle
        # the last two are 1 apart unless the number lies in the middle, below an odd one
        quarter = self.spelled_out(sympy.expand(2 * number - 1) / 4)
        up = sympy.floor(self.spelled_out(sympy.expand(number)) + half)
        even = sympy.ceiling(quarter) - sympy.floor(quarter) - 1
        return self._opaque(sympy.Add(up, even, evaluate=False))

    def _opaque(self, meaning: Expr) -> sympy.Symbol:
        """A name for a rounding, a maximum or a minimum that is not a floor of one size."""
        if meaning.func is sympy.floor and meaning.args[0].could_extract_minus_sign():
            return -self._opaque(sympy.ceiling(-meaning.args[0]))
        if meaning not in self._names:
            name = self._names[meaning] = sympy.Symbol(f"f{len(self._names)}", integer=True)
            self.named[name] = self._described(meaning)
        return self._names[meaning]

    def _described(self, meaning: Expr) -> Floor:
        nothing = Floor(None, None, 0, None, meaning)
        if meaning.func in (sympy.floor, sympy.ceiling):
            if len(meaning.free_symbols) == 1 and not self.whole(meaning):
                return Floor(meaning.free_symbols.pop(), None, 0, None, meaning)
            numerator, denominator = sympy.fraction(sympy.together(meaning.args[0]))
            size, values = self.tabulated(numerator)
            if size is None or values is None or not denominator.is_Integer:
                return nothing
            sign = 1 if meaning.func is sympy.floor else -1
            return Floor(size, None, 0, sign * (sign * values // int(denominator)), meaning)
        if meaning.func not in (sympy.Max, sympy.Min):
            return nothing
        sizes = {self.tabulated(part)[0] for part in meaning.args if not part.is_number}
        parts = [part for part in map(self._part, meaning.args) if part is not None]
        if len(sizes) != 1 or None in sizes or len(parts) < len(meaning.args):
            return nothing
        largest = meaning.func is sympy.Max
        slopes = [slope for slope in map(self.slope, meaning.args) if slope is not None]
        slope = (max if largest else min)(slopes) if len(slopes) == len(parts) else None
        values = (np.maximum if largest else np.minimum).reduce(parts)
        return Floor(sizes.pop(), slope, 0, values, meaning)

    def _part(self, part: Expr) -> Values | None:
        if part.is_Integer:
            return np.full(TABLE, int(part), dtype=np.int64)
        return self._values(part)

    def spelled_out(self, expression: Expr) -> Expr:
        """The expression with every name replaced by what it stands for."""
        names = expression.free_symbols & self.named.keys()
        names = {name for name in names if self.named[name].size is not name}
        if not names:
            return expression
        return expression.xreplace({name: self._meaning(name) for name in names})

    def _meaning(self, name: sympy.Symbol) -> Expr:
        floor = self.named[name]
        if floor.meaning is not None:
            meaning = floor.meaning
            parts = [self.spelled_out(part) for part in meaning.args]
            return meaning.func(*parts)
        if floor.slope is None or floor.size is None:
            return name
        p, q = floor.slope.numerator, floor.slope.denominator
        if floor.shift == q - 1:
            return sympy.ceiling(sympy.Rational(p, q) * floor.size)
        return sympy.floor((p * floor.size + floor.shift) / sympy.Integer(q))


def product(floors: Floors, one: Any, other: Any) -> Any:
    """A product, multiplied out if a factor is a sum."""
    del floors
    if one.is_Add or other.is_Add:
        return sympy.expand(one * other)
    return one * other


def modulo(floors: Floors, one: Any, other: Any) -> Any:
    """What a division with rest leaves."""
    return floors.normal(sympy.expand(one - other * floors.quotient(one, other)))


def floor_of(floors: Floors, number: Any) -> Any:
    """The largest whole number that is not above a quotient."""
    number, by = sympy.fraction(sympy.together(number))
    number = sympy.expand(number)
    return number if by == 1 and floors.whole(number) else floors.quotient(number, by)


def ceiling_of(floors: Floors, number: Any) -> Any:
    """The smallest whole number that is not below a quotient."""
    return -floor_of(floors, -number)


def rounded(floors: Floors, number: Any) -> Any:
    """The nearest whole number."""
    return floors.nearest(number)
