"""Inequalities, hedges and orderings: what each rule accepts, and what a verdict says of it."""

from decimal import Decimal

import pytest

from tests.claims.test_judge import judged, net, suite, table
from vtbench.claims.judge import totals
from vtbench.claims.suite.hedges import RULES, accepted
from vtbench.errors import BadSuite
from vtbench.report.printed import decided, measured_of, printed_of
from vtbench.report.verdict_words import explanation
from vtbench.report.verdicts import verdict_object

ONE_OVER_OTHER = 'kind = "ratio"\nmetric = "macs"\nunit = "x"\nof = "t.a.macs / t.b.macs"\n'


def claim(body, *, name="c", where="text"):
    return f'[[claim]]\nid = "{name}"\nwhere = "{where}"\n{body}'


def two(folder, body, first, second):
    """The verdict on a claim over two nets of so many millions."""
    rows = table(("a", "one", 'macs = "1"'), ("b", "other", 'macs = "1"'))
    nets = net("one", first * 10**6), net("other", second * 10**6)
    return judged(folder, rows + claim(body), *nets)["s.c"]


@pytest.mark.parametrize(
    ("relation", "printed", "unit", "low", "high"),
    [
        ("equals", "4.6", "", "4.55", "4.65"),
        ("about", "44", "%", "41.3", "46.7"),
        ("about", "8", "G", "7.1E9", "8.9E9"),  # 7.5 to 8.5, and 0.4 more
        ("nearly", "60", "%", "56.5", "60.5"),
        ("nearly", "-60", "%", "-60.5", "-56.5"),
        ("half", "0.5", "x", "0.45", "0.55"),
        ("half", "50", "%", "45", "55"),
        ("at_least", "31", "%", "30.5", "Infinity"),
        ("more_than", "60", "%", "60", "Infinity"),
        ("at_most", "5", "%", "-Infinity", "5.5"),
        ("less_than", "0.5", "x", "-Infinity", "0.5"),
        ("up_to", "6.9", "x", "6.85", "6.95"),
        ("range", "2 to 8", "G", "1.5E9", "8.5E9"),
    ],
)
def test_each_relation_accepts_what_its_rule_says(relation, printed, unit, low, high):
    found = accepted(printed, unit, relation)
    assert (found.low, found.high) == (Decimal(low), Decimal(high))
    assert found.low_open == (relation == "more_than")
    assert found.high_open == (relation == "less_than")


def test_every_relation_has_a_rule_in_the_documentation():
    page = open("docs/claims.md", encoding="utf-8").read()  # noqa: PTH123, SIM115  # one line
    for relation, rule in RULES.items():
        row = f"| `{relation}` | {rule.words} | {rule.interval} | {rule.example} |"
        assert row in page, row


@pytest.mark.parametrize(
    ("relation", "printed", "first", "second", "verdict"),
    [
        ("less_than", "0.5", 526, 1000, "fails"),  # not less than half
        ("less_than", "0.5", 208, 1000, "holds"),
        ("less_than", "0.5", 500, 1000, "close"),  # half is not less than half
        ("more_than", "2", 2000, 1000, "close"),
        ("more_than", "2", 2001, 1000, "holds"),
        ("at_least", "2.0", 1950, 1000, "holds"),  # rounds to 2.0
        ("at_least", "2.0", 1949, 1000, "close"),
        ("at_most", "2.0", 2050, 1000, "holds"),
        ("at_most", "2.0", 2100, 1000, "fails"),
        ("half", "0.5", 541, 1000, "holds"),
        ("about", "2.0", 2150, 1000, "holds"),
        ("about", "2.0", 2151, 1000, "close"),
        ("nearly", "2.0", 2060, 1000, "close"),
    ],
)
def test_an_inequality_is_judged_by_its_side(tmp_path, relation, printed, first, second, verdict):
    body = f'{ONE_OVER_OTHER}printed = "{printed}"\nrelation = "{relation}"\n'
    assert two(tmp_path, body, first, second).verdict == verdict


def test_an_inequality_says_by_how_much_it_holds_and_if_loosely(tmp_path):
    points = (
        'kind = "difference"\nmetric = "macs"\nunit = "%"\nof = "100 - 100 * t.a.macs / t.b.macs"\n'
    )
    over = two(tmp_path, points + 'printed = "60"\nrelation = "more_than"\n', 388, 1000)
    assert (over.reason, over.slack, over.loosely) == (
        "It holds by 1.2 points.",
        Decimal("1.2"),
        False,
    )
    assert (printed_of(over.claim), decided(over)) == ("> 60 %", "holds")
    least = two(tmp_path, points + 'printed = "31"\nrelation = "at_least"\n', 290, 1000)
    assert least.reason == "It holds loosely, by 40 points."
    assert decided(least) == "holds, loosely"
    miss = two(tmp_path, ONE_OVER_OTHER + 'printed = "0.5"\nrelation = "less_than"\n', 526, 1000)
    assert miss.reason == "It misses the bound by 0.026 x, 5.2 % of the figure."
    assert (miss.distance, miss.slack) == (pytest.approx(0.052), None)
    data = verdict_object(miss)
    assert (data["relation"], data["low"], data["high"]) == ("less_than", None, 0.5)


