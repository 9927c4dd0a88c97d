"""Formulas and growth held against counts: fits, verdicts, and how they are shown."""

from fractions import Fraction as F
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from swept_claims import FORMULA, GROWTH, suite

from vtbench.claims.judge import judge, totals
from vtbench.claims.judge.workloads import points_of
from vtbench.data.polynomial import coefficients, through, value_at
from vtbench.data.record import Record, Row
from vtbench.report import Rendering
from vtbench.report.checking import check_document, sentence
from vtbench.report.explained import Explained, explained_document
from vtbench.report.printed import found_text, printed_text
from vtbench.report.verdict_words import explanation
from vtbench.report.verdicts import verdict_object
from vtbench.stats.growth import exponents, nearest


def test_the_polynomial_through_points_is_exact_at_uneven_sizes():
    xs = [F(1), F(2), F(5), F(7)]
    ys = [3 * x**2 - x + F(5, 2) for x in xs]
    assert coefficients(xs, ys) == [F(5, 2), -1, 3, 0]


coefficient = st.integers(-9, 9) | st.fractions(-3, 3, max_denominator=8)
powers = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 1))


@given(st.dictionaries(powers, coefficient, max_size=6))
def test_counts_at_every_combination_of_sizes_settle_the_polynomial(terms):
    """Three letters with powers up to 2, 2 and 1, four, three and two sizes: no other comes out."""
    names = ("A", "B", "C")
    form = {tuple((n, p) for n, p in zip(names, term, strict=True) if p): F(c)
            for term, c in terms.items() if c}  # fmt: skip
    axes = {"A": [F(2), F(3), F(5), F(8)], "B": [F(1), F(4), F(6)], "C": [F(3), F(9)]}
    grid = {
        key: value_at(form, {n: axes[n][k] for n, k in zip(names, key, strict=True)})
        for key in product(range(4), range(3), range(2))
    }
    assert through(axes, grid) == form


def test_the_nearest_polynomial_has_the_least_squares_of_relative_errors():
    # a constant c of the values 1 and 2: (c - 1)² + (c/2 - 1)² is least at c = (1 + 1/2)/(1 + 1/4)
    assert nearest([F(1), F(2)], [F(1), F(2)], 0) == [F(6, 5), F(6, 5)]
    assert nearest([F(1), F(2), F(4)], [F(3), F(5), F(9)], 1) == [3, 5, 9]  # 2 x + 1
    assert nearest([F(1), F(2)], [F(0), F(2)], 0) is None


def test_exponents_are_slopes_of_logarithms():
    xs = [F(1), F(4), F(16)]
    assert exponents(xs, [F(1), F(8), F(64)]) == pytest.approx((1.5, 1.5, 1.5))
    assert exponents(xs, [F(1), F(4), F(64)]) == pytest.approx((1.0, 1.5, 2.0))
    assert exponents(xs, [F(1), F(0), F(64)]) is None


def row(module="a", **fields):
    usual = {"op": "aten.conv2d.default", "module_class": "Conv2d", "status": "counted",
             "kind": "conv", "calls": 1}  # fmt: skip
    return Row(module=module, **usual | fields)


def verdict_of(folder, body, count, *, less=(), **parts):
    """The verdict on a claim where its workload costs ``count(**axes)``, and parts of it theirs."""
    read = suite(folder, body)
    (claim,) = read.claims
    records = {}
    for point in points_of(claim):
        rows = [row("rest", macs=count(**point.axes))]
        rows += [row(name, macs=part(**point.axes)) for name, part in parts.items()]
        records[point.workload] = Record(workload=point.workload, rows=tuple(rows))
    for work in less:
        records.pop(work)
    (found,) = judge([read], records)
    return found


def transformer(width, tokens):
    return 3 * width**2 * tokens + 3 * tokens**2 * width // 2


def test_the_same_polynomial_holds(tmp_path):
    found = verdict_of(tmp_path, FORMULA, transformer)
    assert (found.verdict, found.deviation) == ("holds", 0.0)
    assert found.found.form == "3*CT^2*L + 3/2*CT*L^2"
    assert found.reason == (
        "The count is the same polynomial: it is equal at all 16 sizes, 1 more of CT and 1 "
        "more of L than the powers need."
    )


def test_another_polynomial_fails_and_names_the_terms(tmp_path):
    found = verdict_of(tmp_path, FORMULA, lambda width, tokens: (
        4 * width**2 * tokens + 2 * tokens**2 * width + 7))  # fmt: skip
    assert found.verdict == "fails"
    assert found.reason == (
        "The count is 4·CT²·L + 2·CT·L² + 7: CT²·L has 4, printed is 3; CT·L² has 2, printed is "
        "1.5; the constant has 7, printed is 0."
    )
    # at CT = L = 2: 32 + 16 + 7 counted, 24 + 12 printed
    assert found.deviation == float(F(55, 36) - 1)


