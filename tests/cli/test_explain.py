"""``vtbench explain``: the cell, the count by stage, what was tried, and what hit."""

from __future__ import annotations

import json

import pytest

SUITE = """
[suite]
title = "Small nets"
source = "a test"

[search]
resolution = [192, 224]

[[table]]
id = "t"
where = "Table 1"

[table.columns]
macs = { metric = "macs", unit = "G" }
params = { metric = "params", unit = "M" }
d_macs = { kind = "difference", metric = "macs", unit = "M" }
top1 = { unit = "%", needs = "weights" }

[[table.row]]
id = "r18"
workload = { model = "resnet18" }
macs = { printed = "1.333", expect = "fails", why = "It was counted at 192." }
params = "11.69"
top1 = "69.76"

[[table.row]]
id = "r34"
workload = { model = "resnet34" }
macs = { printed = "2.692", expect = "fails", why = "It was counted at 192." }
params = "21.80"
d_macs = { printed = "1359", of = "macs - r18.macs", expect = "fails", why = "As above." }
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SUITE)
    return str(path)


def explained(vtbench, claim, suite):
    (found,) = json.loads(vtbench("explain", claim, suite, "--format", "json").out)["results"]
    return found


def test_everything_about_one_claim(vtbench, suite):
    """224: 1,814,073,344. At 192 all but the last layer, 512,000, is (192/224)² of it."""
    ended = vtbench("explain", "small.t.r18.macs", suite, "--format", "json")
    (found,) = json.loads(ended.out)["results"]
    assert ended.status == 0
    assert (found["measured"], found["verdict"], found["expect"]) == (1814073344, "fails", "fails")
    assert (found["low"], found["high"]) == (1332500000, 1333500000)
    assert found["command"] == "vtbench macs resnet18 --resolution 224x224"
    assert found["why"] == "It was counted at 192."
    assert sum(part["macs"] for part in found["by"]) == 1814073344
    at_192 = (1814073344 - 512000) * 36 // 49 + 512000
    assert found["reproduced_by"]["changes"] == {"resolution": 192}
    assert found["reproduced_by"]["measured"] == at_192
    best = found["tried"][0]
    assert best["changes"] == {"resolution": 192}
    assert (best["value"], best["hit"], best["hits"], best["of"]) == (at_192, "round", 2, 2)
    stated = [t for t in found["tried"] if not t["changes"] and t["convention"] == "full"]
    assert [(t["value"], t["hit"]) for t in stated] == [(1814073344, None)]


def test_hits_stand_before_misses_and_the_nearest_miss_first(vtbench, suite):
    (found,) = json.loads(vtbench("explain", "t.r18.macs", suite, "--format", "json").out)[
        "results"
    ]
    hits = [trial["hit"] is not None for trial in found["tried"]]
    assert hits == sorted(hits, reverse=True)
    misses = [abs(t["value"] - 1333000000) for t in found["tried"] if t["hit"] is None]
    assert misses == sorted(misses)


def test_a_derived_claim_shows_what_it_follows_from(vtbench, suite):
    (found,) = json.loads(vtbench("explain", "t.r34.d_macs", suite, "--format", "json").out)[
        "results"
    ]
    assert found["expression"] == "small.t.r34.macs - small.t.r18.macs"
    assert [part["id"] for part in found["parts"]] == ["small.t.r18.macs", "small.t.r34.macs"]
    assert found["measured"] == 3663761408 - 1814073344
    (printed,) = json.loads(
        vtbench("explain", "t.r34.d_macs.printed", suite, "--format", "json").out
    )["results"]
    assert (printed["kind"], printed["verdict"]) == ("arithmetic", "holds")  # 2.692 - 1.333


def test_the_page_says_it_in_words(vtbench, suite):
    ended = vtbench("explain", "t.r18.macs", suite)
    for said in ("Table 1, r18 · Small nets", "Printed", "1.333 G", "1,814,073,344",
                 "resolution=192", "Why: It was counted at 192.", "By stage", "Tried",
                 "Reproduce: vtbench macs resnet18 --resolution 224x224"):  # fmt: skip
        assert said in ended.out
    assert vtbench("explain", "t.r18.macs", suite, "--format", "markdown").out.startswith("###")


def test_a_claim_that_needs_weights_says_so(vtbench, suite):
    (found,) = json.loads(vtbench("explain", "t.r18.top1", suite, "--format", "json").out)[
        "results"
    ]
    assert (found["verdict"], found["unknown"], found["tried"]) == ("unknown", "weights", [])


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("small.t.r81.macs", "Did you mean small.t.r18.macs"),
        ("t.r18.mac", "Did you mean small.t.r18.macs"),
        ("qqqqqqqq", "There is no claim 'qqqqqqqq'."),
    ],
)
def test_a_misspelt_id_gets_the_nearest(vtbench, suite, claim, said):
    ended = vtbench("explain", claim, suite)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_a_misspelt_suite_gets_the_nearest_of_all_that_ship(vtbench):
    ended = vtbench("explain", "vt_v33.t1.vt_r34.macs")
    assert (ended.status, "Did you mean vt_v3.t1.vt_r34.macs" in ended.err) == (2, True)


def test_from_records_nothing_is_counted(vtbench, suite, tmp_path, process):
    records = tmp_path / "records.jsonl"
    vtbench("check", suite, "--save", str(records))
    code = (
        "import sys\nfrom vtbench.cli import main\n"
        f"try:\n    main(['explain', 't.r18.macs', {suite!r}, '--from', {str(records)!r}])\n"
        "except SystemExit as e:\n    assert not e.code\n"
        "print([n for n in ('torch', 'timm') if n in sys.modules])"
    )
    ended = process("-c", code)
    assert "1,814,073,344" in ended.out, ended.err
    assert ended.out.endswith("[]\n")


def test_a_suite_that_names_code_needs_leave(vtbench, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(SUITE.replace('"resnet18"', '"os:getcwd"'))
    ended = vtbench("explain", "s.t.r18.macs", str(path))
    assert (ended.status, "--allow-imports" in ended.err) == (2, True)
