"""Polynomials with exact coefficients: from a formula, through points, and as text.

Two formulas are the same where their coefficients are. A polynomial of degree n - 1 or less in
each letter is settled by its values at every combination of n sizes of each: there is one through
them and no other. What has a lower degree than that was confirmed at more sizes than it took to
find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import MappingProxyType
from typing import Any

from vtbench.data.closed_form import FORMS
from vtbench.data.grammar import Grammar, Tree, folded, parse
from vtbench.errors import BadInput

Monomial = tuple[tuple[str, int], ...]
"""Letters and their powers, by letter; ``()`` is the constant."""
Polynomial = Mapping[Monomial, Fraction]
"""Coefficients that are not zero."""
Points = Mapping[tuple[int, ...], Fraction]
"""Place on each axis -> value."""

PRINTED = Grammar(longest=400, functions=FORMS.functions, decimals=True)
"""Formulas as papers print them; of functions it can be said that a polynomial has none."""
MOST_PRODUCTS = 2000
"""Pairs of terms that a multiplication may have, so that no power of a long sum blows up."""
MOST_HALVINGS = 64
"""Denominators up to here give decimals that are short enough to read."""

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


# From a formula


def printed_tree(text: str) -> Tree:
    """The tree of a printed formula, in which ``^`` stands too."""
    return parse(text.replace("^", "**"), PRINTED)


def multiplied_out(tree: Tree) -> Polynomial:
    """The polynomial that a formula is, terms in its order; BadInput if it is none."""
    return folded(tree, _leaf, _OPERATIONS)


def _leaf(kind: str, value: Any) -> Polynomial:
    return {((value, 1),): Fraction(1)} if kind == "name" else _cleaned({(): Fraction(value)})


def plus(left: Polynomial, right: Polynomial, sign: int = 1) -> Polynomial:
    """The sum of two polynomials."""
    total = dict(left)
    for monomial, factor in right.items():
        total[monomial] = total.get(monomial, Fraction(0)) + sign * factor
    return _cleaned(total)


def _difference(left: Polynomial, right: Polynomial) -> Polynomial:
    return plus(left, right, -1)


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    """The product of two polynomials."""
    if len(left) * len(right) > MOST_PRODUCTS:
        raise BadInput("it has so many terms that no paper would print it.")
    total: dict[Monomial, Fraction] = {}
    for one, a in left.items():
        for other, b in right.items():
            powers = dict(one)
            for letter, power in other:
                powers[letter] = powers.get(letter, 0) + power
            monomial = tuple(sorted(powers.items()))
            total[monomial] = total.get(monomial, Fraction(0)) + a * b
    return _cleaned(total)


def _quotient(left: Polynomial, right: Polynomial) -> Polynomial:
    divisor = right.get((), Fraction(0))
    if not divisor or len(right) > 1:
        raise BadInput("it divides by something other than a number.")
    return {monomial: factor / divisor for monomial, factor in left.items()}


def _raised(base: Polynomial, power: Polynomial) -> Polynomial:
    made: Polynomial = {(): Fraction(1)}
    for _ in range(int(power.get((), 0))):
        made = times(made, base)
    return made


def _none_such(function: str) -> Callable[..., Polynomial]:
    def refused(*_: Polynomial) -> Polynomial:
        raise BadInput(f"it may not use {function}.")

    return refused


def _cleaned(form: Polynomial) -> Polynomial:
    return {monomial: factor for monomial, factor in form.items() if factor}


_OPERATIONS: Mapping[str, Callable[..., Polynomial]] = MappingProxyType(
    {
        "+": plus,
        "-": _difference,
        "*": times,
        "/": _quotient,
        "**": _raised,
        **{function: _none_such(function) for function in PRINTED.functions},
    }
)


# What it is


def letters(form: Polynomial) -> tuple[str, ...]:
    """The letters that a polynomial speaks of, each once, by alphabet."""
    return tuple(sorted({letter for monomial in form for letter, _ in monomial}))


def degree(form: Polynomial, letter: str) -> int:
    """The highest power of a letter."""
    return max((dict(monomial).get(letter, 0) for monomial in form), default=0)


def value_at(form: Polynomial, sizes: Mapping[str, Fraction | int]) -> Fraction:
    """The exact value of a polynomial at sizes of its letters."""
    total = Fraction(0)
    for monomial, factor in form.items():
        for letter, power in monomial:
            factor *= Fraction(sizes[letter]) ** power  # noqa: PLW2901  # a product grows in place
        total += factor
    return total


# Through points


def coefficients(xs: Sequence[Fraction], ys: Sequence[Fraction]) -> list[Fraction]:
    """The one polynomial of degree n - 1 or less through n points, its constant first.

    By Newton's divided differences, multiplied out from the innermost.
    """
    steps = list(ys)
    for order in range(1, len(xs)):
        for place in range(len(xs) - 1, order - 1, -1):
            rise = steps[place] - steps[place - 1]
            steps[place] = rise / (xs[place] - xs[place - order])
    found = [Fraction(0)] * len(xs)
    for step, x in zip(reversed(steps), reversed(xs), strict=True):
        found = [(found[k - 1] if k else step) - x * found[k] for k in range(len(xs))]
    return found


def through(axes: Mapping[str, Sequence[Fraction]], values: Points) -> Polynomial:
    """The polynomial through values at every combination of sizes, letter by letter."""
    table = dict(values)
    lengths = [range(len(sizes)) for sizes in axes.values()]
    for axis, sizes in enumerate(axes.values()):
        others = [each if place != axis else range(1) for place, each in enumerate(lengths)]
        for start in product(*others):
            line = [(*start[:axis], place, *start[axis + 1 :]) for place in lengths[axis]]
            factors = coefficients(sizes, [table[key] for key in line])
            table |= dict(zip(line, factors, strict=True))
    return {_monomial(axes, powers): factor for powers, factor in table.items() if factor}


def _monomial(letters: Iterable[str], powers: Iterable[int]) -> Monomial:
    return tuple(sorted((letter, p) for letter, p in zip(letters, powers, strict=True) if p))


# As text


def written(form: Polynomial) -> str:
    """A polynomial for readers: ``3·CT²·L + 1.5·CT·L²``."""
    return joined(term(monomial, factor) for monomial, factor in form.items())


def spelled(form: Polynomial) -> str:
    """The same as text that is read again: ``3*CT^2*L + 3/2*CT*L^2``."""
    return joined(
        "*".join([str(factor), *(f"{letter}^{power}" if power > 1 else letter
                                 for letter, power in monomial)])
        for monomial, factor in form.items()
    )  # fmt: skip


def joined(terms: Iterable[str], minus: str = "-") -> str:
    """A sum of terms, each with its sign."""
    return " + ".join(terms).replace("+ -", f"{minus} ") or "0"


def term(powers: Iterable[tuple[str, int]], factor: Fraction) -> str:
    """One term: ``1.5·CT·L²``."""
    named_powers = [_power(*each) for each in powers]
    if named_powers and abs(factor) == 1:
        return f"{'-' if factor < 0 else ''}{'·'.join(named_powers)}"
    return "·".join([number(factor), *named_powers])


def named(monomial: Monomial) -> str:
    """A term without its coefficient: ``CT²·L``, or ``the constant``."""
    return "·".join(_power(*each) for each in monomial) or "the constant"


def _power(letter: str, power: int) -> str:
    return letter if power == 1 else f"{letter}{raised(str(power))}"


def raised(digits: str) -> str:
    """A power as it stands after its letter: ``²``."""
    return digits.translate(_RAISED)


def number(factor: Fraction) -> str:
    """A coefficient: a decimal where it ends soon, else a fraction."""
    bottom = factor.denominator
    if bottom & (bottom - 1) or bottom > MOST_HALVINGS:
        return f"({factor})"
    whole, rest = divmod(abs(factor), 1)
    decimals = f"{float(rest):.6f}"[1:].rstrip("0").rstrip(".")  # sixths of a half end by then
    return f"{'-' if factor < 0 else ''}{whole}{decimals}"
