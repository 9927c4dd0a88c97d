"""``vtbench cost``: documents, ranges, figures, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import sympy

from vtbench.data.cost import cost_models
from vtbench.data.cost.values import text_of
from vtbench.report.cost import figure
from vtbench.report.cost_sweep import Sweep


def objects(ended):
    assert ended.status == 0, ended.err
    return json.loads(ended.out)


def one(ended):
    (found,) = objects(ended)["results"]
    return found


def test_the_list_names_every_cost_model_and_its_symbols(vtbench):
    listed = objects(vtbench("cost", "--format", "json"))["results"]
    assert [each["name"] for each in listed] == list(cost_models())
    (transformer,) = (each for each in listed if each["name"] == "vt_transformer")
    symbols = {symbol["name"]: symbol["default"] for symbol in transformer["symbols"]}
    assert symbols == {"L": 8, "CT": 1024, "kqv_groups": 1}
    table = vtbench("cost").out
    assert all(re.search(rf"^{name} ", table, re.MULTILINE) for name in cost_models())
    assert vtbench("cost", "--format", "csv").out.startswith("Name,What it is,Sizes,Settings,Paper")


@pytest.mark.parametrize(
    ("arguments", "formula", "total"),
    [
        (("vt_transformer", "--at", "L=16,CT=1024"), "3*CT**2*L + 3*L**2*CT/2", 50_724_864),
        (("nonlocal_block", "--at", "HW=49,C=512"), "3*HW*C**2 + 3*HW**2*C/2", 40_379_136),
        (("vt_transformer", "--at", "kqv_groups=8"), "5*CT**2*L/4 + 3*L**2*CT/2", 10_584_064),
    ],
)
def test_the_json_of_one_holds_formula_terms_and_total(vtbench, arguments, formula, total):
    cost = one(vtbench("cost", *arguments, "--format", "json"))
    assert {"formula", "terms", "total"} <= cost.keys()
    expected = sympy.parse_expr(formula)
    assert sympy.expand(sympy.parse_expr(cost["formula"]) - expected) == 0
    assert sum(term["value"] for term in cost["terms"]) == cost["total"] == total
    assert all(set(term) == {"name", "formula", "value", "weights"} for term in cost["terms"])


def test_a_network_at_16_tokens(vtbench):
    cost = one(vtbench("cost", "vt_r34", "--at", "L=16", "--format", "json"))
    assert (cost["total"], cost["weights"]) == (3_217_354_752, 18_021_952)
    assert cost["set"] | {"L": 16, "H": 224, "W": 224, "kqv_groups": 8} == cost["set"]


def test_the_table_shows_formula_terms_shares_and_meanings(vtbench):
    out = vtbench("cost", "vt_transformer", "--at", "L=16,CT=1024").out
    assert "3·CT²·L + 1.5·CT·L²" in out
    assert re.search(r"scores +0\.5·CT·L² +131,072 +0\.3 %", out)
    assert re.search(r"total .* 50,724,864 +100\.0 %", out)
    assert re.search(r"kqv_groups +1 +groups of the convolutions", out)


@pytest.mark.parametrize("name", list(cost_models()))
def test_every_table_fits_80_columns(vtbench, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    for arguments in ((name,), (name, "resnet18")):
        ended = vtbench("cost", *arguments)
        assert ended.status == 0
        assert max(map(len, ended.out.splitlines())) <= 80
    out = vtbench("cost", name).out
    for symbol in cost_models()[name].symbols:
        value = re.escape(text_of(symbol.default_for({})))
        assert re.search(
            rf"^{symbol.name} +{value} +{re.escape(symbol.meaning)}$", out, re.MULTILINE
        )


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_page_cuts_no_figure(vtbench, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert re.search(
        r"^total.* 25,264,128( |$)", vtbench("cost", "vt_transformer").out, re.MULTILINE
    )


def test_depth_groups_the_terms(vtbench):
    shallow = one(vtbench("cost", "vt_r34", "--depth", "1", "--format", "json"))
    assert [term["name"] for term in shallow["terms"]] == [
        *(f"stage{number}" for number in range(1, 6)), "head",
    ]  # fmt: skip
    deep = one(vtbench("cost", "vt_r34", "--depth", "4", "--format", "json"))
    assert "stage5.block1.tokenizer.query" in {term["name"] for term in deep["terms"]}
    assert shallow["total"] == deep["total"]


def test_a_long_product_gives_way_and_not_the_figures(vtbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = vtbench("cost", "swin_t").out
    assert re.search(r"^stage4.attention_projections .*·  +231,211,008 ", out, re.MULTILINE)
    assert re.search(r"^ +Min\(7, W/32\)·h224·w224$", out, re.MULTILINE)
    assert re.search(r"^total .* 4,490,566,656 +100\.0 %", out, re.MULTILINE)


def test_small_letters_in_latex(vtbench):
    """One letter stands alone; what follows the first one, or an underscore, is its index."""
    latex = vtbench("cost", "sparseformer_bridge", "--format", "latex").out
    assert r"$N \cdot d_{c} \cdot d_{f}$" in latex
    latex = vtbench("cost", "token_feed_forward", "--format", "latex").out
    assert r"$8 \cdot N \cdot d^{2}$" in latex


def test_csv_markdown_and_latex(vtbench):
    rows = list(csv.DictReader(io.StringIO(
        vtbench("cost", "vt_transformer", "--format", "csv").out)))  # fmt: skip
    assert (rows[-1]["term"], rows[-1]["macs"]) == ("total", str(3 * 1024**2 * 8 + 96 * 1024))
    assert sum(int(row["macs"]) for row in rows[:-1]) == int(rows[-1]["macs"])
    markdown = vtbench("cost", "vt_transformer", "--format", "markdown").out
    assert "| total | 3·CT²·L + 1.5·CT·L² |" in markdown
    latex = vtbench("cost", "vt_r18", "--format", "latex").out
    assert r"$1536 \cdot L^{2} + 3145728 \cdot L$" in latex
    assert r"$h_S = \lceil H/S \rceil$" in latex
    assert "zqformula" not in latex


def test_two_side_by_side_give_their_ratio_and_where_they_cross(vtbench):
    arguments = ("cost", "nonlocal_block", "vt_transformer", "--at", "HW=49,C=512,CT=512",
                 "--crossing", "L")  # fmt: skip
    found = objects(vtbench(*arguments, "--format", "json"))
    assert [model["total"] for model in found["results"]] == [40_379_136, 6_340_608]
    (comparison,) = found["comparisons"]
    assert comparison["ratio"] == 40_379_136 / 6_340_608
    assert comparison["crossings"] == [
        {"after": 48, "at": 49, "equal": True, "below": "vt_transformer",
         "above": "nonlocal_block"}
    ]  # fmt: skip
    assert found["over"]["points"] == []
    out = vtbench(*arguments).out
    assert "6.368×" in out
    assert re.search(r"nonlocal_block +vt_transformer +=? ?49 ", out)


def test_two_that_never_cross_say_which_is_cheaper(vtbench):
    out = vtbench("cost", "vt_r18", "vt_r34", "--at", "L=4:16:4").out
    assert re.search(r"vt_r18 +vt_r34 +— +vt_r18 +vt_r18", out)


def test_a_range_gives_exact_values_and_leaves_out_what_is_refused(vtbench):
    rows = list(csv.reader(io.StringIO(
        vtbench("cost", "vt_r34", "--at", "L=7:9", "--format", "csv").out)))  # fmt: skip
    assert rows == [["L", "vt_r34"], ["7", ""], ["8", "3151505408"], ["9", ""]]
    found = objects(vtbench("cost", "vt_r34", "--at", "L=8:16:8", "--format", "json"))
    assert found["over"]["points"] == [
        {"L": 8, "vt_r34": 3_151_505_408}, {"L": 16, "vt_r34": 3_217_354_752},
    ]  # fmt: skip


def test_settings_can_be_a_range_too(vtbench):
    rows = list(csv.reader(io.StringIO(
        vtbench("cost", "vt_transformer", "--at", "kqv_groups=1:2", "--format", "csv").out
    )))  # fmt: skip
    square, pairs = 1024**2 * 8, 3 * 64 * 1024 // 2
    assert rows[1:] == [["1", str(3 * square + pairs)], ["2", str(2 * square + pairs)]]


@pytest.mark.parametrize(
    ("suffix", "begins"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_range_is_drawn(vtbench, tmp_path, suffix, begins):
    target = tmp_path / f"tokens.{suffix}"
    ended = vtbench("cost", "vt_r18", "vt_r34", "--at", "L=4:64:4", "--plot", str(target))
    assert ended.status == 0
    assert target.read_bytes().startswith(begins)
    assert f"wrote {target}" in ended.err


def test_values_can_be_set_for_one_of_several(vtbench):
    found = objects(vtbench("cost", "vt_r18", "vt_r34", "--at", "vt_r18:L=16", "--at", "L=4",
                            "--format", "json"))  # fmt: skip
    assert [model["set"]["L"] for model in found["results"]] == [16, 4]


def test_words_and_switches_are_values(vtbench):
    cost = one(vtbench("cost", "vt_v4_r18", "--at", "tokenizer=pooling,projector=true",
                           "--format", "json"))  # fmt: skip
    assert (cost["set"]["tokenizer"], cost["set"]["projector"]) == ("pooling", 1)


def test_the_output_goes_to_a_file_in_the_format_of_its_name(vtbench, tmp_path):
    target = tmp_path / "cost.json"
    assert vtbench("cost", "vt_r18", "--output", str(target)).out == ""
    assert json.loads(target.read_text())["results"][0]["total"] == 1_517_389_312


REFUSED = [
    (("vt_r43",), "'vt_r43'; the nearest are vt_r34"),
    (("zzz",), "`vtbench cost` lists them"),
    (("vt_r34", "--at", "L=7"), "L is even"),
    (("vt_r34", "--at", "L=1.5"), "L of vt_r34: expected a whole number, got 1.5."),
    (("vt_r34", "--at", "L=2**9"), "expected a whole number, a range or a word, got 'L=2**9'"),
    (("vt_r34", "--at", "L=__import__('os').getcwd()"), "whole number"),
    (("vt_r34", "--at", "L=-4"), "got -4"),
    (("vt_r34", "--at", "L=" + "9" * 25), "from 1 to 1,000,000,000"),
    (("vt_r34", "--at", "ct=512"), "did you mean 'CT'?"),
    (("vt_r34", "resnet18", "--at", "zz=1"), "vt_r34 has no symbol 'zz'"),
    (("vt_r34", "--at", "L"), "--at: expected SYMBOL=VALUE, such as H=224, got 'L'"),
    (("vt_r34", "--at", "L="), "a range or a word, got 'L='"),
    (("vt_r34", "--at", ""), "expected SYMBOL=VALUE, such as H=224, got ''"),
    (("vt_r34", "--at", "L=4,L=8"), "L is given twice"),
    (("vt_r34", "--at", "vt_r18:L=4"), "'vt_r18', which is not among"),
    (("vt_v4_r18", "--at", "tokenizer=foo"), "one of filter, recurrent, kmeans, pooling"),
    (("vt_r34", "--crossing", "L"), "--crossing L compares cost models; name at least two"),
    (("vt_r34", "--at", "L=8:4"), "the range 'L=8:4' is empty"),
    (("vt_r34", "--at", "L=4:8:0"), "the range 'L=4:8:0' is empty"),
    (("vt_r34", "--at", "L=1:99999"), "at most 20,000 values of L, got 99,999"),
    (("vt_r34", "--at", "L=5:5"), "L is even"),
    (("vt_r34", "--at", "zz=1:4"), "no symbol 'zz'"),
    (("vt_v4_r18", "--at", "tokenizer=1:3"), "one of filter, recurrent, kmeans, pooling"),
    (("vt_r34", "--depth", "0"), "--depth: expected a positive integer, got 0"),
    (("vt_r34", "--plot", "x.png"), "--plot needs a range"),
    (("vt_r34", "--at", "L=4:8:4", "--plot", "x.gif"), "ends in .pdf, .png or .svg, got 'x.gif'"),
    (("vt_r34", "--at", "L=4:8:4", "--plot", "/no/such/x.png"), "folder that does not exist"),
    (("vt_r34", "--output", "/no/such/x.json"), "folder that does not exist"),
    (("--at", "L=4"), "--plot need a cost model; name one"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED, ids=[" ".join(a) for a, _ in REFUSED])
def test_bad_input_is_one_sentence_and_no_document(vtbench, arguments, said):
    ended = vtbench("cost", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.startswith("vtbench: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sympy_too"),
    [(("cost",), True), (("cost", "nosuch"), True), (("cost", "--help"), True),
     (("cost", "vt_r34", "--at", "L=4:64:4"), False)],
)  # fmt: skip
def test_no_torch_is_imported_and_no_sympy_where_no_formula_is_shown(process, arguments, sympy_too):
    code = (
        "import sys\n"
        "from vtbench.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    sys.stderr.write(str([n for n in ('torch', 'sympy', 'matplotlib') "
        "if n in sys.modules]))\n"
    )
    ended = process("-c", code, *arguments)
    assert ended.err.endswith("[]" if sympy_too else "['sympy']")


def test_a_figure_goes_by_powers_of_ten_where_models_are_far_apart():
    near, far = (
        Sweep(symbol="H", sizes=(192, 224), macs={"a": (1, 2), "b": (ten, None)})
        for ten in (10, 1000)
    )
    assert not figure(near).y.logarithmic
    assert figure(far).y.logarithmic
    assert [len(line.marks) for line in figure(far).lines] == [2, 1]
    sizes = {"a": (0, 10_000), "b": (0, 1), "c": (None, None)}
    nothing = Sweep(symbol="L", sizes=(0, 1), macs=sizes)
    assert [[mark.y for mark in line.marks] for line in figure(nothing).lines] == [[1e4], [1.0]]
