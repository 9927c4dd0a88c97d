"""Verdicts, conventions, the search and its joint explanations, on records made by hand."""

from decimal import Decimal

import msgspec
import pytest

from vtbench.claims.judge import judge, leave_one_out, totals, wanted
from vtbench.claims.judge.conventions import MACS, PARAMETERS, measured
from vtbench.claims.judge.reading_search import Explainer
from vtbench.claims.suite import read_suite
from vtbench.data.record import Parameters, Record, Row
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import BadSuite
from vtbench.report.verdict_words import account, expectation, explanation
from vtbench.report.verdicts import verdict_object


def row(**fields) -> Row:
    usual = {"op": "aten.conv2d.default", "module": "a", "module_class": "Conv2d",
             "status": "counted", "kind": "conv", "calls": 1}  # fmt: skip
    return Row(**usual | fields)


def net(model, macs, params=0, *, error=None, **options) -> tuple[Workload, Record]:
    """A record of one convolution that costs so much."""
    work = Workload(model=model, resolution=(224, 224), options=freeze_options(options))
    if error is not None:
        return work, Record(workload=work, error=error)
    held = Parameters(total=params, trainable=params, buffers=0, weights=params)
    return work, Record(workload=work, rows=(row(macs=macs),), parameters=held)


def suite(folder, body, name="s"):
    path = folder / f"{name}.toml"
    path.write_text(f'[suite]\ntitle = "t"\nsource = "s"\n{body}', encoding="utf-8")
    return read_suite(path)


def table(*rows, columns='macs = { metric = "macs", unit = "M" }'):
    """A table t with a row for each (id, model or workload, cells)."""
    text = f'[[table]]\nid = "t"\nwhere = "Table"\n[table.columns]\n{columns}\n'
    for name, work, cells in rows:
        what = work if work.startswith("{") else f'{{ model = "{work}" }}'
        text += f'[[table.row]]\nid = "{name}"\nworkload = {what}\n{cells}\n'
    return text


def judged(folder, body, *records, name="s"):
    found = judge([suite(folder, body, name)], dict(records))
    return {verdict.claim.id: verdict for verdict in found}


@pytest.mark.parametrize(
    ("macs", "verdict"),
    [
        (1_000_000, "holds"),
        (999_500, "holds"),  # the ends round to 1.000
        (1_000_500, "holds"),
        (1_000_501, "close"),
        (1_020_500, "close"),  # 2 % beyond the end
        (1_020_501, "fails"),
        (979_500, "close"),
        (979_499, "fails"),
    ],
)
def test_holds_inside_the_interval_close_within_2_percent_of_it_fails_beyond(
    tmp_path, macs, verdict
):
    found = judged(tmp_path, table(("a", "net", 'macs = "1.000"')), net("net", macs))
    assert found["s.t.a.macs"].verdict == verdict
    assert found["s.t.a.macs"].as_expected == (verdict == "holds")


def test_zeros_that_are_no_digits_are_none_for_verdicts_and_for_readings(tmp_path):
    """2,140 rounds to 2100, and twice 1,060 does, if the zeros are not digits."""
    for zeros, verdict, reading in (("rounded", "holds", "double"), ("digits", "close", None)):
        columns = f'macs = {{ metric = "macs", unit = "M", zeros = "{zeros}" }}'
        rows = [("a", "net", 'macs = "2100"'), ("b", "half", 'macs = "2100"')]
        records = (net("net", 2_140_000_000), net("half", 1_060_000_000))
        found = judged(tmp_path, table(*rows, columns=columns), *records)
        assert found["s.t.a.macs"].verdict == verdict
        doubled = found["s.t.b.macs"].possible
        assert (doubled.reading("full") if doubled else None) == reading


def test_an_expected_failure_that_comes_to_hold_is_not_as_expected(tmp_path):
    cell = 'macs = { printed = "1.000", expect = "fails", why = "known" }'
    found = judged(tmp_path, table(("a", "net", cell)), net("net", 1_000_000))
    assert not found["s.t.a.macs"].as_expected


