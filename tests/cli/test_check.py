"""``vtbench check`` as a user meets it: documents, exit statuses, refusals, and records."""

import csv
import io
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

SUITE = """
[suite]
title = "A paper"
source = "nowhere"

[[table]]
id = "t1"
where = "Table 1"

[table.columns]
macs = { metric = "macs", unit = "G" }
params = { metric = "params", unit = "M" }
top1 = { unit = "%", needs = "weights" }
ratio = { kind = "ratio", metric = "macs", unit = "x" }

[[table.row]]
id = "small"
where = "row R-18"
workload = { model = "resnet18" }
macs = "1.814"
params = "11.69"
top1 = "69.8"

[[table.row]]
id = "large"
where = "row R-34"
workload = { model = "resnet34" }
macs = "3.664"
ratio = { printed = "2.02", of = "macs / small.macs" }
"""
"""Two nets; 3,663,761,408 / 1,814,073,344 = 2.0196; parameters 11,689,512."""

WRONG = SUITE.replace('"3.664"', '"3.671"')
"""A figure of another counter, which has the batch norms too."""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """Writes a suite in a directory that is then the current one, and gives its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def write(text=SUITE, name="paper.toml"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return write


def refused(ended, *parts):
    """Status 2, nothing on stdout, a sentence on stderr without a traceback."""
    assert ended.status == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err
    for part in parts:
        assert part in ended.err


def test_all_as_expected_is_status_0_and_a_table(vtbench, suite):
    ended = vtbench("check", suite())
    assert ended.status == 0
    lines = [line.split() for line in ended.out.splitlines() if line.startswith("t1.")]
    assert lines == [
        ["t1.small.macs", "1.814", "G", "1.81407", "holds"],
        ["t1.small.params", "11.69", "M", "11.6895", "holds"],
        ["t1.small.top1", "69.8", "%", "—", "—", "unknown", "weights"],
        ["t1.large.macs", "3.664", "G", "3.66376", "holds"],
        ["t1.large.ratio", "2.02", "x", "2.0196", "holds"],
        ["t1.large.ratio.printed", "2.02", "x", "2.0198", "holds"],
    ]
    assert "Independent of every fit: 4 of 4 claims hold." in ended.out
    assert "The paper against itself: 1 of 1 claim is consistent." in ended.out
    assert "Accuracies: 1 claim, none of which can be judged here." in ended.out


def test_a_figure_that_does_not_hold_is_status_1_and_named_with_what_gives_it(vtbench, suite):
    ended = vtbench("check", suite(WRONG))
    assert ended.status == 1
    assert "t1.large.macs" in ended.out
    assert "no reading is named" in ended.out
    said = ended.out.replace("\n", " ")
    assert re.search(
        r"Of 1,\d{3} wrong figures drawn at random within 5 % of the counts, 0.0 %", said
    )
    assert "! paper.t1.large.macs: expected holds; " in ended.out.replace("\n", " ")


def test_json_is_one_document_with_the_promised_keys(vtbench, suite):
    ended = vtbench("check", suite(WRONG), "--format", "json")
    data = json.loads(ended.out)
    assert set(data) == {
        "schema", "vtbench", "results", "summary", "wrong_figures", "leave_one_out"
    }  # fmt: skip
    assert set(data["wrong_figures"]["paper"]) == {"drawn", "possible", "named"}
    found = data["summary"]["paper"]
    assert found["independent"] == {
        "claims": 4, "holds": 3, "close": 1, "fails": 0, "unknown": 0, "named": 0,
    }  # fmt: skip
    assert (found["arithmetic"]["holds"], found["accuracies"]["unknown"]) == (1, 1)
    assert (found["claims"], found["holds"], found["unknown"]) == (6, 4, 1)
    claim = next(c for c in data["results"] if c["id"] == "paper.t1.large.macs")
    assert {"id", "suite", "where", "kind", "printed", "unit", "workload", "low", "high",
            "measured", "deviation", "verdict", "reason", "expect", "as_expected",
            "reproduced_by", "possible", "why_not", "fitted", "why",
            "command"} <= set(claim)  # fmt: skip
    assert (claim["measured"], claim["low"]) == (3_663_761_408, 3_670_500_000)
    assert claim["deviation"] == pytest.approx(3_663_761_408 / 3_671_000_000 - 1, rel=1e-12)
    assert (claim["verdict"], claim["expect"], claim["as_expected"]) == ("close", "holds", False)
    assert (claim["reproduced_by"], claim["possible"]["convention"]) == (None, "norms_counted")
    assert claim["why_not"] == ("Under it no more figures of the column come out than as stated.")
    assert claim["command"] == "vtbench macs resnet34 --resolution 224x224"
    unknown = next(c for c in data["results"] if c["id"] == "paper.t1.small.top1")
    assert (unknown["unknown"], unknown["measured"], unknown["as_expected"]) == (
        "weights", None, True,
    )  # fmt: skip


def test_csv_junit_and_github_say_the_same(vtbench, suite):
    name = suite(WRONG)
    rows = list(csv.DictReader(io.StringIO(vtbench("check", name, "--format", "csv").out)))
    assert [row["id"] for row in rows if row["as_expected"] == "False"] == ["paper.t1.large.macs"]
    tests = ET.fromstring(vtbench("check", name, "--format", "junit").out)  # noqa: S314 - ours
    assert tests.attrib == {
        "name": "vtbench check", "tests": "6", "failures": "1", "skipped": "1"
    }  # fmt: skip
    assert [t.get("name") for t in tests if t.find("failure") is not None] == [
        "paper.t1.large.macs"
    ]
    lines = vtbench("check", name, "--format", "github").out.splitlines()
    said = "Table 1, row R-34: printed 3.671 G, measured 3.66376 G: close"
    assert lines[0].startswith(f"::error title=paper.t1.large.macs::{said}")
    assert lines[1].startswith("::notice title=paper::Independent of every fit: ")
    assert len(lines) == 2


def test_the_kind_of_each_source_stands_beside_its_figure_and_is_added_up(vtbench, suite):
    text = SUITE.replace('source = "nowhere"', 'source = "nowhere"\nsource_kind = "readme"')
    text = text.replace("ratio = {", 'ratio = { source_kind = "secondary",', 1)
    ended = vtbench("check", suite(text))
    assert re.search(r"Claim +Source +Printed", ended.out)
    assert re.search(r"t1\.small\.macs +readme +1\.814 G", ended.out)
    assert re.search(r"t1\.large\.ratio +secondary +2\.02 x", ended.out)
    said = "Sources of the claims: 4 readme (t1.*.macs, t1.*.params, t1.*.top1); 1 secondary"
    assert f"{said} (t1.*.ratio)." in " ".join(ended.out.split())
    told = json.loads(vtbench("check", "paper.toml", "--format", "json").out)["results"]
    assert [each["source_kind"] for each in told].count("secondary") == 2
    assert "Source" not in vtbench("check", suite(SUITE)).out


def test_only_shows_what_matches_and_judges_it_as_the_whole_would(vtbench, suite):
    ended = vtbench("check", suite(WRONG), "--only", "*.ratio", "--format", "json")
    assert [c["id"] for c in json.loads(ended.out)["results"]] == ["paper.t1.large.ratio"]
    assert ended.status == 0
    refused(vtbench("check", "paper.toml", "--only", "*.speed"), "No claim matches '*.speed'")


def test_an_empty_selection_or_nothing_that_can_be_judged_is_status_2(vtbench, suite):
    ended = vtbench("check", suite(), "--only", "*.top1")
    assert (ended.status, "Nothing could be judged." in ended.err) == (2, True)


def test_fail_on_unknown_makes_skips_failures(vtbench, suite):
    assert vtbench("check", suite(), "--fail-on-unknown").status == 1
    expected = SUITE.replace('"69.8"', '{ printed = "69.8", expect = "unknown", why = "w" }')
    assert vtbench("check", suite(expected), "--fail-on-unknown").status == 0


def test_output_goes_to_a_file_and_nothing_to_stdout(vtbench, suite, tmp_path):
    ended = vtbench("check", suite(), "--format", "json", "--output", "out.json")
    assert ended.out == ""
    assert json.loads((tmp_path / "out.json").read_text())["summary"]["paper"]["holds"] == 5
    refused(vtbench("check", "paper.toml", "--output", "absent/out.json"), "absent")


def test_all_mistakes_of_a_suite_are_on_stderr_each_with_its_line(vtbench, suite):
    text = SUITE.replace('"1.814"', '"1.8.4"').replace('title = "A paper"', "titel = 1")
    ended = vtbench("check", suite(text))
    refused(
        ended,
        "paper.toml:3: titel: there is no such field",
        "paper.toml:2: title: this field is missing.",
        "paper.toml:20: t1.small.macs: '1.8.4' is not a number",
    )


def test_a_suite_that_does_not_exist_is_refused_with_the_nearest(vtbench, suite):
    suite()
    refused(vtbench("check", "vt_v5"), "There is no suite 'vt_v5'", "Did you mean", "vt_v4")
    refused(vtbench("check", "absent.toml"), "no such file")


def test_an_unknown_model_is_refused_with_the_claim_and_the_nearest(vtbench, suite):
    ended = vtbench("check", suite(SUITE.replace('"resnet34"', '"resnet43"')))
    refused(ended, "paper.toml: paper.t1.large.macs: ", "resnet43", "resnet34")


def test_a_model_that_refuses_its_workload_is_a_fault_and_costs_no_other_claim(vtbench, suite):
    bad = SUITE.replace('"resnet34" }', '"resnet34", options = { tokens = 8 } }')
    ended = vtbench("check", suite(bad), "--format", "json")
    assert ended.status == 1
    claims = {c["id"]: c for c in json.loads(ended.out)["results"]}
    large = claims["paper.t1.large.macs"]
    assert (large["verdict"], large["as_expected"]) == ("unknown", False)
    assert "no option 'tokens'" in large["reason"]
    assert claims["paper.t1.small.macs"]["verdict"] == "holds"


MODEL = """
import torch
def net():
    open("ran", "w").close()
    return torch.nn.Linear(3, 5), torch.zeros(1, 3)
