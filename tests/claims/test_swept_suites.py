"""Claims of all sizes as suites write them: formulas, growth, sweeps, and every mistake."""

from decimal import Decimal
from fractions import Fraction as F

import pytest
from swept_claims import FORMULA, GROWTH, suite

from vtbench.claims.judge import judge, parts_named, wanted
from vtbench.claims.judge.workloads import points_of
from vtbench.claims.suite.formulas import polynomial
from vtbench.claims.suite.sweeps import growth, values_of
from vtbench.data.polynomial import degree, letters, spelled, value_at, written
from vtbench.data.workload import Workload
from vtbench.errors import BadSuite
from vtbench.report import Rendering
from vtbench.report.checking import check_document


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("3*CT^2*L + 1.5*L^2*CT", {(("CT", 2), ("L", 1)): F(3), (("CT", 1), ("L", 2)): F(3, 2)}),
        ("1.5*(H*W)**2", {(("H", 2), ("W", 2)): F(3, 2)}),
        ("(a + b)^2 - a^2 - b^2", {(("a", 1), ("b", 1)): F(2)}),
        ("(resolution/16)^2 + 1", {(("resolution", 2),): F(1, 256), (): F(1)}),
        ("-L/3 + .5", {(("L", 1),): F(-1, 3), (): F(1, 2)}),
        ("L - L", {}),
        ("L^0", {(): F(1)}),
    ],
)
def test_a_formula_is_multiplied_out_exactly(text, terms):
    assert polynomial(text) == terms
    assert polynomial(spelled(polynomial(text))) == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3*", "is not a formula"),
        ("exit(1)", "is not a formula"),
        ("L.real", "is not a formula"),
        ("[1]", "is not a formula"),
        ("L^1.5", "is not a formula"),
        ("L^17", "is not a formula"),
        ("floor(L/2)", "is not a polynomial: it may not use floor"),
        ("1/L", "divides by something other than a number"),
        ("L/0", "divides by something other than a number"),
        ("(a+b+c+d+e+f+g+h)^16", "has so many terms"),
        ("L+" * 200 + "L", "at most 400 characters"),
    ],
)
def test_what_is_no_polynomial_is_refused_and_never_run(text, said):
    with pytest.raises(BadSuite, match=said.replace("(", r"\(")):
        polynomial(text)


def test_degrees_letters_and_values():
    form = polynomial("3*CT^2*L + 1.5*L^2*CT")
    assert letters(form) == ("CT", "L")
    assert (degree(form, "CT"), degree(form, "L"), degree(form, "N")) == (2, 2, 0)
    assert value_at(form, {"CT": 512, "L": 8}) == 3 * 512**2 * 8 + 96 * 512  # 6.3 M, as it says


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3*CT^2*L + 1.5*L^2*CT", "3·CT²·L + 1.5·CT·L²"),
        ("a - 2*b - 0.015625", "a - 2·b - 0.015625"),
        ("a/3 - a^12", "(1/3)·a - a¹²"),
        ("0", "0"),
    ],
)
def test_a_polynomial_for_readers(text, shown):
    assert written(polynomial(text)) == shown


@pytest.mark.parametrize(
    ("text", "relation", "power", "low", "high"),
    [
        ("constant", "is", 0, "0", "0"),
        ("linear", "is", 1, "1", "1"),
        ("at most quadratic", "at most", 2, "2", "2"),
        ("at least cubic", "at least", 3, "3", "3"),
        ("1.5", "is", None, "1.45", "1.55"),
        ("at most 2.0", "at most", None, "1.95", "2.05"),
    ],
)
def test_a_growth_is_a_word_or_an_exponent_by_its_digits(text, relation, power, low, high):
    said = growth(text)
    assert (said.relation, said.degree) == (relation, power)
    assert (said.exponent.low, said.exponent.high) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize("text", ["", "fast", "at most", "at mostly 2", "linear linear", "O(n)"])
def test_what_is_no_growth_is_refused(text):
    with pytest.raises(BadSuite, match="is not a growth: use one of constant, linear"):
        growth(text)


