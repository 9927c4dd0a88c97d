"""Baselines: what is written, what is held to it, and which modules a red names."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version

import msgspec
import pytest

from vtbench.claims.baseline import Moved, judge_baseline, lines_of_baseline, moved, read_baseline
from vtbench.data.files import line_of
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadInput
from vtbench.report.baseline import with_reasons

TORCH = version("torch")
NETS = """
import torch
from torch import nn

def make(width=8, depth=3, ratio={ratio}):
    def block():
        return nn.Sequential(nn.Linear(width, ratio * width), nn.Linear(ratio * width, width))
    body = nn.Sequential(*(block() for _ in range(depth)))
    return nn.Sequential(nn.Linear(3, width), body, nn.Linear(width, 10)), torch.zeros(1, 5, 3)
"""


@pytest.fixture
def written(tmp_path, make_record):
    """A baseline of the small network whose figures are all known, and its records."""

    def call(**fields):
        record = make_record(**fields)
        path = tmp_path / "baseline.jsonl"
        path.write_text(lines_of_baseline({record.workload: record}, TORCH), encoding="utf-8")
        return path, {record.workload: record}

    return call


def outcomes(path, records, torch=TORCH):
    judged = judge_baseline(read_baseline(path), records, torch)
    return {v.claim.id.rpartition(".")[2]: v for v in with_reasons(judged)}


def test_a_model_keeps_its_own_baseline(written):
    found = outcomes(*written())
    assert [v.verdict for v in found.values()] == ["holds"] * 4
    # stem 3·3·3·8·16·16, two of 256·8·8, head 8·10, 100 of its own
    assert found["macs"].measured == 3 * 3 * 3 * 8 * 256 + 2 * 256 * 64 + 80 + 100
    assert found["params"].measured == 1000
    assert found["operators"].measured == 1 + 1 + 1 + 1 + 2 + 3 + 1
    assert found["memory"].measured == 12_345
    assert found["macs"].claim.low == found["macs"].claim.high  # an interval without width


def test_one_multiply_add_more_turns_it_red_and_names_the_module(written):
    path, records = written()
    ((asked, record),) = records.items()
    rows = list(record.rows)
    rows[1] = msgspec.structs.replace(rows[1], macs=rows[1].macs + 1)
    verdict = outcomes(path, {asked: msgspec.structs.replace(record, rows=tuple(rows))})["macs"]
    assert (verdict.verdict, verdict.as_expected) == ("close", False)
    assert verdict.reason == "The total differs by +1. +1: body.0.fc."


def test_modules_alike_but_for_numbers_are_named_together(written, make_record):
    path, records = written()
    (asked,) = records
    found = outcomes(path, {asked: msgspec.structs.replace(make_record(width=9), workload=asked)})
    stem = 3 * 3 * 3 * 256  # one more output channel
    body = 256 * (81 - 64)  # each of the two
    assert 2 * body > stem  # what moved most is named first
    assert found["macs"].reason == (
        f"The total differs by +{(stem + 2 * body + 10) / 1e3:.3f} K. "
        f"+{2 * body / 1e3:.3f} K: 2 × body.*.fc; "
        f"+{stem / 1e3:.3f} K: stem.conv; +10: head."
    )


def test_moved_groups_new_and_gone_modules_apart():
    before = {"a.0.fc": 5, "a.1.fc": 5, "b1": 7, "c": 1}
    after = {"a.0.fc": 6, "a.1.fc": 8, "a.2.fc": 9, "b2": 7, "c": 1}
    assert moved(before, after) == (
        Moved(path="a.2.fc", count=1, by=9, change="new"),
        Moved(path="b1", count=1, by=-7, change="gone"),
        Moved(path="b2", count=1, by=7, change="new"),
        Moved(path="a.*.fc", count=2, by=4, change="changed"),
    )


def test_under_another_torch_operators_and_memory_are_information(written):
    path, records = written()
    ((asked, record),) = records.items()
    memory = msgspec.structs.replace(record.memory, activations_peak=99)
    changed = {asked: msgspec.structs.replace(record, memory=memory)}
    assert outcomes(path, changed)["memory"].as_expected is False
    found = outcomes(path, changed, torch="1.0")
    assert [v.verdict for v in found.values()] == ["holds", "holds", "unknown", "unknown"]
    assert all(v.as_expected for v in found.values())
    assert (
        f"The baseline was written with torch {TORCH} and this is torch 1.0"
        in found["memory"].reason
    )


def test_the_same_number_of_calls_of_other_operators_is_a_change(written):
    path, records = written()
    ((asked, record),) = records.items()
    rows = tuple(
        msgspec.structs.replace(row, op="aten.gelu.default") if "relu" in row.op else row
        for row in record.rows
    )
    found = outcomes(path, {asked: msgspec.structs.replace(record, rows=rows)})["operators"]
    assert found.verdict == "fails"
    assert found.reason == "aten.gelu.default 0 → 1, aten.relu.default 1 → 0."


def test_a_model_that_can_no_longer_be_counted_fails(written):
    path, records = written()
    ((asked, record),) = records.items()
    broken = msgspec.structs.replace(record, rows=(), error="It has no forward.")
    found = outcomes(path, {asked: broken})
    assert [(v.verdict, v.as_expected) for v in found.values()] == [("fails", False)] * 2
    assert found["macs"].reason == "It can no longer be counted: It has no forward."


def test_the_counted_part_of_an_incomplete_model_is_held(written):
    path, records = written(unknown=True)
    assert outcomes(path, records)["macs"].verdict == "holds"
    complete, known = written()
    ((asked, record),) = known.items()
    grown = msgspec.structs.replace(record, rows=next(iter(records.values())).rows)
    found = outcomes(complete, {asked: grown})["macs"]
    assert (found.verdict, found.unknown, found.as_expected) == ("unknown", "op", False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a baseline"),
        ("{}\n", ":1: this is not a line of a baseline"),
        ('{"kind":"baseline","convention":"vtbench-macs/0","torch":"2"}\n', "write the baseline"),
        ('{"kind":"baseline","convention":"vtbench-macs/1","torch":"2"}\n', "holds no model"),
        ('{"kind":"module","model":"a","module":"b","macs":1,"params":1}\n', "is not a baseline"),
        ("\x00\n", ":1: this is not a line"),
    ],
)
def test_files_that_are_no_baseline_are_refused(tmp_path, text, said):
    path = tmp_path / "b.jsonl"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        read_baseline(path)


def test_a_model_that_stands_twice_is_refused(written):
    path, _ = written()
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, lines[1]]))
    with pytest.raises(BadInput, match="holds toy twice"):
        read_baseline(path)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a module of the user's, which can be changed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def change(ratio: int) -> None:
        sys.modules.pop("guarded_nets", None)
        path = tmp_path / "guarded_nets.py"
        path.write_text(NETS.format(ratio=ratio))
        # compiled code is told apart by size and whole seconds, and both versions are as long
        os.utime(path, (ratio, ratio))

    change(4)
    yield change
    sys.modules.pop("guarded_nets", None)


def test_from_the_command_line_written_kept_and_broken(vtbench, project, tmp_path):
    """The whole life of a baseline: status 0, then 1 with the module named, then 0 again."""
    names = "guarded_nets:make"
    assert vtbench("baseline", "write", "b.jsonl", "--models", names).status == 0
    check = ("check", "--against", "b.jsonl", "--allow-imports")
    kept = vtbench(*check)
    macs = 5 * (3 * 8 + 3 * 2 * 8 * 32 + 8 * 10)
    assert (kept.status, f"{macs:,}" in kept.out) == (0, True)
    project(5)
    broken = vtbench(*check)
    assert broken.status == 1
    by = 5 * 3 * 2 * 8 * 8
    assert f"The total differs by +{by / 1e3:.3f} K. +{by / 1e3:.3f} K: 6 × 1.*.*." in broken.out
    ended = vtbench(*check, "--format", "json")
    claims = {claim["id"]: claim for claim in json.loads(ended.out)["results"]}
    assert claims["b.guarded_nets:make.macs"]["measured"] == macs + by
    assert claims["b.guarded_nets:make.macs"]["as_expected"] is False
    annotated = vtbench(*check, "--format", "github").out
    assert annotated.startswith("::error title=b.guarded_nets%3Amake.macs::b.jsonl, ")
    assert "6 × 1.*.*" in annotated
    assert vtbench("baseline", "write", "b.jsonl", "--models", names).status == 0
    assert vtbench(*check).status == 0
    (tmp_path / "guarded_nets.py").unlink()
    sys.modules.pop("guarded_nets", None)
    gone = vtbench(*check)
    assert (gone.status, "It can no longer be counted" in gone.out) == (1, True)


def test_one_model_under_several_options_has_a_line_for_each(vtbench, project, tmp_path):
    """Named by what differs; a change is laid at the door of the workload that changed."""
    options = ("-o", "depth=1,3", "-o", "width=8")
    assert vtbench("baseline", "write", "b.jsonl", "guarded_nets:make", *options).status == 0
    check = ("check", "--against", "b.jsonl", "--allow-imports")
    kept = vtbench(*check)
    assert kept.status == 0
    macs = {depth: 5 * (3 * 8 + depth * 2 * 8 * 32 + 8 * 10) for depth in (1, 3)}
    for depth, count in macs.items():
        row = next(r for r in kept.out.splitlines() if f"(depth={depth})" in r and "MACs" in r)
        assert row.count(f"{count:,}") == 2
    assert "0 of 8 figures differ" in kept.out
    assert kept.out.startswith("Against b.jsonl\n")
    project(5)
    broken = vtbench(*check)
    assert broken.status == 1
    for depth, by in ((1, "+640"), (3, "+1.920 K")):  # 5 tokens, 2 · depth layers, 8·8 more
        said = f"! guarded_nets:make (depth={depth}), macs: The total differs by {by}."
        assert said in " ".join(broken.out.split())


def test_a_baseline_runs_no_code_unless_it_may(vtbench, project):
    vtbench("baseline", "write", "b.jsonl", "--models", "guarded_nets:make")
    ended = vtbench("check", "--against", "b.jsonl")
    assert (ended.status, ended.out) == (2, "")
    assert "names the function guarded_nets:make, which vtbench would run" in ended.err


def test_where_a_model_fails_no_baseline_is_written(vtbench, project, tmp_path):
    ended = vtbench("baseline", "write", "b.jsonl", "--models", "guarded_nets:make,guarded_nets:no")
    assert ended.status == 2
    assert "No baseline was written" in ended.err
    assert not (tmp_path / "b.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--against", "none.jsonl"], "The baseline none.jsonl cannot be read"),
        (["baseline", "write", "none/b.jsonl", "--models", "resnet18"], "does not exist"),
        (["baseline", "write", "b.jsonl"], "No model was named"),
        (["baseline", "write", "b.jsonl", "--models", "resnt18"], "Did you mean resnet18"),
    ],
)
def test_mistakes_end_with_2_and_write_nothing(vtbench, project, tmp_path, arguments, said):
    ended = vtbench(*arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert not (tmp_path / "b.jsonl").exists()


def test_a_baseline_is_counted_anew_and_not_read_from_records(vtbench, written):
    path, _ = written()
    kept = path.with_name("x.jsonl")
    kept.write_text(line_of(Record(workload=Workload(model="a"))))
    ended = vtbench("check", "--against", str(path), "--from", str(kept))
    assert (ended.status, "--against counts the models again, module by module" in ended.err) == (
        2,
        True,
    )
