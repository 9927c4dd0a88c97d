"""What grew from one count to another: aligned, sorted, and exact to the last MAC."""

from __future__ import annotations

import csv
import io
import json

import pytest
from msgspec.structs import replace

from vtbench.report import CountsRendering, counts_document
from vtbench.report.paired_parts import aligned

CONV, FC = 3 * 3 * 3 * 16 * 16, 256


def renamed(record, names):
    """The record with modules of other names."""
    rows = tuple(replace(row, module=names.get(row.module, row.module)) for row in record.rows)
    held = {names.get(path, path): count for path, count in record.module_parameters.items()}
    return replace(record, rows=rows, module_parameters=held)


def document(records, **asked):
    return counts_document(records, CountsRendering(diff=True, **asked))


@pytest.fixture
def two(make_record):
    return [make_record("narrow", width=8), make_record("wide", width=16)]


def test_the_differences_of_modules_sum_to_the_whole(two):
    pairs = aligned(*two, "module", None)
    grown = {pair.names[0]: pair.difference for pair in pairs if pair.difference}
    assert grown == {
        "stem.conv": CONV * 8,
        "body.0.fc": FC * (16 * 16 - 8 * 8),
        "body.1.fc": FC * (16 * 16 - 8 * 8),
        "head": 80,
    }
    assert sum(pair.difference for pair in pairs) == two[1].macs - two[0].macs


def test_rows_are_sorted_and_equal_ones_share_a_line(two):
    lines = document(two, width=100).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Module"))
    names = [line.split("  ")[0] for line in lines[start + 2 :] if line][:5]
    assert names == ["body.0-1.fc", "stem.conv", "head", "(no difference)", "(all)"]


@pytest.mark.parametrize("view", ["module", "stage", "op", "class", "block"])
def test_json_and_csv_have_every_part_and_sum_exactly(two, view):
    found = json.loads(document(two, format="json", view=view))
    assert [each["workload"]["model"] for each in found["results"]] == ["narrow", "wide"]
    parts = found["diff"]["parts"]
    assert sum(part["difference"] for part in parts) == found["diff"]["difference"]
    assert found["diff"]["difference"] == two[1].macs - two[0].macs
    sizes = [abs(part["difference"]) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    lines = list(csv.DictReader(io.StringIO(document(two, format="csv", view=view))))
    assert [int(line["difference"]) for line in lines] == [p["difference"] for p in parts]
    assert sum(int(line["macs"] or 0) for line in lines) == two[0].macs
    assert sum(int(line["to_macs"] or 0) for line in lines) == two[1].macs


def test_modules_of_other_names_are_aligned_by_what_they_multiply(make_record):
    other = renamed(make_record("other"), {"stem.conv": "embed", "body.0.fc": "layers.a.dense"})
    pairs = {pair.names for pair in aligned(make_record(), other, "module", None)}
    assert ("stem.conv", "embed") in pairs
    assert ("body.0.fc", "layers.a.dense") in pairs


def test_a_module_that_only_one_has_is_said(make_record):
    whole = make_record("whole")
    rows = tuple(row for row in whole.rows if row.module != "head")
    held = {path: count for path, count in whole.module_parameters.items() if path != "head"}
    work = replace(whole.workload, model="part")
    part = replace(whole, rows=rows, module_parameters=held, workload=work)
    text = document([part, whole])
    (line,) = [line for line in text.splitlines() if line.startswith("head")]
    assert line.split() == ["head", "—", "80", "+80", "100.0", "%"]
    assert "one of the two does not have" in text


def test_equal_counts_have_no_rows(make_record):
    text = document([make_record("one"), make_record("two")])
    assert "The difference is 0 MACs." in text


def test_a_lower_bound_makes_the_difference_a_bound(make_record):
    text = document([make_record("known"), make_record("partly", unknown=True)])
    assert "≥ 0" in text
    assert "unknown operators" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["deit_s"], "there is 1"),
        (["deit_s", "deit_b", "deit_t"], "there are 3"),
        (["deit_s", "--resolution", "224,256,288"], "there are 3"),
        (["deit_s", "deit_b", "--relative-to", "deit_s"], "leave out --relative-to"),
        (["deit_s", "deit_b", "--seeds", "2"], "leave out --inputs, --seeds"),
    ],
)
def test_more_or_fewer_than_two_are_refused(vtbench, arguments, said):
    ended = vtbench("macs", *arguments, "--diff")
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
