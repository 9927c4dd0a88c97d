"""Reports: what is exact stays exact, what is rounded is rounded once, and pages fit."""

from __future__ import annotations

import csv
import io
import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vtbench import report
from vtbench.data.record import CONVENTION, Memory, Record
from vtbench.errors import BadOption
from vtbench.report import CountsRendering, breakdown, counts_document
from vtbench.report.document import PLAIN
from vtbench.report.render import shorten
from vtbench.report.units import common_prefix, digits, percent, ratio, si, signed, size

CONV = 3 * 3 * 3 * 8 * 16 * 16
FC = 256 * 8 * 8
HEAD = 8 * 10
OWN = 100
TOTAL = CONV + 2 * FC + OWN + HEAD


def test_units_round_to_three_decimals_and_at_least_three_digits():
    assert si(4_089_184_256) == "4.089 G"
    assert si(999) == "999"
    assert si(1000) == "1.000 K"
    assert si(0) == "0"
    assert si(14_450_688, 3) == "0.0145 G"
    assert si(1_445_068, 3) == "0.00145 G"
    assert si(1_536, 3) == "1.536 K", "below a thousandth of the column's unit, its own"
    assert si(-105_906_176, 3) == "−0.106 G"
    assert signed(5) == "+5"
    assert signed(0) == "0"


def test_units_carry_over_to_the_next_prefix_when_rounding_reaches_it():
    assert si(999_999_999) == "1.000 G"
    assert si(999_999_499) == "999.999 M"
    assert si(999_999) == "999.999 K"


def test_units_hold_for_numbers_beyond_every_prefix():
    assert si(10**30) == "1000000000000.000 E"
    assert si(2**63) == "9.223 E"


@given(st.integers(min_value=0, max_value=10**24))
def test_rounded_figures_are_within_half_a_last_digit(value):
    """The printed figure times its unit is never further off than rounding to nearest allows."""
    text = si(value)
    figure, _, unit = text.partition(" ")
    scale = 1000 ** " KMGTPE".index(unit or " ")
    decimals = len(figure.partition(".")[2])
    assert abs(Fraction(figure) * scale - value) <= Fraction(scale, 2 * 10**decimals)


def test_sizes_shares_ratios_and_digits():
    assert size(999) == "999 B"
    assert size(102_228_128) == "102.2 MB"
    assert percent(1, 3) == "33.3 %"
    assert percent(-1, 4) == "−25.0 %"
    assert percent(1, 0) == "—"
    assert percent(0, 5) == "0.0 %"
    assert percent(1, 10_000) == "<0.1 %"
    assert percent(-1, 10_000) == "−<0.1 %"
    assert ratio(3, 2) == "1.500×"
    assert ratio(3, 0) == "—"
    assert digits(-1234567) == "−1,234,567"
    assert common_prefix([]) == 0
    assert common_prefix([1_037 * 10**9, 4 * 10**9, 2 * 10**9]) == 3  # not 0.00200 T
    assert common_prefix([10**12, 10**6, 10**6]) == 4  # small ones have their own
    assert common_prefix([4 * 10**9, 500 * 10**6, 10**6]) == 3


@pytest.mark.parametrize("view", report.VIEWS)
@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_the_parts_of_every_view_sum_to_the_total(make_record, view, depth):
    record = make_record(unknown=True)
    found = breakdown(record, view, depth)
    assert sum(part.macs for part in found) == TOTAL == record.macs
    assert sum(part.calls for part in found) == 11
    assert sum(part.share for part in found) == pytest.approx(1)
    if view in ("stage", "module"):
        assert sum(part.params for part in found) == 216 + 4 + 350 + 350 + 80


def test_stages_hold_what_lies_below_them_and_the_rest_is_other(make_record):
    found = {part.name: part for part in breakdown(make_record(), "stage")}
    assert list(found) == ["stem", "body", "head", "(other)"]
    assert found["body"].macs == 2 * FC + OWN
    assert found["body"].params == 4 + 350 + 350
    assert found["(other)"].calls == 3, "the views that the model itself makes"