SET = 'metric = "macs"\nunit = "M"\nof = ["t.*.macs"]\n'


def three(folder, body, *millions):
    rows = table(*((f"r{k}", f"n{k}", 'macs = "1"') for k in range(len(millions))))
    nets = [net(f"n{k}", int(m * 10**6)) for k, m in enumerate(millions)]
    return judged(folder, rows + claim(body), *nets)["s.c"]


@pytest.mark.parametrize(
    ("relation", "printed", "verdict", "measured"),
    [
        ("up_to", "6.9", "holds", 6_900_000),  # the greatest is 6.9, none exceeds it
        ("up_to", "6.0", "fails", 6_900_000),
        ("up_to", "9.0", "fails", 6_900_000),  # none reaches it
        ("at_least", "2", "holds", 2_000_000),
        ("at_least", "3", "fails", 2_000_000),
        ("at_most", "5", "fails", 6_900_000),
        ("range", "2 to 7", "holds", 6_900_000),
        ("range", "3 to 7", "fails", 2_000_000),
        ("range", "2 – 9", "fails", 6_900_000),
        ("about", "4.0", "fails", 6_900_000),  # each member has to be
    ],
)
def test_of_a_set_the_member_that_decides_is_judged(tmp_path, relation, printed, verdict, measured):
    body = f'{SET}printed = "{printed}"\nrelation = "{relation}"\n'
    found = three(tmp_path, body, 2, 4, 6.9)
    assert (found.verdict, found.measured) == (verdict, measured)
    assert found.claim.members == ("s.t.r0.macs", "s.t.r1.macs", "s.t.r2.macs")


def test_a_range_shows_both_its_ends(tmp_path):
    found = three(tmp_path, f'{SET}printed = "2 to 7"\nrelation = "range"\n', 2, 4, 6.9)
    assert measured_of(found) == "2.00 to 6.90"
    assert found.reason.endswith(
        "t.r0.macs is the least, 2 M and t.r2.macs is the greatest, 6.9 M."
    )


ORDER = 'kind = "ordering"\nmetric = "macs"\nprinted = "fewer MACs"\nrelation = "less_than"\n'


def test_an_ordering_names_the_pairs_that_are_the_other_way(tmp_path):
    body = f'{ORDER}of = "t.r0.macs"\nthan = ["t.*.macs"]\n'
    found = three(tmp_path, body, 3, 4, 2)
    assert found.verdict == "fails"
    assert found.reason == "1 of 2 pairs is not in this order: t.r0.macs is 3 M and t.r2.macs 2 M."
    assert three(tmp_path, body, 1, 4, 2).reason == "All 2 pairs are in this order."
    assert three(tmp_path, body, 2, 4, 2).verdict == "fails"  # equal is not fewer
    assert printed_of(found.claim) == "fewer MACs"


def test_an_ordering_of_printed_figures_fails_only_if_no_rounding_allows_it(tmp_path):
    cells = (("a", "one", 'macs = "1.2"'), ("b", "other", 'macs = "1.2"'))
    body = f'{ORDER}of = "t.a.macs"\nthan = "t.b.macs"\n'
    twin = judged(tmp_path, table(*cells) + claim(body))["s.c.printed"]
    assert twin.verdict == "holds"  # 1.15 is less than 1.25
    cells = (("a", "one", 'macs = "1.4"'), ("b", "other", 'macs = "1.2"'))
    twin = judged(tmp_path, table(*cells) + claim(body))["s.c.printed"]
    assert (twin.verdict, decided(twin)) == ("fails", "fails !")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (SET + 'printed = "2"\nrelation = "over"\n', "there is no 'over'; use one of equals"),
        (SET.replace('["t.*.macs"]', "[]") + 'printed = "2"\n', "of: the set is empty"),
        (SET.replace("t.*", "u.*") + 'printed = "2"\n', "no claim matches 'u.*.macs'"),
        (SET + 'printed = "2"\nrelation = "range"\n', "write its two figures as '2 to 8'"),
        (SET + 'printed = "8 to 2"\nrelation = "range"\n', "the least figure comes first"),
        (SET + 'printed = "over"\nrelation = "more_than"\n', "'over' is not a number"),
        (SET + 'printed = "0.7"\nrelation = "half"\n', "a half is 0.5 x, 50 % or 2 x"),
        (ORDER + 'of = "t.r0.macs"\nthan = "t.r0.macs"\n', "needs another figure than its own"),
        (SET + 'printed = "2"\nby = "double"\n', "over a set has no other"),
        (SET + 'printed = "2"\nkind = "bound"\n', "there is no 'bound'; use one of value"),
        (ORDER + 'of = "t.r0.macs"\n', "an ordering needs the figures that it is held against"),
        (ORDER.replace("less_than", "about") + 'of = "t.r0.macs"\nthan = "t.r1.macs"\n',
         "an ordering needs one of at_least"),
        (SET + 'printed = "2"\nthan = "t.r1.macs"\n', "than: a value takes no `than`"),
    ],
)  # fmt: skip
def test_a_wrong_relation_is_refused_with_what_there_is(tmp_path, body, said):
    rows = table(("r0", "n0", 'macs = "1"'), ("r1", "n1", 'macs = "1"'))
    with pytest.raises(BadSuite) as refused:
        suite(tmp_path, rows + claim(body))
    assert said in str(refused.value)
    assert "s.toml:" in str(refused.value)


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("fvcore_evil", "by: there is no reading 'fvcore_evil'; use one of full, double,"),
        ("tokens=9", "by: the axis tokens of [search] has no value 9; it has 8, 16."),
        ("wholly=2", "by: 'wholly' is no axis of [search], which has tokens."),
    ],
)
def test_a_reading_that_cannot_be_tried_is_refused_with_its_line(tmp_path, by, said):
    body = "[search]\ntokens = [8, 16]\n" + table(
        ("a", "net", f'macs = {{ printed = "1", expect = "fails", why = "w", by = "{by}" }}')
    )
    with pytest.raises(BadSuite) as refused:
        suite(tmp_path, body)
    assert said in str(refused.value)
    assert "s.toml:14: " in str(refused.value)


