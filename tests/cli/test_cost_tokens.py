"""``vtbench cost`` of methods that remove tokens: rates, lists, tokens by block, distances."""

from __future__ import annotations

import csv
import io
import json
import re
from fractions import Fraction

import pytest
import sympy

from vtbench.data.cost import cost_model, cost_models
from vtbench.errors import BadOption, UnknownModel
from vtbench.papers.token_reduction.rows import HOSTS, METHODS


def one(ended):
    assert ended.status == 0, ended.err
    (found,) = json.loads(ended.out)["results"]
    return found


def rows_of(ended):
    assert ended.status == 0, ended.err
    return list(csv.reader(io.StringIO(ended.out)))


def test_every_method_is_listed_on_one_host_and_known_on_all():
    # the network of Sparsifiner multiplies what its rule leaves out
    methods = [method for method in METHODS if method.name != "sparsifiner"]
    assert {f"{method.name}_deit_s" for method in methods} <= set(cost_models())
    assert "sparsifiner_deit_s" not in cost_models()
    assert "tome_deit_b" not in cost_models()
    for method in methods:
        for host in HOSTS:
            model = cost_model(f"{method.name}_{host}")
            assert model.paper == method.paper
            if (method.name, host[:5]) != ("diffrate", "lvvit"):  # no lists were released for it
                assert model.macs({}) > 0
    with pytest.raises(UnknownModel, match="the nearest are tome_vit_s"):
        cost_model("tome_vit_x")


def test_the_tables_of_one(vtbench):
    out = vtbench("cost", "dpcknn_deit_s").out
    assert re.search(r"^total +2,878,184,832 +100.0 %", out, re.MULTILINE)
    assert "leaves 67 of 196 patch tokens. The MACs are 62.6 % of the" in out
    assert "distances take 25,630,786 MACs more, which are not in the total" in out
    assert "The method adds 1,155 parameters." in out
    assert re.search(r"^ +3 +138 +138 +138 +138 +138 +138 +258,888,192 +75,264$", out, re.MULTILINE)
    assert re.search(r"^keep_rate +0\.7 ", out, re.MULTILINE)
    assert re.search(r"^blocks +\[3,6,9\] ", out, re.MULTILINE)
    assert "formula" not in out
    assert "the most MACs that one can take" in vtbench("cost", "ats_deit_s").out


def test_blocks_add_up_to_the_terms(vtbench):
    found = one(vtbench("cost", "mctf_deit_t", "--depth", "3", "--format", "json"))
    tokens = found["tokens"]
    assert (tokens["patches"], tokens["left"], tokens["dense"]) == (196, 20, 1_253_683_200)
    for block in tokens["blocks"]:
        parts = [
            term["value"] for term in found["terms"]
            if term["name"].endswith(f".block{block['block']}")
        ]  # fmt: skip
        assert sum(parts) == block["macs"]
    assert sum(term["value"] for term in found["terms"]) == found["total"] == 705_437_568


def test_a_range_of_tokens_and_a_range_of_rates(vtbench):
    rows = rows_of(vtbench("cost", "tome_deit_s", "--at", "r=0:16", "--format", "csv"))
    assert rows[0] == ["r", "tome_deit_s", "tome_deit_s left"]
    assert rows[1] == ["0", "4598882304", "196"]
    assert rows[14] == ["13", "2706111680", "40"]
    assert rows[17] == ["16", "2293718528", "10"]
    rates = ("cost", "evit_deit_s", "--at", "keep_rate=0.5:0.9:0.1")
    rows = rows_of(vtbench(*rates, "--format", "csv"))
    assert [row[0] for row in rows] == ["keep_rate", "0.5", "0.6", "0.7", "0.8", "0.9"]
    assert rows[3] == ["0.7", "3029280768", "71"]
    out = vtbench(*rates).out
    assert re.search(r"^ +0\.7 +3,029,280,768 +65\.9 % +71$", out, re.MULTILINE)
    points = json.loads(vtbench(*rates, "--format", "json").out)["over"]["points"]
    assert points[2] == {
        "keep_rate": 0.7, "evit_deit_s": 3_029_280_768, "left": {"evit_deit_s": 71},
    }  # fmt: skip


def test_tokens_left_of_several_stand_apart(vtbench):
    out = vtbench("cost", "evit_deit_s", "topk_deit_s", "--at", "keep_rate=0.5,0.7").out
    assert re.search(r"^ +0\.7 +3,029,280,768 +2,980,361,472$", out, re.MULTILINE)
    assert re.search(r"^ +0\.7 +71 +67$", out, re.MULTILINE)