def test_stages_are_the_direct_children_where_none_are_named(make_record):
    names = [part.name for part in breakdown(make_record(stages=()), "stage")]
    assert names == ["stem", "body", "head", "(other)"]


def test_the_deepest_of_nested_stages_holds_a_module(make_record):
    found = {p.name: p.macs for p in breakdown(make_record(stages=("body", "body.1")), "stage")}
    assert found == {"body": FC + OWN, "body.1": FC, "(other)": CONV + HEAD}


def test_stage_names_are_whole_path_components(make_record):
    """A stage ``bod`` holds nothing of ``body``."""
    found = {part.name: part.macs for part in breakdown(make_record(stages=("bod",)), "stage")}
    assert found == {"bod": 0, "(other)": TOTAL}


def test_a_parents_own_operators_are_a_part_of_their_own(make_record):
    found = {part.name: part for part in breakdown(make_record(), "module", 2)}
    assert found["body (own)"].macs == OWN
    assert found["body (own)"].params == 4
    assert found["body.0"].macs == FC
    assert found["(own)"].calls == 3
    assert found["head"].macs == HEAD


def test_a_depth_below_one_is_refused(make_record):
    with pytest.raises(BadOption, match="at least 1, got 0"):
        breakdown(make_record(), "module", 0)


def test_operators_are_ranked_with_unknown_ones_after_the_counted(make_record):
    found = breakdown(make_record(unknown=True), "op")
    assert [(part.name, part.status) for part in found] == [
        ("aten.conv2d.default", "counted"),
        ("aten.linear.default", "counted"),
        ("aten.mm.default", "counted"),
        ("my.scan.default", "unknown"),
        ("aten.view.default", "zero"),
        ("aten.relu.default", "zero"),
    ]
    assert found[1].calls == 3


def test_classes_keep_other_arithmetic_apart_from_macs(make_record):
    found = {part.name: part for part in breakdown(make_record(), "class")}
    assert found["activation"].elements == 2048
    assert found["activation"].macs == 0
    assert found["linear"].macs == 2 * FC + HEAD
    assert found["data movement"].calls == 3


@pytest.mark.parametrize("shape", ["table", "markdown"])
def test_what_multiplies_nothing_has_no_heading_where_there_is_none(make_record, shape):
    whole = make_record()
    only = tuple(row for row in whole.rows if row.status == "counted")
    lean = make_record(rows=only)
    title = "Operators without multiplications"
    assert title in counts_document([whole], CountsRendering(format=shape))
    assert title not in counts_document([lean], CountsRendering(format=shape))


def test_the_certificate_says_what_was_counted_and_what_was_not(make_record):
    text = counts_document([make_record(unknown=True, counters=True)], CountsRendering())
    assert "≥ 88.244 K" in text
    assert f"{TOTAL:,}" == "88,244"
    assert "88,244" in text
    assert "16×16 · batch 1 · eval · forward · vtbench-macs/1" in text
    assert (
        "Operator calls: 11, of which 6 counted, 4 without multiplications and 1 unknown." in text
    )
    assert "my.scan.default  body.1" in text
    assert "~5.000 K" in text
    assert "2 × aten.mm" in text
    assert "thop: thop raised KeyError: 'total_ops'" in text
    assert "Activations peak at stem.conv (aten.relu)." in text


def test_a_complete_count_is_no_lower_bound(make_record):
    text = counts_document([make_record()], CountsRendering())
    assert "≥" not in text
    assert "Unknown" not in text


def test_a_batch_is_shown_with_its_share_for_one_image(make_record):
    from vtbench.data.workload import Workload

    record = make_record(workload=Workload(model="toy", resolution=(16, 16), batch_size=4))
    assert "MACs per image" in counts_document([record], CountsRendering())
    assert f"{TOTAL // 4:,}" in counts_document([record], CountsRendering())


