"""Polynomials with exact coefficients: printed cost formulas, and what counts turn out to be.

A printed formula is read by the small grammar of closed forms, in which ``^`` and decimals stand
too, and is multiplied out. Two formulas are the same where their coefficients are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction

from vtbench.data.closed_form import Tree, parse
from vtbench.errors import BadInput, BadSuite

Monomial = tuple[tuple[str, int], ...]
"""Letters and their powers, by letter; ``()`` is the constant."""
Polynomial = Mapping[Monomial, Fraction]
"""Coefficients that are not zero."""

LONGEST = 400
"""Characters of a printed formula."""
MOST_PRODUCTS = 2000
"""Pairs of terms that a multiplication may have, so that no power of a long sum blows up."""
MOST_HALVINGS = 64
"""Denominators up to here give decimals that are short enough to read."""

_DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+(?![\w.])")
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def polynomial(text: str) -> Polynomial:
    """The polynomial that a formula such as ``3*CT^2*L + 1.5*L^2*CT`` spells, terms as printed."""
    if len(text) > LONGEST:
        raise BadSuite(f"a formula takes at most {LONGEST} characters.")
    plain = _DECIMAL.sub(lambda found: f"({Fraction(found.group())})", text.replace("^", "**"))
    try:
        tree = parse(plain)
    except BadInput as error:
        raise BadSuite(
            f"{text!r} is no formula: it may hold letters, numbers, + - * / ^ and parentheses."
        ) from error
    return _expanded(tree, text)


def _expanded(tree: Tree, whole: str) -> Polynomial:
    operation = tree[0]
    if operation == "number":
        return _cleaned({(): Fraction(tree[1])})
    if operation == "name":
        return {((tree[1], 1),): Fraction(1)}
    if operation == "**":
        base, made = _expanded(tree[1], whole), _cleaned({(): Fraction(1)})
        for _ in range(tree[2][1]):
            made = _product(made, base)
        return made
    if operation not in ("+", "-", "*", "/"):
        raise BadSuite(f"{whole!r} is no polynomial: it takes no {operation}.")
    left, right = (_expanded(part, whole) for part in tree[1:])
    if operation == "*":
        return _product(left, right)
    if operation == "/":
        divisor = right.get((), Fraction(0))
        if not divisor or len(right) > 1:
            raise BadSuite(f"{whole!r} is no polynomial: it divides by more than a number.")
        return {monomial: factor / divisor for monomial, factor in left.items()}
    sign = 1 if operation == "+" else -1
    total = dict(left)
    for monomial, factor in right.items():
        total[monomial] = total.get(monomial, Fraction(0)) + sign * factor
    return _cleaned(total)


def _product(left: Polynomial, right: Polynomial) -> Polynomial:
    if len(left) * len(right) > MOST_PRODUCTS:
        raise BadSuite("a formula of so many terms is longer than any that a paper prints.")
    total: dict[Monomial, Fraction] = {}
    for one, a in left.items():
        for other, b in right.items():
            powers = dict(one)
            for letter, power in other:
                powers[letter] = powers.get(letter, 0) + power
            monomial = tuple(sorted(powers.items()))
            total[monomial] = total.get(monomial, Fraction(0)) + a * b
    return _cleaned(total)


def _cleaned(form: Polynomial) -> Polynomial:
    return {monomial: factor for monomial, factor in form.items() if factor}


def letters(form: Polynomial) -> tuple[str, ...]:
    """The letters that a polynomial speaks of, each once, by alphabet."""
    return tuple(sorted({letter for monomial in form for letter, _ in monomial}))


def degree(form: Polynomial, letter: str) -> int:
    """The highest power of a letter."""
    return max((dict(monomial).get(letter, 0) for monomial in form), default=0)


def value(form: Polynomial, sizes: Mapping[str, Fraction | int]) -> Fraction:
    """The exact value of a polynomial at sizes of its letters."""
    total = Fraction(0)
    for monomial, factor in form.items():
        for letter, power in monomial:
            factor *= Fraction(sizes[letter]) ** power  # noqa: PLW2901  # a product grows in place
        total += factor
    return total


def written(form: Polynomial) -> str:
    """A polynomial for readers: ``3·CT²·L + 1.5·CT·L²``."""
    return _sum(_term(monomial, factor) for monomial, factor in form.items())


def named(monomial: Monomial) -> str:
    """A term without its coefficient: ``CT²·L``, or ``the constant``."""
    return "·".join(_power(*each) for each in monomial) or "the constant"


def _term(monomial: Monomial, factor: Fraction) -> str:
    powers = [_power(*each) for each in monomial]
    if powers and abs(factor) == 1:
        return f"{'-' if factor < 0 else ''}{'·'.join(powers)}"
    return "·".join([number(factor), *powers])


def _power(letter: str, power: int) -> str:
    return letter if power == 1 else f"{letter}{str(power).translate(_RAISED)}"


def number(factor: Fraction) -> str:
    """A coefficient: a decimal where it ends soon, else a fraction."""
    bottom = factor.denominator
    if bottom & (bottom - 1) or bottom > MOST_HALVINGS:
        return f"({factor})"
    whole, rest = divmod(abs(factor), 1)
    decimals = f"{float(rest):.6f}"[1:].rstrip("0").rstrip(".")  # sixths of a half end by then
    return f"{'-' if factor < 0 else ''}{whole}{decimals}"


def spelled(form: Polynomial) -> str:
    """The same as text that ``polynomial`` reads: ``3*CT^2*L + 3/2*CT*L^2``."""
    return _sum(
        "*".join([str(factor), *(f"{letter}^{power}" if power > 1 else letter
                                 for letter, power in monomial)])
        for monomial, factor in form.items()
    )  # fmt: skip


def _sum(terms: Iterable[str]) -> str:
    return " + ".join(terms).replace("+ -", "- ") or "0"