@pytest.mark.parametrize(
    ("relation", "first", "second", "verdict"),
    [
        ("at_least", 896, 1000, "fails"),  # an order has no digits that could be rounded
        ("at_least", 1000, 1000, "holds"),
        ("at_most", 1116, 1000, "fails"),
        ("less_than", 1000, 1000, "fails"),
        ("more_than", 1001, 1000, "holds"),
    ],
)
def test_an_order_is_exact(tmp_path, relation, first, second, verdict):
    body = f'{ORDER}of = "t.a.macs"\nthan = "t.b.macs"\n'.replace("less_than", relation)
    assert two(tmp_path, body, first, second).verdict == verdict


def test_an_order_of_figures_below_zero_or_at_zero_is_that_of_the_numbers(tmp_path):
    body = f'{ORDER}of = "t.a.macs - t.b.macs"\nthan = "t.a.macs - 2 * t.b.macs"\n'
    assert two(tmp_path, body, 1, 3).verdict == "fails"  # -2 is more than -5
    assert two(tmp_path, body.replace("less_than", "more_than"), 1, 3).verdict == "holds"
    assert (
        two(tmp_path, f'{ORDER}of = "t.a.macs"\nthan = "t.b.macs * 0"\n', 1, 3).verdict == "fails"
    )


BOUND = 'macs = { printed = "2", relation = "at_least" }'


def test_a_bound_is_no_figure_that_arithmetic_could_use(tmp_path):
    """What follows from it is judged by the models alone."""
    rows = table(("a", "one", BOUND), ("b", "other", 'macs = "1"'))
    body = f'{ONE_OVER_OTHER}printed = "3.0"\n'
    found = judged(tmp_path, rows + claim(body), net("one", 3_000_000), net("other", 1_000_000))
    assert (found["s.c"].verdict, "s.c.printed" in found) == ("holds", False)
    body = 'kind = "arithmetic"\nprinted = "3.0"\nof = "t.a.macs / t.b.macs"\n'
    with pytest.raises(BadSuite, match=r"s\.t\.a\.macs is no single figure"):
        suite(tmp_path, rows + claim(body))


def test_a_range_of_one_member_has_both_ends_there(tmp_path):
    body = (
        'metric = "macs"\nunit = "M"\nprinted = "3 to 3"\nrelation = "range"\nof = ["t.a.macs"]\n'
    )
    assert two(tmp_path, body, 3, 1).verdict == "holds"
    failed = two(tmp_path, body.replace("3 to 3", "3 to 5"), 3, 1)
    assert (failed.verdict, explanation(failed)) == ("fails", "outside the printed range")


def test_what_follows_from_a_fitted_figure_is_fitted(tmp_path):
    rows = table(("a", "one", 'macs = "3"'), ("b", "other", 'macs = "1"'))
    fit = '[[fitted]]\nchoice = "a width"\nclaims = ["t.a.macs"]\ndeduced_from = ["t.a.macs"]\n'
    text = rows + fit + claim(f'{ONE_OVER_OTHER}printed = "3.0"\n')
    found = judged(tmp_path, text, net("one", 3_000_000), net("other", 1_000_000))
    counts = totals(found.values())
    assert (counts["independent"].claims, counts["fitted"].claims) == (1, 2)
    assert counts["arithmetic"].claims == 1


def test_an_order_of_arithmetic_with_parentheses_names_both_its_figures(tmp_path):
    body = f'{ORDER}of = "(t.a.macs) - (t.b.macs)"\nthan = "t.b.macs"\n'
    found = two(tmp_path, body, 7, 3)
    assert found.reason == (
        "1 of 1 pairs is not in this order: (t.a.macs) - (t.b.macs) is 4 M and t.b.macs 3 M."
    )