"""


@pytest.mark.parametrize("where", ["a claim", "a quantity"])
def test_a_suite_names_code_and_it_runs_only_where_that_is_allowed(vtbench, suite, tmp_path, where):
    (tmp_path / "own_net.py").write_text(MODEL)
    work = '{ model = "own_net:net", resolution = "own" }'
    text = SUITE.split("[[table]]", maxsplit=1)[0]
    if where == "a claim":
        text += f'[[claim]]\nid = "own"\nwhere = "w"\nprinted = "15"\nmetric = "macs"\n\
workload = {work}\n'
    else:
        text += f'[[quantity]]\nid = "q"\nmetric = "macs"\nworkload = {work}\n'
        text += '[[claim]]\nid = "own"\nwhere = "w"\nprinted = "30"\nkind = "ratio"\n\
metric = "macs"\nof = "2 * q"\n'
    refused(
        vtbench("check", suite(text)), "own_net:net", "which vtbench would run", "--allow-imports"
    )
    assert not (tmp_path / "ran").exists()
    assert vtbench("check", "paper.toml", "--allow-imports").status == 0
    assert (tmp_path / "ran").exists()


WITHOUT_TORCH = """
import sys
from vtbench.cli import main
try:
    main(["check", "paper.toml", "--from", "records.jsonl", "--format", "json"])