def test_a_term_that_is_missing_is_named(tmp_path):
    found = verdict_of(tmp_path, FORMULA, lambda width, tokens: 3 * width**2 * tokens)
    assert found.reason == "The count is 3·CT²·L: CT·L² has 0, printed is 1.5."


def test_within_2_percent_at_every_size_is_close(tmp_path):
    body = FORMULA.replace('"3*CT^2*L + 1.5*L^2*CT"', '"100*CT + 100*L"')
    close = verdict_of(tmp_path, body, lambda width, tokens: 102 * width + 102 * tokens)
    fails = verdict_of(tmp_path, body, lambda width, tokens: 102 * width + 103 * tokens)
    assert (close.verdict, close.deviation) == ("close", 0.02)
    assert fails.verdict == "fails"


def test_what_is_equal_only_where_the_powers_are_settled_does_not_hold(tmp_path):
    """The size that is held out: a cubic that vanishes at the three others."""
    found = verdict_of(tmp_path, FORMULA, lambda width, tokens: (
        transformer(width, tokens) + (tokens - 2) * (tokens - 4) * (tokens - 6)))  # fmt: skip
    assert found.verdict == "fails"
    assert found.found.form is None
    assert found_text(found) == "no such polynomial"
    # 6 * 4 * 2 more than 3 * 4 * 8 + 1.5 * 64 * 2
    assert found.reason == (
        "The count is not a polynomial of a degree of at most 2 in CT, 2 in L; at width=2, "
        "tokens=8 it is 336 and the formula gives 288."
    )


