"""Forms as data: the grammar that reads them, their exact values, and their conditions."""

from __future__ import annotations

import math

import pytest

from vtbench.data.closed_form import Formula, holds, names, parse, value
from vtbench.errors import BadInput


@pytest.mark.parametrize(
    ("text", "sizes", "expected"),
    [
        ("2*B*H**2 - 3*W", {"B": 2, "H": 5, "W": 7}, 2 * 2 * 25 - 21),
        ("9*B*H*W/64", {"B": 1, "H": 16, "W": 16}, 9 * 4),
        ("floor((H + 1)/4)*ceiling(W/32)", {"H": 10, "W": 33}, 2 * 2),
        ("Mod(H, 7) + Max(H, W) + Min(H, W, 3)", {"H": 9, "W": 4}, 2 + 9 + 3),
        ("-H + +W*(B - 1)", {"H": 3, "W": 5, "B": 3}, -3 + 10),
        ("10**16*H", {"H": 10**12}, 10**28),
    ],
)
def test_a_form_has_its_exact_value(text, sizes, expected):
    assert value(parse(text), sizes) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "H.real",
        "(lambda: 1)()",
        "[H for H in (1,)]",
        "H if W else B",
        "1.5*H",
        "H**W",
        "H**17",
        "(H**9)**9",
        "floor(H, 2)",
        "eval(H)",
        "H and W",
        "True",
        "",
        "H +",
        "(" * 3000,
        "1" * 200_001,
    ],
)
def test_what_is_outside_the_grammar_is_refused_in_a_sentence(text):
    with pytest.raises(BadInput) as refused:
        parse(text)
    assert str(refused.value).endswith(".")
    assert len(str(refused.value)) < 250


def test_a_form_names_the_sizes_that_it_needs():
    tree = parse("B*H + T")
    assert names(tree) == {"B", "H", "T"}
    with pytest.raises(BadInput, match="needs a value of T"):
        value(tree, {"B": 1, "H": 2})


def test_a_value_that_is_no_whole_number_is_never_rounded():
    with pytest.raises(BadInput, match="is not valid at H=3"):
        value(parse("H/2"), {"H": 3})


def test_floors_are_exact_where_floating_point_would_not_be():
    big = 2**70 + 1
    assert value(parse("floor(H/2)"), {"H": big}) == 2**69
    assert value(parse("ceiling(H/2)"), {"H": big}) == 2**69 + 1
    assert math.floor(big / 2) != 2**69 + 1  # the point of the test


def test_conditions_are_multiples_least_sizes_fixed_sizes_and_squares():
    form = Formula(model="x", multiple_of={"H": 16}, at_least={"W": 32}, square=False)
    assert holds(form, {"H": 32, "W": 33})
    assert not holds(form, {"H": 33, "W": 33})
    assert not holds(form, {"H": 32, "W": 31})
    fixed = Formula(model="x", fixed={"H": 224})
    assert holds(fixed, {"H": 224})
    assert holds(fixed, {"B": 2})
    assert not holds(fixed, {"H": 225})
    assert not holds(Formula(model="x", square=True), {"H": 2, "W": 3})


def test_comparisons_of_sizes_are_conditions_too():
    """A text model has 77 positions; one of a size that is not given says nothing."""
    form = Formula(model="x", where=("T <= 77", "floor(H/32) > Max(1, W - 4)"))
    assert holds(form, {"T": 77})
    assert not holds(form, {"T": 78})
    assert holds(form, {"T": 1, "H": 96, "W": 6})  # 3 > 2
    assert not holds(form, {"T": 1, "H": 95, "W": 6})  # 2 > 2


@pytest.mark.parametrize(
    ("comparison", "below", "same", "above"),
    [
        ("T < 5", True, False, False),
        ("T <= 5", True, True, False),
        ("T = 5", False, True, False),
        ("T != 5", True, False, True),
        ("T >= 5", False, True, True),
        ("T > 5", False, False, True),
    ],
)
def test_every_comparison_is_read(comparison, below, same, above):
    form = Formula(model="x", where=(comparison,))
    assert [holds(form, {"T": size}) for size in (4, 5, 6)] == [below, same, above]