except SystemExit as ended:
    status = ended.code
assert not {"torch", "timm", "numpy"} & set(sys.modules), "torch was imported"
sys.exit(status)
"""


def test_records_are_judged_without_torch_and_as_when_they_were_counted(
    vtbench, process, suite, tmp_path
):
    counted = vtbench("check", suite(WRONG), "--save", "records.jsonl", "--format", "json")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    again = process("-c", WITHOUT_TORCH, cwd=tmp_path, env=environment)
    assert (again.status, again.err) == (1, "")
    assert json.loads(again.out) == json.loads(counted.out)


def test_records_of_another_convention_or_no_records_are_refused(vtbench, suite, tmp_path):
    vtbench("check", suite(), "--save", "records.jsonl")
    lines = (tmp_path / "records.jsonl").read_text()
    (tmp_path / "old.jsonl").write_text(lines.replace("vtbench-macs/1", "vtbench-macs/0"))
    refused(vtbench("check", "paper.toml", "--from", "old.jsonl"),
            "old.jsonl:1: this record has the convention vtbench-macs/0",
            "count again")  # fmt: skip
    (tmp_path / "bad.jsonl").write_text(lines + "{}\n")
    refused(vtbench("check", "paper.toml", "--from", "bad.jsonl"), "bad.jsonl:3: ")
    refused(vtbench("check", "paper.toml", "--from", "absent.jsonl"), "absent.jsonl")


def test_records_that_lack_a_workload_leave_its_claim_unknown(vtbench, suite, tmp_path):
    vtbench("check", suite(), "--save", "records.jsonl")
    first = (tmp_path / "records.jsonl").read_text().splitlines()[0]
    (tmp_path / "one.jsonl").write_text(first + "\n")
    ended = vtbench("check", "paper.toml", "--from", "one.jsonl", "--format", "json")
    verdicts = {c["id"]: c["verdict"] for c in json.loads(ended.out)["results"]}
    assert verdicts["paper.t1.small.macs"] == "holds"
    assert verdicts["paper.t1.large.macs"] == verdicts["paper.t1.large.ratio"] == "unknown"
    assert verdicts["paper.t1.large.ratio.printed"] == "holds"


def test_suites_by_name_and_by_file_together(vtbench, suite):
    ended = vtbench("check", suite(), "vt_v3", "--only", "*.s32.*", "--format", "json")
    assert {c["suite"] for c in json.loads(ended.out)["results"]} == {"vt_v3"}
    ended = vtbench("check", "vt_v3", "--only", "*.s32.*")
    assert ended.status == 0
    assert "s32.non_local" in ended.out
    assert "no reading is named" in ended.out


def test_markdown_is_a_table_with_its_notes(vtbench, suite):
    ended = vtbench("check", suite(), "--format", "markdown")
    assert "| t1.small.macs" in ended.out
    assert "4 of 4 claims hold" in ended.out


def test_an_axis_that_no_model_has_is_refused_with_its_line(vtbench, suite):
    """What there is stands in the sentence; nothing is judged by a search that tried nothing."""
    text = SUITE + "\n[search]\ntokenz = [1, 2]\n"
    refused(vtbench("check", suite(text)), "search.tokenz: resnet18 has no option 'tokenz'.")


def test_claims_are_one_table_with_the_columns_and_rows_that_are_asked_for(vtbench, suite):
    shape = ("--columns", "printed,low,high,relation", "--sort", "measured:desc", "--top", "2")
    ended = vtbench("check", suite(), *shape, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert list(rows[0]) == ["id", "printed", "low", "high", "relation"]
    assert len(rows) == 2
    table = vtbench("check", suite(), *shape).out.splitlines()
    assert table[0] == "Claims"
    assert table[1].split() == ["Claim", "Printed", "Low", "High", "Relation"]
    refused(vtbench("check", suite(), "--columns", "hgih"), "Did you mean high")
    refused(vtbench("check", suite(), "--label", "resnet34=R34"), "the rows of a check are claims")