LINE = 3 + 2
"""Of the [[claim]], after the header and a blank line."""


def test_a_range_has_both_ends():
    assert values_of("192:320:64") == (192, 256, 320)
    assert values_of("192:319:64") == (192, 256)
    assert values_of((3, 5)) == (3, 5)
    for wrong in ("192:320", "192:320:0", "320:192:32", (3, 3), (5, 3), (0, 1), ()):
        with pytest.raises(BadSuite):
            values_of(wrong)


def test_every_combination_of_a_sweep_is_a_workload(tmp_path):
    read = suite(tmp_path, FORMULA)
    works = wanted([read])
    assert len(works) == 4 * 4
    first, last = (dict(work.options) for work in (works[0], works[-1]))
    assert (first, last) == ({"tokens": 2, "width": 2}, {"tokens": 8, "width": 10})
    assert {work.resolution for work in works} == {(224, 224)}


def test_axes_are_sides_the_batch_or_options(tmp_path):
    body = GROWTH.replace('sweep = { resolution = "32:128:32" }', "sweep = {}")

    def works(axis):
        text = body.replace("sweep = {}", f"sweep = {{ {axis} = [1, 2, 3] }}")
        text = text.replace('symbols = { HW = "resolution^2" }', "")
        (claim,) = suite(tmp_path, text).claims
        return [point.workload for point in points_of(claim)]

    assert [work.resolution for work in works("resolution")] == [(1, 1), (2, 2), (3, 3)]
    assert [work.resolution for work in works("image_height")] == [(1, 224), (2, 224), (3, 224)]
    assert [work.resolution for work in works("image_width")] == [(224, 1), (224, 2), (224, 3)]
    assert [work.batch_size for work in works("batch_size")] == [1, 2, 3]
    assert [work.options for work in works("depth")] == [(("depth", n),) for n in (1, 2, 3)]