def test_lists_are_values(vtbench):
    at = "keep_rate=[0.8,0.5],blocks=[4,8]"
    found = one(vtbench("cost", "topk_deit_s", "--at", at, "--format", "json"))
    assert found["set"]["keep_rate"] == [0.8, 0.5]
    left = [block["left"] for block in found["tokens"]["blocks"]]
    assert left == [197] * 4 + [157] * 4 + [79] * 4
    gone = one(vtbench("cost", "tome_deit_s", "--at", "r=[13,-0.5]", "--format", "json"))
    left = [197, *(block["left"] for block in gone["tokens"]["blocks"])]
    # int(13 · 1.5) = 19 tokens at the first block, and evenly down to 7 at the last
    assert left[0] - left[1] == 19
    assert left[11] - left[12] == 7


def test_the_words_of_released_lists_are_numbers(vtbench):
    rows = rows_of(
        vtbench("cost", "diffrate_deit_s", "--at", "schedule=2.3,2.9", "--format", "csv")
    )
    assert [row[0] for row in rows] == ["schedule", "2.3", "2.9"]
    assert rows[2][2] == "2"


def test_a_rate_that_a_float_cannot_hold_is_the_decimal_that_was_typed(vtbench):
    assert (
        "MACs over keep_rate" in vtbench("cost", "sit_deit_s", "--at", "keep_rate=0.1:0.3:0.1").out
    )
    rows = rows_of(
        vtbench("cost", "sit_deit_s", "--at", "keep_rate=0.1:0.3:0.1", "--format", "csv")
    )
    assert [row[0] for row in rows[1:]] == ["0.1", "0.2", "0.3"]


def test_an_lvvit_has_the_stem_that_is_asked(vtbench):
    """7x7, 3x3, 3x3 and patches of 8x8; or four of 3x3 that halve the image."""
    stems = {
        stem: one(vtbench("cost", "sit_lvvit_s", "--at", f"stem={stem}", "--format", "json"))
        for stem in ("released", "halving")
    }
    released = 112**2 * (49 * 3 * 64 + 2 * 9 * 64 * 64) + 14**2 * 64 * 64 * 384
    halving = 9 * (112**2 * 3 * 48 + 56**2 * 48 * 96 + 28**2 * 96 * 192 + 14**2 * 192 * 384)
    assert [found["terms"][0]["value"] for found in stems.values()] == [released, halving]


REFUSED = [
    ("tome_deit_s", "r=-1", "tome_deit_s: r: expected whole numbers from 0, got -1."),
    ("tome_deit_s", "r=foo", "r of tome_deit_s: expected a number, got 'foo'."),
    ("tome_deit_s", "r=[1,2,3]", "r=[1,2,3] has 3 numbers, and there are 12 blocks."),
    ("topk_deit_s", "keep_rate=1.2", "expected a rate from 0 to 1, such as 0.7, got 1.2."),
    ("topk_deit_s", "keep_rate=0", "expected rates above 0 up to 1, got 0."),
    ("topk_deit_s", "blocks=3", "expected a list in brackets, such as 'blocks=[3,6,9]', got 3."),
    ("topk_deit_s", "blocks=[3,99]", "blocks=[3,99]: expected rising numbers from 0 to 11."),
    ("topk_deit_s", "blocks=[3,6", "expected a list with both brackets"),
    ("topk_deit_s", "keep_rate=[0.5,x]", "expected numbers between the brackets"),
    ("topk_deit_s", "H=230", "multiples of 16, not 230x230."),
    ("vt_r34", "L=[4,8]", "L of vt_r34: expected a whole number, got a list, [4,8]."),
    ("diffrate_deit_s", "schedule=2.4", "expected one of 2.3, 2.5, 2.7, 2.9, 3.1, got 2.4."),
    ("diffrate_lvvit_s", "H=224", "No lists were released for this host"),
    ("tofu_deit_s", "ratio=0.3", "at most half of the patches merge in one block."),
    ("gtp_deit_s", "r=30", "Block 6 would have -14 of 16 patches left; remove fewer."),
]


@pytest.mark.parametrize(("name", "at", "said"), REFUSED)
def test_what_is_refused_is_said_in_one_sentence(vtbench, name, at, said):
    ended = vtbench("cost", name, "--at", at)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("host", HOSTS)