def test_causal_masks_have_a_line_where_they_change_the_count(make_record):
    import msgspec

    record = make_record()
    rows = (msgspec.structs.replace(record.rows[0], effective_macs=CONV // 2), *record.rows[1:])
    text = counts_document([msgspec.structs.replace(record, rows=rows)], CountsRendering())
    assert "MACs under causal masks" in text
    assert f"{TOTAL - CONV // 2:,}" in text


@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("view", report.VIEWS)
def test_pages_fit_their_width_and_never_cut_a_figure(make_record, failed_record, width, view):
    records = [make_record(unknown=True, counters=True), failed_record]
    question = CountsRendering(width=width, view=view, depth=3, relative_to="toy")
    for asked in (records, records[:1]):
        text = counts_document(asked, question)
        assert max(map(cell_len, text.splitlines())) <= width
    assert "88.244" in counts_document(records, question)


@pytest.mark.parametrize("view", report.VIEWS)
def test_a_name_that_is_typed_again_is_whole_though_the_page_is_narrower(make_record, view):
    name = "timm:a_very_long_model_name_of_a_kind_that_occurs_in_timm.in22k_ft_in1k"
    long = make_record(name, width=16, unknown=True, counters=True)
    question = CountsRendering(width=60, view=view, depth=3)
    text = counts_document([make_record(), long], question)
    assert name in text
    assert "88.244" in text


def test_columns_that_do_not_fit_are_named(make_record):
    records = [make_record(), make_record("other")]
    text = counts_document(records, CountsRendering(width=44, relative_to="toy"))
    assert "Hidden to fit 44 columns: Activ. " in text
    assert "Ratio" in text


def test_names_are_shortened_in_the_middle_and_keep_their_indentation():
    assert shorten("abcdefghij", 7) == "abc…hij"
    short = shorten("    layers.0.blocks.1.attn.qkv", 20)
    assert short.startswith("    layer")
    assert short.endswith("qkv")
    assert cell_len(short) == 20
    assert shorten("abc", 3) == "abc"
    assert shorten("abcdef", 1) == "…"


def test_several_models_are_one_table_with_errors_as_rows(make_record, failed_record):
    text = counts_document([make_record(), failed_record], CountsRendering(relative_to="toy"))
    assert "1.000×" in text
    assert "broken" in text
    assert "failed" in text
    assert "broken: It has no forward." in text


def test_the_base_may_fail_without_taking_the_others(make_record, failed_record):
    for shape in PLAIN:
        question = CountsRendering(relative_to="broken", format=shape)
        assert "toy" in counts_document([failed_record, make_record()], question)


def test_models_are_compared_by_stage_where_stages_correspond(make_record):
    narrow, wide = make_record(), make_record("wide", width=16)
    text = counts_document([narrow, wide], CountsRendering(relative_to="toy"))
    assert "wide relative to toy, by stage" in text
    data = json.loads(
        counts_document([narrow, wide], CountsRendering(relative_to="toy", format="json"))
    )["results"]
    relative = data[1]["relative"]
    assert relative["to"] == "toy"
    assert relative["difference"] == wide.macs - TOTAL
    assert relative["ratio"] == wide.macs / TOTAL
    assert [stage["name"] for stage in relative["stages"]] == ["stem", "body", "head"]
    assert relative["stages"][0]["ratio"] == 2.0
    assert sum(stage["difference"] for stage in relative["stages"]) == wide.macs - TOTAL


def test_stages_that_do_not_correspond_are_not_compared(make_record):
    other = make_record("other", stages=("stem", "body.0", "body.1"))
    data = json.loads(
        counts_document([make_record(), other], CountsRendering(relative_to="toy", format="json"))
    )["results"]
    assert data[1]["relative"]["stages"] == []


JSON_KEYS = {
    "workload", "macs", "effective_macs", "complete", "flops", "params", "trainable", "buffers",
    "weights", "activations", "memory", "classes", "unknown_ops", "user_formulas", "road",
    "by_values", "distribution", "convention", "by", "counters", "printed", "error", "never_ran",
    "settled", "shapes",
}  # fmt: skip


def test_json_holds_every_key_with_exact_integers(make_record, failed_record):
    records = [make_record(unknown=True, counters=True), failed_record]
    data = json.loads(counts_document(records, CountsRendering(format="json", view="stage")))[
        "results"
    ]
    counted, failed = data
    assert set(counted) == set(failed) == JSON_KEYS
    assert counted["macs"] == TOTAL
    assert counted["flops"] == 2 * TOTAL
    assert counted["complete"] is False
    assert counted["workload"]["resolution"] == [16, 16]
    assert counted["memory"] == {
        "weights": 4028, "activations_peak": 12_345, "peak_at": "stem.conv (aten.relu)",
    }  # fmt: skip
    assert counted["classes"] == {"activation": 2048}
    assert counted["unknown_ops"] == [
        {"op": "my.scan.default", "calls": 1, "estimated_macs": 5000, "module": "body.1"}
    ]
    assert set(counted["by"][0]) == {
        "name", "macs", "params", "calls", "share", "complete",
    }  # fmt: skip
    fvcore = counted["counters"]["fvcore"]
    explained = sum(each["macs"] for each in fvcore["explained_by"])
    assert explained + fvcore["unexplained"] == fvcore["difference"] == -OWN
    assert counted["counters"]["thop"]["error"] == "thop raised KeyError: 'total_ops'"
    assert failed["macs"] is None
    assert failed["error"] == "It has no forward."
    assert failed["by"] == []


def test_csv_has_one_line_per_model_with_raw_integers(make_record, failed_record):
    records = [make_record(counters=True), make_record("wide", width=16), failed_record]
    text = counts_document(records, CountsRendering(format="csv", relative_to="toy"))
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [line["model"] for line in lines] == ["toy", "wide", "broken"]
    assert lines[0]["macs"] == str(TOTAL)
    assert lines[0]["complete"] == "true"
    assert lines[0]["fvcore_difference"] == str(-OWN)
    assert lines[1]["fvcore_macs"] == ""
    assert lines[0]["activation"] == "2048"
    assert float(lines[1]["ratio"]) == records[1].macs / TOTAL
    assert lines[2]["macs"] == ""
    assert lines[2]["error"] == "It has no forward."
    assert "\r" not in text


def test_csv_of_a_view_has_one_line_per_part(make_record, failed_record):
    text = counts_document(
        [make_record(), failed_record], CountsRendering(format="csv", view="module", depth=2)
    )
    lines = list(csv.DictReader(io.StringIO(text)))
    assert sum(int(line["macs"]) for line in lines if line["macs"]) == TOTAL
    assert lines[-1]["error"] == "It has no forward."


def test_markdown_escapes_what_it_would_read_as_markup(make_record):
    text = counts_document(
        [make_record("a|b_c*"), make_record()], CountsRendering(format="markdown")
    )
    assert r"| a\|b\_c\* |" in text
    tree = counts_document([make_record()], CountsRendering(format="markdown", view="module"))
    assert "| &nbsp;&nbsp;stem |" in tree


def test_latex_is_a_booktabs_table_whose_caption_states_the_conditions(make_record):
    text = counts_document(
        [make_record("a_b&c%$#{}~^\\")], CountsRendering(format="latex", view="stage")
    )
    assert r"a\_b\&c\%\$\#\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    captions = [line for line in text.splitlines() if line.startswith(r"\caption")]
    for caption in captions:
        assert r"16$\times$16, batch 1" in caption
        assert CONVENTION in caption
    assert "≥" not in counts_document([make_record(unknown=True)], CountsRendering(format="latex"))


COMMANDS = report.Table(
    title="`A`, and what it is",
    columns=(report.name_column("Name"), report.Column(head="Value")),
    rows=(("a_b", "`x_y | z`"),),
    conditions=("Set `--max-time 3`",),
    notes=("Run `vtbench explain a_b`, not ``x`` or 3` 4_5.", "--max-time ended it."),
)


def test_code_between_backticks_is_code_in_markdown():
    """A mark that has no partner is shown as it stands, and in a row a bar needs its escape."""
    text = report.render([COMMANDS], "markdown")
    assert text.splitlines() == [
        "### `A`, and what it is",
        "",
        "Set `--max-time 3`",
        "",
        "| Name | Value |",
        "| :--- | ---: |",
        r"| a\_b | `x_y \| z` |",
        "",
        r"- Run `vtbench explain a_b`, not \`\`x\`\` or 3\` 4\_5.",
        "- --max-time ended it.",
    ]


def test_code_between_backticks_is_set_in_typewriter_by_latex():
    """Two hyphens are an option, which TeX would join to a dash."""
    text = report.render([COMMANDS], "latex")
    assert r"\caption{\texttt{A}, and what it is. Set \texttt{-{}-max-time 3}.}" in text
    assert r"Run \texttt{vtbench explain a\_b}, not ``x`` or 3` 4\_5.\par" in text
    assert r"-{}-max-time ended it.\par" in text
    assert r"a\_b & \texttt{x\_y \textbar{} z} \\" in text
    assert report.render([report.Table(title="---", columns=(), rows=())], "latex").count("-{}-{}-")


def test_code_between_backticks_is_code_on_a_page():
    text = report.render([COMMANDS], "html")
    assert "<h4><code>A</code>, and what it is</h4><p>Set <code>--max-time 3</code></p>" in text
    assert "<p>Run <code>vtbench explain a_b</code>, not ``x`` or 3` 4_5.</p>" in text
    hostile = report.Table(title="`<b>`", columns=(), rows=())
    assert report.render([hostile], "html") == "<h4><code>&lt;b&gt;</code></h4>"


def test_cite_names_tool_version_convention_resolution_and_batch(make_record):
    from vtbench import __version__

    records = [make_record()]
    for shape in ("table", "markdown", "latex"):
        text = counts_document(records, CountsRendering(format=shape, cite=True))
        text = text.replace(r"$\times$", "×")
        sizes = ("16×16", "batch size 1")
        for said in (f"vtbench {__version__}", CONVENTION, *sizes, "@misc{", "url "):
            assert said in text, shape
    cited = json.loads(counts_document(records, CountsRendering(format="json", cite=True)))[
        "results"
    ][0]["cite"]
    assert set(cited) == {"footnote", "bibtex"}
    assert (
        "cite"
        not in json.loads(counts_document(records, CountsRendering(format="json")))["results"][0]
    )


def test_html_escapes_what_a_page_would_read_as_tags(make_record):
    tables = report.certificate(make_record("<b>&"))
    text = report.render(tables, "html")
    assert "&lt;b&gt;&amp;" in text
    assert "<b>" not in text


def test_a_model_without_any_operator_is_still_a_page():
    from vtbench.data.record import Parameters
    from vtbench.data.workload import Workload

    empty = Record(
        workload=Workload(model="empty"),
        parameters=Parameters(total=0, trainable=0, buffers=0, weights=0),
        memory=Memory(weights=0, activations_peak=0, peak_at=""),
    )
    for shape in PLAIN:
        for view in report.VIEWS:
            text = counts_document([empty], CountsRendering(format=shape, view=view))
            assert "empty" in text or (shape == "csv" and text.startswith("model,"))


def test_sums_that_no_float_holds_are_printed_exactly(make_record):
    import msgspec

    record = make_record()
    huge = 2**70 + 1
    rows = (msgspec.structs.replace(record.rows[0], macs=huge, effective_macs=huge),)
    record = msgspec.structs.replace(record, rows=rows)
    assert f'"macs": {huge}' in counts_document([record], CountsRendering(format="json"))
    assert f",{huge}," in counts_document([record], CountsRendering(format="csv"))
    assert f"{huge:,}" in counts_document([record], CountsRendering())


def test_a_table_without_headings_has_no_line_for_them():
    columns = (report.name_column(""), report.Column(head=""))
    table = report.Table(title="t", columns=columns, rows=(("a", "1"),))
    assert report.render([table], "table") == "t\na  1"