def test_the_reading_that_is_expected_must_still_be_the_one_that_gives_the_digits(tmp_path):
    def verdict(by, *records):
        cell = f'macs = {{ printed = "2.000", expect = "fails", by = "{by}", why = "known" }}'
        return judged(tmp_path, table(("a", "net", cell)), *records)["s.t.a.macs"]

    assert verdict("double", net("net", 1_000_000)).as_expected
    assert not verdict("bias_counted", net("net", 1_000_000)).as_expected
    changed = verdict("double", net("net", 1_200_000))
    assert (changed.verdict, changed.as_expected) == ("fails", False)
    assert expectation(changed) == "fails by double"
    assert verdict("nothing", net("net", 1_200_000)).as_expected
    assert not verdict("nothing", net("net", 1_000_000)).as_expected


def unknown_of(folder, record, cell='macs = "1"'):
    verdict = judged(folder, table(("a", "net", cell)), *([record] if record else []))["s.t.a.macs"]
    assert verdict.verdict == "unknown"
    return verdict.unknown, verdict.as_expected, verdict.reason


def test_unknowns_have_kinds_and_only_some_are_faults(tmp_path):
    work, record = net("net", 5)
    scan = row(op="my.scan.default", status="unknown", kind="unknown")
    unseen = msgspec.structs.replace(record, rows=(*record.rows, scan))
    reason = "It has unknown operators: my.scan.default."
    assert unknown_of(tmp_path, (work, unseen)) == ("op", False, reason)
    assert unknown_of(tmp_path, None) == ("not-measured", True, "There is no record of it.")
    broken = net("net", 0, error="It raised.")
    assert unknown_of(tmp_path, broken) == ("not-measured", False, "It raised.")
    for kind, fine in (("weights", True), ("hardware", True), ("not-implemented", True),
                       ("undefined", False)):  # fmt: skip
        cell = f'macs = {{ printed = "1", needs = "{kind}" }}'
        assert unknown_of(tmp_path, None, cell)[:2] == (kind, fine)
    cell = 'macs = { printed = "1", needs = "undefined", why = "No width is given." }'
    assert unknown_of(tmp_path, None, cell) == ("undefined", True, "No width is given.")


ROWS = (
    row(macs=100, biased=7, with_parameter=True),
    row(op="aten.bmm.default", module="b.c", module_class="Attention", kind="matmul", macs=40),
    row(op="aten._scaled_dot_product_flash_attention.default", module="b", module_class="Attention",
        kind="attention", macs=30),
    row(op="aten.baddbmm.default", module="b", module_class="Attention", kind="matmul", macs=20),
    row(op="aten.batch_norm.default", module="n", module_class="BatchNorm2d", status="zero",
        kind="normalisation", elements_in=10),
    row(op="aten.layer_norm.default", module="n", module_class="LayerNorm", status="zero",
        kind="normalisation", elements_in=8),
    row(op="aten.adaptive_avg_pool2d.default", module="p", module_class="AdaptiveAvgPool2d",
        status="zero", kind="pooling", elements_in=6),
    row(op="aten.grid_sampler.default", module="s", module_class="Sampling", status="zero",
        kind="interpolation", elements_in=90, elements_out=11),
    row(op="aten.upsample_nearest2d.vec", module="u", module_class="Upsample", status="zero",
        kind="interpolation", elements_in=3, elements_out=12),
    row(op="aten.upsample_bilinear2d.vec", module="u", module_class="Upsample", status="zero",
        kind="interpolation", elements_in=3, elements_out=13),
    row(op="aten.linear.default", module="head", module_class="Linear", kind="linear", macs=3,
        biased=1, head=True, with_parameter=True),
)  # fmt: skip