# What is wrong in place of what in the formula or the growth; all that is said of it.
WRONG = {
    "no symbol": (FORMULA, ', L = "tokens" }', " }",
                  "symbols: the letter L of the formula is bound to no axis.",
                  "sweep.tokens: an axis needs exactly one letter; this one has 0."),
    "foreign letter": (FORMULA, '"tokens" }', '"tokens", N = "tokens" }',
                       "symbols: the formula has no letter N.",
                       "sweep.tokens: an axis needs exactly one letter; this one has 2."),
    "foreign axis": (FORMULA, '"tokens" }', '"token" }',
                     "'token' must use exactly one axis of the sweep, which has width, tokens."),
    "two axes": (FORMULA, '"tokens" }', '"tokens*width" }', "'tokens*width' must use exactly"),
    "shrinking letter": (FORMULA, '"tokens" }', '"9 - tokens" }',
                         "symbols.L: '9 - tokens' must be positive and must grow over the sweep."),
    "too few sizes": (FORMULA, "tokens = [2, 4, 6, 8]", "tokens = [2, 4, 6]",
                      "sweep.tokens: L has the power 2, which needs 4 values: 3 determine it and"),
    "falling sizes": (FORMULA, "[2, 4, 6, 8]", "[2, 4, 6, 3]",
                      "sweep.tokens: expected positive whole numbers, each larger"),
    "too many sizes": (FORMULA, "[2, 4, 6, 8]", '"1:999999999:1"',
                       "the sweep needs more than 256 counts; give fewer values."),
    "no formula": (FORMULA, '"3*CT^2*L + 1.5*L^2*CT"', '"3 CT"', "'3 CT' is not a formula"),
    "no sweep": (FORMULA, "sweep = { width = [2, 4, 6, 10], tokens = [2, 4, 6, 8] }", "",
                 "a formula needs a workload and a sweep; write it as a [[claim]]."),
    "three things": (FORMULA, 'metric = "macs"',
                     'unit = "M"\nexpect = "fails"\nwhy = "w"\nby = "x"',
                     "a formula has no unit.",
                     "a formula takes no `by`, because no other reading is tried for it.",
                     "a formula needs a metric."),
    "arithmetic": (FORMULA, 'metric = "macs"', 'metric = "macs"\nof = "1"',
                   "is not a derived figure"),
    "stages and without": (FORMULA, 'metric = "macs"',
                           'metric = "macs"\nstages = ["a"]\nwithout = ["b"]',
                           "give `stages` or `without`, not both."),
    "sides twice": (GROWTH, '"32:128:32" }', '"32:128:32", image_width = [32, 64] }',
                    "sweep: resolution sets both sides of the image; remove it or image_width."),
    "half a size": (GROWTH, '{ model = "net" }',
                    '{ model = "net", resolution = "own" }\nsweep.image_height = [1, 2, 3]',
                    "sweep: image_height needs the other side too, or a resolution of"),
    "no range": (GROWTH, "32:128:32", "32:128",
                 "sweep.resolution: '32:128' is not a range; write it as"),
    "no growth": (GROWTH, '"linear"', '"slow"', "'slow' is not a growth: use one of constant"),
    "too few to see": (GROWTH, "32:128:32", "32:64:32",
                       "sweep.resolution: 'linear' needs at least 3 values."),
    "two axes of growth": (GROWTH, '"32:128:32"', "[1, 2, 3], depth = [1, 2, 3]",
                           "a scaling has one axis and at most one letter."),
    "sweep of a figure": (GROWTH, '"scaling"', '"value"',
                          "a value takes no sweep; only a formula or",
                          "a value takes no symbols; only a formula or"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_every_mistake_is_named_at_once(tmp_path, case):
    body, good, bad, *said = WRONG[case]
    assert body.count(good) >= 1
    text = body.replace(good, bad, 1)
    if "sweep.image_height" in bad:
        text = text.replace('sweep = { resolution = "32:128:32" }', "")
        text = text.replace('"resolution^2"', '"image_height"')
    with pytest.raises(BadSuite) as raised:
        suite(tmp_path, text)
    sentences = str(raised.value).splitlines()
    assert len(sentences) == len(said)
    for sentence_, part in zip(sentences, said, strict=True):
        assert part in sentence_
        assert sentence_.startswith(f"{tmp_path}/s.toml:{LINE}: ")


def test_a_formula_stands_in_no_table(tmp_path):
    body = (
        '[[table]]\nid = "t"\nwhere = "T"\n[table.columns]\nf = { kind = "formula", metric = '
        '"macs" }\n[[table.row]]\nid = "r"\nworkload = { model = "net" }\nf = "L"\n'
    )
    with pytest.raises(
        BadSuite, match=r"needs a workload and a sweep; write it as a \[\[claim\]\]"
    ):
        suite(tmp_path, body)


def test_what_cannot_be_judged_needs_no_sweep(tmp_path):
    body = FORMULA[: FORMULA.index("workload")] + 'needs = "not-implemented"\n'
    (verdict,) = judge([suite(tmp_path, body)], {})
    assert (verdict.verdict, verdict.unknown, verdict.as_expected) == (
        "unknown", "not-implemented", True,
    )  # fmt: skip
    assert "3·CT²·L + 1.5·L²·CT" in check_document([verdict], Rendering())
    assert wanted([suite(tmp_path, body)]) == []


def test_the_parts_that_kept_records_must_tell_apart_are_named(tmp_path):
    body = GROWTH.replace('metric = "macs"', 'metric = "macs"\nstages = ["fpn.transformer"]')
    body += (
        '[[quantity]]\nid = "q"\nmetric = "macs"\nworkload = { model = "other" }\n'
        'stages = ["a.b"]\n[[quantity]]\nid = "r"\nmetric = "macs"\nworkload = { model = "whole" }'
    )
    found = parts_named([suite(tmp_path, body)])
    assert {(work.model, work.resolution): parts for work, parts in found.items()} == {
        **{("net", (n, n)): ("fpn.transformer",) for n in (32, 64, 96, 128)},
        ("other", (224, 224)): ("a.b",),
    }
    assert Workload(model="whole", resolution=(224, 224)) not in found