def test_tables_of_every_host_fit_80_columns(vtbench, monkeypatch, host):
    monkeypatch.setenv("COLUMNS", "80")
    for method in ("dynamicvit", "gtp", "tomesd"):
        out = vtbench("cost", f"{method}_{host}").out
        assert out
        assert max(map(len, out.splitlines())) <= 80


# In closed form.


def form_of(vtbench, name, *at):
    arguments = ("--at", ",".join(at)) if at else ()
    return one(vtbench("cost", name, *arguments, "--format", "json"))["closed"]


def test_a_merge_at_every_block_in_closed_form(vtbench):
    """Of n - l·r tokens in block l: what is multiplied by hand, and pairs of two halves."""
    found = form_of(vtbench, "tome_deit_s")
    assert found["where"].startswith("r from 1 to 15; above that, a block meets its limit")
    assert [form["when"] for form in found["forms"]] == ["r even", "r odd"]
    for r in (1, 2, 7, 13, 14, 15):
        n = [197 - block * r for block in range(12)]
        dense = sum(4 * 384**2 * m + 2 * 384 * m * m + 8 * 384**2 * (m - r) for m in n)
        pairs = sum((m // 2) * (m - m // 2) * 64 for m in n)
        expected = 3 * 256 * 196 * 384 + dense + pairs + 384_000
        form = sympy.parse_expr(found["forms"][r % 2]["formula"])
        assert form.subs("r", r) == expected == cost_model("tome_deit_s").macs({"r": r})


@pytest.mark.parametrize("name", ["topk_deit_t", "evit_deit_s", "dtps_vit_b", "sit_lvvit_s"])
def test_three_stages_in_closed_form(vtbench, name):
    """At the patches that a rate keeps, the form gives what the rate costs."""
    at = {"keep_rate": Fraction(4, 5)}
    found = form_of(vtbench, name, "keep_rate=0.8")
    kept = [int(number) for number in re.findall(r"\d+", found["where"].partition("here")[2])]
    assert kept == ([157, 127, 103] if name == "evit_deit_s" else [156, 125, 100])
    (form,) = found["forms"]
    letters = {f"k{stage}": number for stage, number in enumerate(kept, 1)}
    assert sympy.parse_expr(form["formula"]).subs(letters) == cost_model(name).macs(at)


@pytest.mark.parametrize(
    ("name", "at", "said"),
    [
        ("tofu_deit_s", (), "ratio is rounded to whole tokens at every block"),
        ("diffrate_deit_s", (), "learned block by block"),
        ("mctf_deit_s", ("r=0.35",), "r is a share here, rounded at each cut"),
        ("tome_deit_s", ("r=[13,0.5]",), "r is a list; as one whole number"),
        ("ltmp_deit_s", (), "Thresholds decide for each image"),
    ],
)
def test_a_rule_that_rounds_says_that_it_has_no_closed_form(vtbench, name, at, said):
    found = form_of(vtbench, name, *at)
    assert found["forms"] == []
    assert said in found["where"]
    arguments = ("--at", ",".join(at)) if at else ()
    assert said[:40] in " ".join(vtbench("cost", name, *arguments).out.split())


def test_closed_forms_in_latex(vtbench):
    latex = vtbench("cost", "tome_deit_s", "--format", "latex").out
    assert r"$396704 \cdot r^{2} - 151328064 \cdot r + 4606333440$" in latex


# Beside a count.


def test_options_of_a_network_become_values():
    """What sets a cost by its name; tokens and MACs are met by trying every setting."""
    model = cost_model("tome_deit_s")
    assert model.values_for([("r", 8), ("proportional", False)], None) == {"r": 8}
    assert model.values_for([("tokens", 98)], (224, 224)) == {"H": 224, "W": 224, "r": 8}
    assert model.values_for([("macs", 3_000_000_000)], None) == {"r": 11}
    evit = cost_model("evit_deit_s").values_for([("tokens", 98), ("fused_token", True)], None)
    assert evit == {"fused_token": True, "keep_rate": Fraction("0.781")}
    assert cost_model("topk_deit_s").values_for([("keep_rate", 0.7)], None) == {
        "keep_rate": Fraction("0.7")
    }
    with pytest.raises(BadOption, match="no symbol for the option pad"):
        cost_model("ats_deit_s").values_for([("pad", "largest")], None)