@pytest.mark.parametrize(
    ("convention", "count"),
    [
        ("full", 100 + 40 + 30 + 20 + 3),
        ("double", 2 * (100 + 40 + 30 + 20 + 3)),
        ("double_biased", 2 * (100 + 40 + 30 + 20 + 3) + 7 + 1),
        ("attention_missed", 100 + 3),
        ("norms_counted", 193 + 2 * 10 + 5 * 8),
        ("bias_counted", 193 + 7 + 1),
        ("pool_counted", 193 + 6),
        ("head_excluded", 193 - 3),
        ("module_hooks", 100 + 3),
        ("fvcore_eval", 100 + 40 + 3 + 2 * 10 + 5 * 8 + 6 + 4 * 11 + 12 + 4 * 13),
        ("fvcore_train", 100 + 40 + 3 + 5 * 10 + 5 * 8 + 6 + 4 * 11 + 12 + 4 * 13),
        ("thop", 100 + 3 + 4 * 10 + 4 * 8 + 6),
    ],
)
def test_conventions_are_sums_over_ledger_rows(convention, count):
    assert MACS[convention](ROWS) == count


def test_every_convention_is_tested():
    tested = test_conventions_are_sums_over_ledger_rows.pytestmark[0].args[1]
    assert {name for name, _ in tested} == set(MACS)


def test_parameter_conventions():
    held = Parameters(total=100, trainable=90, buffers=5, weights=70, norms=20, biases=8)
    found = {name: count(held) for name, count in PARAMETERS.items()}
    assert found == {"all": 100, "weights_only": 70, "no_norm": 80, "no_bias": 92}


def test_a_stage_is_the_rows_and_parameters_under_its_path():
    work = Workload(model="net")
    record = Record(
        workload=work, rows=ROWS, module_parameters={"a": 9, "b.c": 4, "bc": 1, "head": 2},
        module_weights={"a": 8, "b.c": 3},
        parameters=Parameters(total=16, trainable=16, buffers=0, weights=11),
    )  # fmt: skip
    assert measured(record, "macs", "full", ("b",)) == 40 + 30 + 20
    assert measured(record, "macs", "full", ("b.c", "head")) == 40 + 3
    assert measured(record, "params", "all", ("b",)) == 4
    assert measured(record, "params", "weights_only", ("a", "b")) == 8 + 3
    assert measured(record, "macs", "full", ("c",)) is None, "a part that the model lacks"


# Three nets of a column, each made with 16 tokens; the paper says 8. A baseline has no tokens.
SEARCH = """
[search.tokens]
values = [4, 8, 16]
models = ["vt_*"]
"""


def column(*printed):
    rows = [("base", "base", 'macs = "50.0"')]
    rows += [
        (f"n{i}", f'{{ model = "vt_{i}", options = {{ tokens = 8 }} }}', f'macs = "{digits}"')
        for i, digits in enumerate(printed)
    ]
    return table(*rows) + SEARCH


def column_records(count):
    """Net i costs 100 i + 10 per token + 7."""
    nets = [
        net(f"vt_{i}", (100 * i + 10 * tokens + 7) * 10**6, tokens=tokens)
        for i in range(count)
        for tokens in (4, 8, 16)
    ]
    return [net("base", 50_000_000), *nets]


def test_wanted_names_stated_workloads_first_and_leaves_other_models_alone(tmp_path):
    found = wanted([suite(tmp_path, column("167.0", "267.0"))])
    short = [(work.model, dict(work.options).get("tokens")) for work in found]
    assert short == [("base", None), ("vt_0", 8), ("vt_1", 8), ("vt_0", 4), ("vt_0", 16),
                     ("vt_1", 4), ("vt_1", 16)]  # fmt: skip