def test_letters_may_be_polynomials_in_an_axis(tmp_path):
    """Tokens of a ViT: the patches of the image and one for the class."""
    body = FORMULA.replace("tokens = [2, 4, 6, 8]", "resolution = [32, 48, 64, 80]")
    body = body.replace('"tokens"', '"(resolution/16)^2 + 1"')
    found = verdict_of(tmp_path, body, lambda width, resolution: (
        6 * width**2 * (resolution**2 // 256 + 1)
        + 3 * (resolution**2 // 256 + 1) ** 2 * width) // 2)  # fmt: skip
    assert found.verdict == "holds"


def test_of_stages_or_without_them(tmp_path):
    parts = {"a": lambda width, tokens: 3 * width**2 * tokens, "b": lambda **_: 5}
    whole = FORMULA.replace('"3*CT^2*L + 1.5*L^2*CT"', '"3*CT^2*L"')

    def rest(width, tokens):
        return 3 * tokens**2 * width // 2

    only = whole.replace('metric = "macs"', 'metric = "macs"\nstages = ["a"]')
    assert verdict_of(tmp_path, only, rest, **parts).verdict == "holds"
    less = FORMULA.replace('metric = "macs"', 'metric = "macs"\nwithout = ["b"]')
    assert verdict_of(tmp_path, less, rest, **parts).verdict == "holds"
    whole_reason = verdict_of(tmp_path, FORMULA, rest, **parts).reason
    assert whole_reason.endswith("the constant has 5, printed is 0.")
    none = FORMULA.replace('metric = "macs"', 'metric = "macs"\nwithout = ["stem"]')
    found = verdict_of(tmp_path, none, rest, **parts)
    assert found.unknown == "not-measured"
    assert found.reason == "At width=2, tokens=2: The model has no part stem."


def test_the_convention_of_a_suite_holds_for_formulas(tmp_path):
    body = FORMULA.replace('metric = "macs"', 'metric = "flops"')
    assert verdict_of(tmp_path, body, transformer).verdict == "fails"
    doubled = body.replace("3*CT^2*L + 1.5*L^2*CT", "6*CT^2*L + 3*L^2*CT")
    assert verdict_of(tmp_path, doubled, transformer).verdict == "holds"


def test_a_size_without_a_count_leaves_the_claim_unknown(tmp_path):
    read = suite(tmp_path, FORMULA)
    work = points_of(read.claims[0])[1].workload
    found = verdict_of(tmp_path, FORMULA, transformer, less=[work])
    assert (found.verdict, found.unknown) == ("unknown", "not-measured")
    assert found.reason == "At width=2, tokens=4: There is no record of it."
    scan = row(op="my.scan.default", status="unknown", kind="unknown")
    for record, kind in ((Record(workload=work, rows=(scan,)), "op"),
                         (Record(workload=work, error="It raised."), "not-measured")):  # fmt: skip
        records = {p.workload: Record(workload=p.workload, rows=(row(macs=1),))
                   for p in points_of(read.claims[0])}  # fmt: skip
        (found,) = judge([read], {**records, work: record})
        assert (found.verdict, found.unknown, found.as_expected) == ("unknown", kind, False)


def grown(folder, printed, count, body=GROWTH):
    """Verdict, reason and the figure of a growth."""
    found = verdict_of(folder, body.replace('"linear"', f'"{printed}"'), count)
    return found.verdict, found.reason, found.measured


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [("linear", "holds"), ("constant", "fails"), ("quadratic", "fails"),
     ("at most linear", "holds"), ("at most quadratic", "holds"), ("at most constant", "fails"),
     ("at least linear", "holds"), ("at least quadratic", "fails")],
)  # fmt: skip
def test_words_are_degrees_and_an_offset_changes_none(tmp_path, printed, verdict):
    """In pixels, where the side of the image is swept: 100 and 3 for each pixel."""
    found = grown(tmp_path, printed, lambda resolution: 100 + 3 * resolution**2)
    assert found[0] == verdict
    assert found[1].startswith("The count is a polynomial of degree 1, at all 4 sizes.")
    assert found[2] == 1


def test_without_a_letter_a_growth_is_in_its_axis(tmp_path):
    body = GROWTH.replace('symbols = { HW = "resolution^2" }', "")
    found = grown(tmp_path, "quadratic", lambda resolution: 3 * resolution**2, body)
    assert found[0] == "holds"


def test_almost_linear_is_close_where_a_line_comes_within_2_percent(tmp_path):
    # over 1024 to 16384 pixels a millionth of their square adds at most 1.6 %
    close = grown(tmp_path, "linear", lambda resolution: 10**6 * resolution**2 + resolution**4)
    assert close[0] == "close"
    assert close[1].startswith(
        "The count is a polynomial of degree 2, at all 4 sizes. The nearest linear one differs by "
    )
    fails = grown(tmp_path, "linear", lambda resolution: 10**4 * resolution**2 + resolution**4)
    assert fails[0] == "fails"


def test_almost_constant_is_close_and_lower_than_printed_is_not(tmp_path):
    flat = grown(tmp_path, "constant", lambda resolution: 10**9 + resolution**2)
    # 1,024 4,096 9,216 and 16,384 pixels on top of 10^9: the last is 8,704 above their mean
    assert flat[0] == "close"
    assert flat[1].endswith("The nearest constant one differs by at most 0.00087 %.")
    assert grown(tmp_path, "linear", lambda resolution: 7 + 0 * resolution) == (
        "fails", "The count is the same at all 4 sizes.", 0)  # fmt: skip


def test_a_count_that_is_no_polynomial_never_holds_a_word(tmp_path):
    """Steps at every 64 pixels, as of windows that are padded: 2, 2, 3, 3 windows squared."""
    found = verdict_of(tmp_path, GROWTH, lambda resolution: (resolution // 64 + 1) ** 2)
    assert found.verdict == "fails"
    assert (found.found.degree, found.found.form) == (None, None)
    assert found.reason.startswith("The count is not a polynomial of degree 2 or less.")
    assert found_text(found).startswith("exponent ")


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [("1.5", "holds"), ("1.50", "holds"), ("1.47", "close"), ("1.4", "fails"),
     ("at most 1.6", "holds"), ("at least 1.4", "holds"), ("at most 1.4", "fails"),
     ("at least 1.7", "fails")],
)  # fmt: skip
def test_exponents_hold_where_every_step_has_their_digits(tmp_path, printed, verdict):
    """The cube of the side is the pixels to the power of 1.5."""
    found = verdict_of(tmp_path, GROWTH.replace('"linear"', f'"{printed}"'),
                       lambda resolution: resolution**3)  # fmt: skip
    assert found.verdict == verdict
    assert float(found.measured) == pytest.approx(1.5)
    assert found.found.exponents == pytest.approx((1.5, 1.5, 1.5))


def test_no_other_reading_is_said_to_have_been_tried(tmp_path):
    found = verdict_of(tmp_path, GROWTH.replace('"linear"', '"1.4"'), lambda resolution: resolution)
    assert found.verdict == "fails"
    assert (
        explanation(found)
        == found.reason
        == ("The exponent is 0.5 over the sweep, 0.5 to 0.5 step by step.")
    )


def test_only_the_stem_depends_on_the_size(tmp_path):
    """The rest is constant: the whole grows at every step by what the stem grows."""
    body = GROWTH.replace('"linear"', '"constant"')
    body = body.replace('metric = "macs"', 'metric = "macs"\nwithout = ["stem"]')
    found = verdict_of(tmp_path, body, lambda **_: 500, stem=lambda resolution: 9 * resolution**2)
    assert found.verdict == "holds"
    by = 9 * (128**2 - 32**2)
    assert found.reason == (
        f"The count is the same at all 4 sizes. From resolution=32 to resolution=128 the whole "
        f"grows by {by:,}, stem by {by:,}."
    )
    leak = verdict_of(tmp_path, body, lambda resolution: 500 + (resolution == 96),
                      stem=lambda resolution: 9 * resolution**2)  # fmt: skip
    assert (leak.verdict, leak.found.degree) == ("close", None)


def test_formulas_and_growths_have_a_table_of_their_own_and_one_total(tmp_path):
    found = [verdict_of(tmp_path, FORMULA, transformer),
             verdict_of(tmp_path, GROWTH, lambda resolution: resolution**4)]  # fmt: skip
    assert check_document(found, Rendering()).splitlines() == [
        "s: formulas and growth",
        "Claim   Printed              Counted              Verdict",
        "─────────────────────────────────────────────────────────",
        "cost    3·CT²·L + 1.5·L²·CT  3·CT²·L + 1.5·CT·L²  holds",
        "growth  linear in HW         quadratic            fails !",
        "",
        "Independent of every fit: 1 of 2 claims hold, 1 fails, 0 of these 1 with a named",
        "explanation.",
        "! s.growth: expected holds; The count is a polynomial of degree 2, at all 4",
        "sizes. The nearest linear one differs by at most 59 %.",
    ]
    assert totals(found)["holds"] == 1
    assert sentence(found[0]) == (
        "Section 3: printed 3·CT²·L + 1.5·L²·CT, measured 3·CT²·L + 1.5·CT·L²: holds"
    )
    github = check_document(found, Rendering(format="github")).splitlines()
    assert [line.partition(" ")[0] for line in github] == ["::error", "::notice"]
    assert 'failures="1"' in check_document(found, Rendering(format="junit"))
    assert "fails" in check_document(found, Rendering(format="csv")).splitlines()[2]


def test_the_object_of_a_claim_has_its_sizes_and_what_was_found(tmp_path):
    formula = verdict_object(verdict_of(tmp_path, FORMULA, transformer))
    assert formula["low"] is formula["high"] is formula["measured"] is None
    assert formula["sweep"] == {
        "axes": {"width": [2, 4, 6, 10], "tokens": [2, 4, 6, 8]},
        "symbols": {"CT": "width", "L": "tokens"}, "stages": [], "without": [],
    }  # fmt: skip
    assert formula["found"]["points"][0] == {
        "axes": {"width": 2, "tokens": 2}, "counted": 3 * 4 * 2 + 12, "printed": 36.0,
    }  # fmt: skip
    assert formula["command"] == ("vtbench macs net --resolution 224x224 -o tokens=8 -o width=10")
    growth_ = verdict_object(verdict_of(tmp_path, GROWTH, lambda resolution: resolution**2))
    assert (growth_["low"], growth_["high"], growth_["measured"]) == (1.0, 1.0, 1)
    assert (growth_["found"]["form"], growth_["found"]["degree"]) == ("1*HW", 1)
    assert growth_["command"] == "vtbench macs net --resolution 128x128"


def test_a_page_about_a_formula_shows_letters_sizes_and_differences(tmp_path):
    found = verdict_of(tmp_path, FORMULA, lambda **axes: transformer(**axes) + 9)
    page = explained_document(Explained(verdict=found, title="T"), Rendering())
    for part in ("  CT", "furthest apart", "+25.00 %", "fails !", "2 to 10", "the constant has 9",
                 "Formula gives", "\n    2       2       45             36  +25.00 %"):  # fmt: skip
        assert part in page, part
    assert "Reproduced by" not in page
    assert page.count("\n    2 ") == 4


def test_a_long_sweep_is_shown_in_part(tmp_path):
    body = GROWTH.replace("32:128:32", "32:640:32")
    found = verdict_of(tmp_path, body, lambda resolution: resolution**2)
    page = explained_document(Explained(verdict=found, title="T"), Rendering())
    assert "16 of 20 sizes are shown; --format json lists all." in page


@pytest.mark.parametrize(
    ("printed", "shown"),
    [("3*H*W*C^2 + 1.5*(H*W)^2*C", "3·H·W·C² + 1.5·(H·W)²·C"), ("L ** 12 * C", "L¹²·C")],
)
def test_a_printed_formula_keeps_the_order_of_the_paper(tmp_path, printed, shown):
    (claim,) = suite(tmp_path, FORMULA).claims
    assert printed_text(msgspec.structs.replace(claim, printed=printed)) == shown
