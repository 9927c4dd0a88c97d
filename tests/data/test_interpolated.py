"""Closed forms through some values of a cost, and held at the others."""

from __future__ import annotations

from fractions import Fraction

import pytest

from vtbench.data.cost.interpolated import along, between
from vtbench.data.polynomial import value_at


def quadratic(x):
    return 3 * x * x - 40 * x + 500


def test_one_polynomial_over_all_values():
    found = along("r", 1, [quadratic(x) for x in range(1, 20)])
    assert (found.first, found.last, len(found.forms)) == (1, 19, 1)
    assert found.forms[0].parts == {(("r", 2),): 3, (("r", 1),): -40, (): 500}


def test_even_and_odd_values_may_differ():
    found = along("r", 3, [quadratic(x) + 7 * (x % 2) for x in range(3, 40)])
    assert (found.last, len(found.forms)) == (39, 2)
    even, odd = found.forms
    assert (even.parts[()], odd.parts[()]) == (500, 507)


def test_a_stretch_ends_before_the_value_that_differs():
    costs = [quadratic(x) for x in range(30)]
    costs[21] += 1
    assert along("r", 0, costs).last == 20


@pytest.mark.parametrize(
    "costs",
    [
        [2**x for x in range(40)],
        [quadratic(x) for x in range(5)],  # nothing is left to hold it at
        [],
    ],
)
def test_what_no_polynomial_gives_has_no_stretch(costs):
    assert along("r", 0, costs) is None


def test_several_letters_and_a_point_that_refutes():
    def cost(at):
        return at["a"] ** 2 * 5 + at["a"] * at["b"] - at["b"] + 9

    sizes = {"a": [10, 11, 12], "b": [3, 4, 5]}
    form = between(sizes, [{"a": 1, "b": 2}], cost)
    assert form.parts == {(("a", 2),): 5, (("a", 1), ("b", 1)): 1, (("b", 1),): -1, (): 9}
    assert value_at(form.parts, {"a": 7, "b": Fraction(1, 2)}) == cost({"a": 7, "b": 0.5})
    assert between(sizes, [{"a": 1, "b": 2}], lambda at: cost(at) + (at["a"] == 1)) is None