def test_a_reading_is_tried_beside_two_other_changes_and_these_alone(tmp_path):
    """A structure of its own costs no place among the two; a third size would."""
    body = table(("a", '{ model = "net", options = { reading = "literal", a = 1, b = 1, c = 1 } }',
                  'macs = "1"'))  # fmt: skip
    body += '[search]\nreading = ["literal", "fitted"]\n'
    body += "".join(f"{axis} = [1, 2]\n" for axis in "abc")
    tried = [set(dict(work.options).items()) for work in wanted([suite(tmp_path, body)])[1:]]
    changed = sorted(sum(value in (2, "fitted") for _, value in each) for each in tried)
    assert changed == [1] * 4 + [2] * 6 + [3] * 3
    assert not any({("a", 2), ("b", 2), ("c", 2)} <= each for each in tried)


def test_references_and_what_cannot_be_judged_are_not_counted(tmp_path):
    columns = 'top1 = { unit = "%", needs = "weights" }\nmacs = { metric = "macs", unit = "M" }'
    cell = 'top1 = "70.1"\nmacs = { printed = "1", needs = "hardware" }'
    assert wanted([suite(tmp_path, table(("a", "net", cell), columns=columns))]) == []


def test_one_change_that_explains_a_column_is_named_with_how_much_of_it(tmp_path):
    found = judged(tmp_path, column("167.0", "267.0", "367.0"), *column_records(3))
    verdict = found["s.t.n1.macs"]
    assert verdict.verdict == "fails"
    assert verdict.reproduced_by.changes == {"tokens": 16}
    assert (verdict.reproduced_by.hits, verdict.reproduced_by.of) == (3, 3), "not the baseline"
    assert verdict.reproduced_by.column == 4, "which comes out as it stands"
    assert explanation(verdict) == "tokens=16 (3 of 3)"
    assert account(verdict) == (
        "tokens=8 gives 187.000 M, tokens=16 gives 267.000 M; this fits 3 of 3 distinct figures of "
        f"the column, {verdict.reproduced_by.chance:.1f} by chance."
    )
    assert 0 < verdict.reproduced_by.chance < 1
    assert verdict_object(verdict)["reason"].endswith(account(verdict))


def test_an_explanation_of_one_figure_among_several_is_isolated_and_only_possible(tmp_path):
    found = judged(tmp_path, column("167.0", "187.0", "287.0"), *column_records(3))
    verdict = found["s.t.n0.macs"]
    assert (verdict.reproduced_by, verdict.possible.changes) == (None, {"tokens": 16})
    assert verdict.possible.isolated
    assert explanation(verdict) == "no reading is named"


def test_a_row_that_states_the_option_itself_is_left_alone(tmp_path):
    body = table(("a", '{ model = "vt_0", options = { tokens = 8 }, fixed = ["tokens"] }',
                  'macs = "167.0"')) + SEARCH  # fmt: skip
    found = judged(tmp_path, body, *column_records(1))["s.t.a.macs"]
    assert (found.verdict, found.reproduced_by, found.possible) == ("fails", None, None)


def test_an_option_that_a_model_refuses_is_no_axis_of_it(tmp_path):
    body = column("167.0").replace('models = ["vt_*"]', "")
    refused = [net("base", 0, error="no such option", tokens=n) for n in (4, 8, 16)]
    found = judged(tmp_path, body, *column_records(1), *refused)["s.t.n0.macs"]
    assert (found.possible.hits, found.possible.of) == (1, 1)


def test_rounding_and_truncation_are_told_apart(tmp_path):
    body = table(("a", "net", 'macs = "3.151"'))
    found = judged(tmp_path, body, net("net", 3_151_800))["s.t.a.macs"]
    assert (found.verdict, found.possible.rounding) == ("close", "truncate")
    found = judged(tmp_path, body, net("net", 3_151_200))["s.t.a.macs"]
    assert (found.verdict, found.reproduced_by.rounding) == ("holds", "round")


def test_a_convention_is_named_if_it_gives_three_figures(tmp_path):
    rows = [(f"n{i}", f"net{i}", f'macs = "{2 * i}.00"') for i in (4, 5, 6)]
    found = judged(tmp_path, table(*rows), *(net(f"net{i}", i * 10**6) for i in (4, 5, 6)))
    verdict = found["s.t.n4.macs"]
    assert (verdict.verdict, verdict.reproduced_by.convention) == ("fails", "double")
    assert account(verdict).startswith(
        "the stated reading gives 4.0000 M, double gives 8.0000 M; this fits 3 of 3 distinct"
    )


