"""Polynomials and the grammar below them: one printer, one interpolation, several vocabularies."""

from decimal import Decimal
from fractions import Fraction

import pytest
import sympy

from vtbench.count.symbolic.forms import form_through
from vtbench.data.grammar import Grammar, folded, names, parse
from vtbench.data.polynomial import (
    joined,
    multiplied_out,
    printed_tree,
    spelled,
    term,
    through,
    written,
)
from vtbench.errors import BadInput
from vtbench.report.algebra import pretty

PLAIN = Grammar(longest=100, operators=("+", "*"))


def read(text):
    return multiplied_out(printed_tree(text))


@pytest.mark.parametrize("text", ["3*C^2*L + 1.5*C*L^2", "7", "2*H^2 + (1/3)*H", "0.140625*W^3"])
def test_both_printers_of_polynomials_agree(text):
    form = sympy.expand(sympy.sympify(text.replace("^", "**"), rational=True))
    assert sorted(pretty(form).split(" + ")) == sorted(written(read(text)).split(" + "))
    assert read(spelled(read(text))) == read(text)


def test_decimals_are_read_as_they_stand_and_not_as_floats():
    assert read("0.1234567890123456789*L") == {(("L", 1),): Fraction("0.1234567890123456789")}
    grammar = Grammar(longest=100, decimals=True)
    assert parse("2.50", grammar) == ("number", Decimal("2.50"))
    for text in ("1e999999999", "1e-999999999", "1j", "1e400*L"):
        with pytest.raises(BadInput):
            parse(text, grammar)


@pytest.mark.parametrize("text", ["a - b", "a ** 2", "a.b", "1.5", "max(a)", "a / 2"])
def test_a_vocabulary_holds_nothing_that_it_does_not_name(text):
    with pytest.raises(BadInput, match=r"may hold whole numbers, names, \+ \*, parentheses; "):
        parse(text, PLAIN)


def test_a_tree_is_folded_from_its_leaves_up():
    tree = parse("2*(a + b)*a", PLAIN)
    assert names(tree) == ("a", "b")
    sizes = {"a": 3, "b": 4}
    operations = {"+": lambda x, y: x + y, "*": lambda x, y: x * y}
    assert folded(tree, lambda kind, at: sizes.get(at, at), operations) == 2 * 7 * 3


def test_a_polynomial_through_points_is_the_same_for_readers_and_for_sympy():
    h, b = sympy.symbols("h b", integer=True, positive=True)
    form = 3 * b * h**2 + b * h / 2 - 5 * h + 7
    values = {(x, y): form.subs({h: x, b: y}) for x in (2, 4, 6) for y in (2, 4)}
    assert form_through([h, b], values) == sympy.expand(form)
    sizes = {"h": [Fraction(2), Fraction(4), Fraction(6)], "b": [Fraction(2), Fraction(4)]}
    places = {
        (i, j): Fraction(int(values[2 * i + 2, 2 * j + 2])) for i in (0, 1, 2) for j in (0, 1)
    }
    assert read(spelled(through(sizes, places))) == through(sizes, places)
    assert form_through([], {(): 5}) == 5


def test_signs_stand_between_terms():
    assert joined([term([("L", 2)], Fraction(1)), term([], Fraction(-3, 2))]) == "L² - 1.5"
    assert joined(["a", "-b"], minus="−") == "a − b"
    assert joined([]) == "0"
