"""Forms through the counts at values of a symbol: a polynomial, or one with a rounding in it.

What is tried, the simplest first: a polynomial of the symbol; one of a rounding of it; one of both;
and, for short periods, one whose coefficients repeat. More counts have to agree than were needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import product

import sympy

from vtbench.count.symbolic.axes import Axis
from vtbench.count.symbolic.forms import form_through
from vtbench.count.symbolic.region import Count
from vtbench.data.polynomial import coefficients
from vtbench.errors import Untraceable

Counts = dict[int, int]
"""Value -> count."""

_NEAR, _FAR = 9, 97
"""So many values around the example are counted for a polynomial, and for roundings."""
_HIGHEST = 5
_LONGEST_PERIOD = 32
_LONGEST_REPEAT = 4
_MORE = 3
"""So many more counts have to agree than a form has coefficients."""
_MOST_COUNTS = 200


def form_through_values(axes: Sequence[Axis], count: Count) -> sympy.Expr:
    """The simplest form that agrees with the counts around the example."""
    if len(axes) > 1:
        return _of_several(axes, count)
    (axis,) = axes
    for number in (_NEAR, _FAR):
        counts = _counts(axis, number, lambda value: count({axis.name: value}))
        for form in _forms(sympy.Symbol(axis.name, integer=True, positive=True), counts):
            return form
        if len(counts) == len(axis.values):
            break
    said = f"{axis.name} = {min(counts)} to {max(counts)}"
    raise Untraceable(
        f"the counts at {said} are not a polynomial of {axis.name} of degree {_HIGHEST} or less, "
        f"and not one with a rounding. Give a narrower range with --symbol "
        f"{axis.name}={axis.example}:LOW..HIGH, or a multiple, such as {axis.example}:2."
    )


def _counts(axis: Axis, number: int, count: Callable[[int], int]) -> Counts:
    """The counts at values around the example, as many on either side as there are."""
    first = max(0, min(axis.place - number // 2, len(axis.values) - number))
    return {int(value): count(int(value)) for value in axis.values[first : first + number]}


def _forms(x: sympy.Symbol, counts: Counts) -> Iterator[sympy.Expr]:
    found = _polynomial(counts)
    if found is not None:
        yield _written(x, found)
        return
    for period in range(2, _LONGEST_PERIOD + 1):
        for shift in range(period):
            yield from _with_rounding(x, counts, period, shift)
    for period in range(2, _LONGEST_REPEAT + 1):
        yield from _repeating(x, counts, period)


def _polynomial(counts: Counts, more: int = _MORE) -> list[Fraction] | None:
    """The polynomial of least degree through all counts; None if too few of them are left over."""
    xs, ys = ([Fraction(each) for each in side] for side in (counts.keys(), counts.values()))
    for degree in range(min(_HIGHEST, len(xs) - 1 - more) + 1):
        found = coefficients(xs[: degree + 1], ys[: degree + 1])
        if all(_at(found, x) == y for x, y in zip(xs, ys, strict=True)):
            return found
    return None


def _at(found: Sequence[Fraction], x: Fraction) -> Fraction:
    total = Fraction(0)
    for factor in reversed(found):
        total = total * x + factor
    return total


def _written(x: sympy.Expr, found: Sequence[Fraction]) -> sympy.Expr:
    return sympy.Add(*(_rational(factor) * x**power for power, factor in enumerate(found)))


def _rational(number: Fraction) -> sympy.Rational:
    return sympy.Rational(number.numerator, number.denominator)


def _with_rounding(
    x: sympy.Symbol, counts: Counts, period: int, shift: int
) -> Iterator[sympy.Expr]:
    """A polynomial of ``f = floor((x + shift) / period)``, or of f and x."""
    rounded = {value: (value + shift) // period for value in counts}
    steps = set(rounded.values())
    for degree in (1, 2):
        if len(steps) < degree + _MORE:
            return
        for basis in ([(0, j) for j in range(degree + 1)], _both(degree)):
            found = _solved(basis, counts, rounded)
            if found is None:
                continue
            f = sympy.floor((x + shift) / sympy.Integer(period))
            f = sympy.ceiling(x / sympy.Integer(period)) if shift == period - 1 else f
            powers = zip(found, basis, strict=True)
            yield sympy.Add(*(_rational(factor) * x**i * f**j for factor, (i, j) in powers))
            return


def _both(degree: int) -> list[tuple[int, int]]:
    powers = product(range(degree + 1), repeat=2)
    return [(i, j) for i, j in powers if i + j <= degree]


def _solved(
    basis: Sequence[tuple[int, int]], counts: Counts, rounded: Mapping[int, int]
) -> list[Fraction] | None:
    """The factors of products of powers that give every count; None if there are none."""
    if len(counts) < len(basis) + _MORE:
        return None
    rows = [[Fraction(x**i * rounded[x] ** j) for i, j in basis] + [Fraction(y)]
            for x, y in counts.items()]  # fmt: skip
    for column in range(len(basis)):
        pivot = next((row for row in rows[column:] if row[column]), None)
        if pivot is None:
            return None
        rows.remove(pivot)
        scaled = [each / pivot[column] for each in pivot]
        rows = [_without(row, scaled, column) for row in rows]
        rows.insert(column, scaled)
    if any(row[-1] for row in rows[len(basis) :]):
        return None
    return [row[-1] for row in rows[: len(basis)]]


def _without(row: list[Fraction], pivot: list[Fraction], column: int) -> list[Fraction]:
    factor = row[column]
    return [a - factor * b for a, b in zip(row, pivot, strict=True)] if factor else row


def _repeating(x: sympy.Symbol, counts: Counts, period: int) -> Iterator[sympy.Expr]:
    """A polynomial for each rest of the division by a period."""
    parts = []
    for rest in range(period):
        found = _polynomial({x: y for x, y in counts.items() if x % period == rest})
        if found is None:
            return
        parts.append(found)
    longest = max(map(len, parts))
    rests = [Fraction(rest) for rest in range(period)]
    total = sympy.Integer(0)
    for power in range(longest):
        factors = [part[power] if power < len(part) else Fraction(0) for part in parts]
        total += _written(sympy.Mod(x, period), coefficients(rests, factors)) * x**power
    yield total


def _counted(count: Count, example: Mapping[str, int | float], name: str, value: int) -> int:
    return count({**example, name: value})


def _of_several(axes: Sequence[Axis], count: Count) -> sympy.Expr:
    """The polynomial of several symbols, whose degree in each is that along a line."""
    example = {axis.name: axis.example for axis in axes}
    grid: list[list[int]] = []
    for axis in axes:
        line = _counts(axis, _NEAR, partial(_counted, count, example, axis.name))
        found = _polynomial(line)
        if found is None:
            raise Untraceable(
                f"the counts at {axis.name} = {min(line)} to {max(line)} are not a polynomial of "
                f"{axis.name} of degree {_HIGHEST} or less. Derive the form in {axis.name} alone, "
                "or give a narrower range of it."
            )
        grid.append(list(line)[: len(found)])
    if math.prod(map(len, grid)) > _MOST_COUNTS:
        raise Untraceable(
            f"a polynomial of {len(axes)} symbols takes more than {_MOST_COUNTS} counts; make "
            "fewer options symbols."
        )
    symbols = [sympy.Symbol(axis.name, integer=True, positive=True) for axis in axes]
    names = [axis.name for axis in axes]
    points = product(*grid)
    values = {at: count(dict(zip(names, at, strict=True))) for at in points}
    return form_through(symbols, values)