def test_a_part_that_does_nothing_for_a_figure_is_no_part_of_its_explanation(tmp_path):
    """Pooling is counted in a row; another, without pooling, only needs 16 tokens."""
    pool = row(op="aten.adaptive_avg_pool2d.default", status="zero", kind="pooling",
               elements_in=1_000_000)  # fmt: skip
    work, record = net("p0", 10_000_000)
    pooled = (work, msgspec.structs.replace(record, rows=(*record.rows, pool)))
    rows = [("p0", "p0", 'macs = "11.0"'),
            ("vt", '{ model = "vt_0", options = { tokens = 8 } }', 'macs = "167.0"')]  # fmt: skip
    found = judged(tmp_path, table(*rows) + SEARCH, pooled, *column_records(1))
    assert found["s.t.p0.macs"].possible.convention == "pool_counted"
    assert found["s.t.vt.macs"].possible.convention == "full"


def test_nothing_tried_gives_it(tmp_path):
    found = judged(tmp_path, column("777.7"), *column_records(1))["s.t.n0.macs"]
    assert (found.reproduced_by, found.possible) == (None, None)
    assert explanation(found) == "no tried reading gives it"


DERIVED = """macs = { metric = "macs", unit = "M" }
ratio = { kind = "ratio", metric = "macs", unit = "x" }
less = { kind = "difference", metric = "macs", unit = "M" }"""


def derived(cells, *, small="2.0", large="3.0"):
    return table(("a", "small", f'macs = "{small}"'), ("b", "large", f'macs = "{large}"\n{cells}'),
                 columns=DERIVED)  # fmt: skip


def test_a_derived_figure_is_held_to_the_models_and_to_the_printed_cells(tmp_path):
    body = derived('ratio = { printed = "1.4", of = "macs / a.macs" }')
    found = judged(tmp_path, body, net("small", 1_960_000), net("large", 3_040_000))
    assert found["s.t.b.ratio"].measured == Decimal(3_040_000) / 1_960_000
    assert found["s.t.b.ratio"].verdict == "fails"  # 1.551; 1.45 and 2 % of 1.4 is the limit
    assert found["s.t.b.ratio.printed"].verdict == "holds"  # from 2.95/2.05 = 1.439 to 1.564


def test_printed_figures_contradict_only_if_no_rounding_reconciles_them(tmp_path):
    def twin(printed):
        body = derived(f'less = {{ printed = "{printed}", of = "macs - a.macs" }}')
        return judged(tmp_path, body)["s.t.b.less.printed"]

    # 3.0 - 2.0 lies in [2.95 - 2.05, 3.05 - 1.95] = [0.9, 1.1]; 1.14 means 1.135 to 1.145
    assert twin("1.10").verdict == "holds"
    assert twin("1.14").verdict == "fails"
    assert twin("1.14").reason == (
        "It is a contradiction: the other printed figures give 0.9 to 1.1 M."
    )


def test_a_figure_worked_out_from_rounded_cells_says_so(tmp_path):
    body = derived('less = { printed = "1.000", of = "macs - a.macs" }')
    found = judged(tmp_path, body, net("small", 2_040_000), net("large", 2_960_000))
    assert explanation(found["s.t.b.less"]) == "from the printed cells"


