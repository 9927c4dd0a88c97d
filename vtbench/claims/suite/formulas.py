"""Formulas in suites: printed cost formulas, and arithmetic over claims.

Arithmetic over claims may hold their names, numbers, + - * / and min, max, abs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from vtbench.claims.suite.interval import Interval
from vtbench.data.grammar import MOST_ARGUMENTS, Grammar, Tree, folded, names, parse
from vtbench.data.polynomial import PRINTED, Polynomial, multiplied_out, printed_tree
from vtbench.errors import BadInput, BadSuite

LONGEST = 600
"""Characters of arithmetic as a suite writes it."""
ARITHMETIC = Grammar(
    longest=255 * LONGEST,  # a set is the arithmetic of all its members
    operators=("+", "-", "*", "/"),
    functions={"max": (1, MOST_ARGUMENTS), "min": (1, MOST_ARGUMENTS), "abs": (1, 1)},
    decimals=True,
    dotted=True,
)
_NAME = re.compile(r"(?<![\w.])[A-Za-z_][\w.]*")


def polynomial(text: str) -> Polynomial:
    """The polynomial that a printed formula spells; BadSuite if it is not one."""
    if len(text) > PRINTED.longest:
        raise BadSuite(f"a formula may have at most {PRINTED.longest} characters.")
    try:
        tree = printed_tree(text)
    except BadInput as error:
        raise BadSuite(
            f"{text!r} is not a formula: it may hold letters, numbers, + - * / ^ and parentheses."
        ) from error
    try:
        return multiplied_out(tree)
    except BadInput as error:
        raise BadSuite(f"{text!r} is not a polynomial: {error}") from error


def names_in(expression: str) -> tuple[str, ...]:
    """The claims that an expression speaks of, each once, in order."""
    return names(_parsed(expression))


def refuse_no_arithmetic(expression: str) -> None:
    """BadSuite if what a suite writes is no arithmetic over claims."""
    if len(expression) > LONGEST:
        raise BadSuite(f"arithmetic over claims may have at most {LONGEST} characters.")
    _parsed(expression)


def with_names(expression: str, named: Callable[[str], str]) -> str:
    """An expression with something else in the place of each name."""

    def replaced(found: re.Match[str]) -> str:
        name = found.group()
        return name if name in ARITHMETIC.functions else named(name)

    return _NAME.sub(replaced, expression)


@functools.cache
def _parsed(expression: str) -> Tree:
    try:
        return parse(expression, ARITHMETIC)
    except BadInput as error:
        raise BadSuite(
            f"{expression!r} is not arithmetic over claims: it may hold their names, numbers, "
            "+ - * /, max, min, and abs of one of them."
        ) from error


def value_of(expression: str, values: Mapping[str, Decimal]) -> Decimal:
    """The value of an expression whose names have values; dividing by zero is refused."""
    point = interval_of(expression, {name: Interval(v, v) for name, v in values.items()})
    return point.low


def interval_of(expression: str, values: Mapping[str, Interval]) -> Interval:
    """Every value that an expression can take when each name is anywhere in its range.

    A name that occurs twice is treated as two independent figures, which can only widen the
    range: a contradiction found is a contradiction.
    """

    def leaf(kind: str, given: Any) -> Interval:
        return values[given] if kind == "name" else Interval(Decimal(given), Decimal(given))

    return folded(_parsed(expression), leaf, _OVER_INTERVALS)


def _product(a: Interval, b: Interval) -> Interval:
    corners = [x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Interval(min(corners), max(corners))


def _quotient(a: Interval, b: Interval) -> Interval:
    if b.low <= 0 <= b.high:
        raise BadSuite("An expression divides by a figure that may be zero.")
    corners = [x / y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Interval(min(corners), max(corners))


def _absolute(a: Interval) -> Interval:
    ends = (abs(a.low), abs(a.high))
    return Interval(Decimal(0) if a.low <= 0 <= a.high else min(ends), max(ends))


def _chosen(choose: Callable[..., Decimal]) -> Callable[..., Interval]:
    return lambda *parts: Interval(
        choose(part.low for part in parts), choose(part.high for part in parts)
    )


_OVER_INTERVALS: Mapping[str, Callable[..., Interval]] = MappingProxyType(
    {
        "+": lambda a, b: Interval(a.low + b.low, a.high + b.high),
        "-": lambda a, b: Interval(a.low - b.high, a.high - b.low),
        "*": _product,
        "/": _quotient,
        "abs": _absolute,
        "max": _chosen(max),
        "min": _chosen(min),
    }
)