def test_a_derived_figure_takes_its_parts_readings_if_each_is_named(tmp_path):
    """Doubling explains a column of three, and a figure worked out from that and another table."""

    def less(*printed):
        rows = [(f"n{i}", f"net{i}", f'macs = "{digits}"')
                for i, digits in enumerate(printed, start=4)]  # fmt: skip
        body = table(*rows) + (
            '[[claim]]\nid = "small"\nwhere = "w"\nprinted = "2.0"\nunit = "M"\nmetric = "macs"\n'
            'workload = { model = "small" }\n[[claim]]\nid = "less"\nwhere = "w"\nunit = "M"\n'
            'printed = "6.04"\nkind = "difference"\nmetric = "macs"\nof = "t.n4.macs - small"\n'
        )
        nets = [net(f"net{i}", i * 1_010_000) for i in (4, 5, 6)]
        return judged(tmp_path, body, *nets, net("small", 2_040_000))["s.less"]

    assert less("8.08", "10.10", "12.12").reproduced_by.changes == {"t.n4.macs": "double"}
    assert less("8.08", "10.10", "12.12").reproduced_by.measured == 2 * 4_040_000 - 2_040_000
    assert less("8.08", "10.10", "12.22").reproduced_by is None, "two are not enough"


def test_a_change_is_made_to_all_parts_of_a_derived_figure(tmp_path):
    """The ratio of two nets with 16 tokens each, over a column of two ratios."""
    rows = [(f"n{i}", f'{{ model = "vt_{i}", options = {{ tokens = 8 }} }}', f'macs = "{d}"')
            for i, d in enumerate(("167.0", "267.0", "367.0"))]  # fmt: skip
    rows[1] = (*rows[1][:2], rows[1][2] + '\nratio = { printed = "1.599", of = "macs / n0.macs" }')
    rows[2] = (*rows[2][:2], rows[2][2] + '\nratio = { printed = "2.198", of = "macs / n0.macs" }')
    found = judged(tmp_path, table(*rows, columns=DERIVED) + SEARCH, *column_records(3))
    assert explanation(found["s.t.n2.ratio"]) == "tokens=16 (2 of 2)"  # 367/167, 267/167


def test_a_derived_figure_of_what_cannot_be_judged_is_unknown_for_that_reason(tmp_path):
    cells = 'ratio = { printed = "1.5", of = "macs / a.macs" }'
    body = derived(cells).replace('macs = "2.0"', 'macs = { printed = "2.0", needs = "hardware" }')
    found = judged(tmp_path, body, net("large", 3_000_000))
    assert found["s.t.b.ratio"].unknown == "hardware"
    assert found["s.t.b.ratio"].reason.startswith("It needs s.t.a.macs. ")
    assert found["s.t.b.ratio.printed"].verdict == "holds"


def test_quantities_are_measured_and_never_judged(tmp_path):
    body = derived('less = { printed = "1.00", of = "macs - q.small" }')
    body += '[[quantity]]\nid = "q.small"\nmetric = "macs"\nworkload = { model = "small" }\n'
    found = judged(tmp_path, body, net("small", 2_000_000), net("large", 3_000_000))
    assert set(found) == {"s.t.a.macs", "s.t.b.macs", "s.t.b.less", "s.t.b.less.printed"}
    assert found["s.t.b.less"].verdict == "holds"
    assert found["s.t.b.less.printed"].verdict == "holds"  # 3.0 printed, 2 measured


def test_up_to_is_the_most_that_its_figures_reach(tmp_path):
    body = derived('ratio = { printed = "1.5", of = "macs / a.macs" }') + (
        '[[claim]]\nid = "text.most"\nwhere = "abstract"\nprinted = "1.8"\nunit = "x"\n'
        'relation = "up_to"\nmetric = "macs"\nof = ["t.b.ratio", "1"]\n'
    )
    found = judged(tmp_path, body, net("small", 2_000_000), net("large", 3_000_000))
    assert (found["s.text.most"].measured, found["s.text.most"].verdict) == (1.5, "fails")
    assert found["s.text.most.printed"].verdict == "fails"


def test_dividing_by_a_figure_that_may_be_zero_names_the_claim(tmp_path):
    body = derived('ratio = { printed = "1.5", of = "macs / a.macs" }', small="0")
    with pytest.raises(BadSuite, match=r"s\.t\.b\.ratio\.printed: .* divides by"):
        judged(tmp_path, body)


def test_suites_that_follow_from_each_other_are_refused(tmp_path):
    text = '[[claim]]\nid = "x.y.z"\nwhere = "w"\nprinted = "1"\nkind = "ratio"\nof = "{}.x.y.z"\n'
    pair = [suite(tmp_path, text.format(other), one) for one, other in (("p", "q"), ("q", "p"))]
    with pytest.raises(BadSuite, match="follows from itself"):
        judge(pair, {})


def test_totals_by_kind_of_evidence(tmp_path):
    # two rows fit with 16 tokens, which is not enough; one as stated, one not at all
    body = column("167.0", "267.0", "287.0", "777.7")
    found = judged(tmp_path, body, *column_records(4))
    whole = totals(found.values())
    independent = whole.pop("independent")
    assert (independent.claims, independent.holds, independent.fails) == (5, 2, 3)
    assert all(whole.pop(name).claims == 0 for name in ("fitted", "arithmetic", "accuracies"))
    assert whole == {
        "claims": 5, "holds": 2, "close": 0, "fails": 3, "unknown": 0, "named": 0,
    }  # fmt: skip


def test_candidates_are_counted_once_for_figure_and_column(tmp_path):
    read = suite(tmp_path, column("167.0", "267.0"))
    explainer = Explainer([read], dict(column_records(2)))
    hits = explainer.hits(read.claims[1])
    assert {(c.changes, c.rounding) for c in hits if c.convention == "full"} == {
        ((("tokens", 16),), "round"), ((("tokens", 16),), "truncate"),
    }  # fmt: skip


HELD = """
[[held_out]]
suites = ["one", "two"]
axes = ["tokens"]
groups = { all = ["vt_*"] }
"""


def test_a_fit_on_one_suite_predicts_the_other_as_it_is(tmp_path):
    """Suite one was made with 16 tokens, suite two with 16 and once with 4."""
    one = suite(tmp_path, column("167.0", "267.0") + HELD, "one")
    two = suite(tmp_path, column("167.0", "147.0"), "two")
    forth, back = leave_one_out([one, two], dict(column_records(2)))
    assert (forth.fitted_on, forth.predicts, forth.choice) == ("one", "two", {"tokens": 16})
    assert (forth.fit_hits, forth.fit_of, forth.hits, forth.of) == (2, 2, 1, 2)
    assert forth.by_chance == (1 + 0 + 1) / 3, "4 tokens give one figure, 8 none, 16 one"
    assert (back.fitted_on, back.fit_of, back.candidates) == ("two", 2, 3)
    assert leave_one_out([one], dict(column_records(2))) == [], "nothing to predict"


def test_rows_of_a_group_are_one_column_across_tables(tmp_path):
    """Counts alone: a speed stays with the rows that it is printed among."""
    text = """
[suite]
title = "A paper"
source = "here"
hardware = "V100"

[[table]]
id = "{id}"
where = "A table"

[table.columns]
macs = {{ metric = "macs", unit = "G" }}
speed = {{ metric = "throughput", unit = "img/s" }}

[[table.row]]
id = "ours"
group = "own"
workload = {{ model = "net" }}
macs = "1.0"
speed = "10"

[[table.row]]
id = "theirs"
workload = {{ model = "net" }}
macs = "1.0"
"""
    one, two = text.format(id="t1"), text.format(id="t2").partition("[[table]]")[2]
    (tmp_path / "paper.toml").write_text(f"{one}\n[[table]]{two}", encoding="utf-8")
    columns = {c.id: c.column for c in read_suite(tmp_path / "paper.toml").claims}
    assert columns == {
        "paper.t1.ours.macs": "paper.own.macs", "paper.t2.ours.macs": "paper.own.macs",
        "paper.t1.theirs.macs": "paper.t1.macs", "paper.t2.theirs.macs": "paper.t2.macs",
        "paper.t1.ours.speed": "paper.t1.speed", "paper.t2.ours.speed": "paper.t2.speed",
    }  # fmt: skip
