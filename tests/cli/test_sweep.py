"""``vtbench sweep`` as a user types it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from vtbench.cli.sweep_answer import shard_of
from vtbench.cli.values import positives, seconds_of, values_of
from vtbench.cli.workloads import option_axes
from vtbench.data.files import line_of
from vtbench.data.measurement import Device, Measurement
from vtbench.data.option import fields_of
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption, BadResolution, UsageError
from vtbench.report import Rendering
from vtbench.report.planned import Planned, planned_document
from vtbench.sweep import changed_conditions
from vtbench.sweep.axes import OptionAxis
from vtbench.sweep.cells import Cell
from vtbench.sweep.estimate import Estimate
from vtbench.sweep.phases import phases

ROOT = Path(__file__).parents[2]
FIELDS = fields_of(Workload)


# What the user writes


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("8", (8,)),
        ("1,16,64", (1, 16, 64)),
        ("8:32:8", (8, 16, 24, 32)),
        ("8:30:8", (8, 16, 24)),
        ("1:3", (1, 2, 3)),
        ("4,8:16:4,4", (4, 8, 12, 16)),
    ],
)
def test_numbers_are_lists_and_ranges_with_their_stop(text, read):
    assert positives(text, "--tokens") == read


@pytest.mark.parametrize("text", ["", "0", "-1", "8,", "1.5", "a", "16:8:4", "8:16:0", "8:16:-4"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(BadInput):
        positives(text, "--tokens")


def test_an_enormous_range_is_refused_before_it_is_made():
    with pytest.raises(BadInput, match="has 999,999,999 values"):
        positives("1:999999999", "--tokens")


def test_sizes_are_lists_ranges_and_rectangles():
    assert values_of(FIELDS["resolution"], "192:256:32,192x320") == (
        (192, 192), (224, 224), (256, 256), (192, 320),
    )  # fmt: skip
    with pytest.raises(BadResolution):
        values_of(FIELDS["resolution"], "large")


def test_a_comma_makes_an_axis_and_brackets_make_a_tuple():
    found = option_axes(
        ["k=0.5,0.7", "m:r=8:12:2", "s=[1,2],[3,4]", "w=a,b", "f=0.1:0.3:0.1"], "8,16"
    )
    assert found == (
        OptionAxis(None, "k", (0.5, 0.7)),
        OptionAxis("m", "r", (8, 10, 12)),
        OptionAxis(None, "s", ((1, 2), (3, 4))),
        OptionAxis(None, "w", ("a", "b")),
        OptionAxis(None, "f", (0.1, 0.2, 0.3)),
        OptionAxis(None, "tokens", (8, 16)),
    )


def test_words_are_checked_and_none_is_a_value_where_it_means_something():
    assert values_of(FIELDS["dtype"], "fp32,bf16") == ("fp32", "bf16")
    with pytest.raises(BadOption, match=r"--dtype: expected one of fp32, tf32, .*, got 'fp8'"):
        values_of(FIELDS["dtype"], "fp8")
    assert values_of(FIELDS["compile"], "none,default") == (None, "default")
    assert values_of(FIELDS["attention"], "none,math") == (None, "math")
    with pytest.raises(BadOption, match="got 'none'"):
        values_of(FIELDS["layout"], "none")


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_a_shard_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="expected a part such as 2/5"):
        shard_of(text)
    assert shard_of("2/5") == (2, 5)


# What it is going to take


def cell(protocol, model="a"):
    return Cell(Workload(model=model), protocol)


def test_the_estimate_is_the_caps_and_then_what_cells_like_it_took():
    caps = Estimate([], 5.0)
    assert caps.seconds(cell("latency")) == 4 + 10 + 5
    assert caps.seconds(cell("macs")) == 0.5
    assert caps.seconds(cell("memory")) == 4 + 2
    assert not caps.known(cell("latency"))
    record = Measurement(
        workload=Workload(model="a"),
        protocol=PROTOCOLS["latency"].id,
        samples=(0.25, 0.25),
        steps_per_sample=2,
        warmup_seconds=3.0,
    )
    known = Estimate([record], 5.0)
    assert known.seconds(cell("latency")) == 4 + 3 + 2 * 2 * 0.25
    assert known.seconds(cell("latency", "b")) == 4 + 3 + 1
    assert known.known(cell("latency", "b"))
    assert known.total([cell("latency"), cell("macs")], 2) == (8 + 0.5) / 2


def test_counts_come_first_and_side_by_side_and_what_is_timed_has_the_machine_to_itself():
    cells = [cell("latency"), cell("macs"), cell("memory")]
    counts, measured = phases(cells, (None,), jobs=2)
    assert [c.protocol for c in counts.cells] == ["macs"]
    assert (counts.how.isolate, counts.how.places, counts.how.timing) == (
        "none", (None, None), False,
    )  # fmt: skip
    assert [c.protocol for c in measured.cells] == ["latency", "memory"]
    assert (measured.how.isolate, measured.how.places, measured.how.timing) == (
        "cell", (None,), True,
    )  # fmt: skip
    (on_gpus,) = phases([cell("latency")], (0, 1), "model")
    assert (on_gpus.how.isolate, on_gpus.how.places) == ("model", (0, 1))


def test_the_plan_says_what_is_done_and_what_is_only_a_cap():
    work = Workload(model="a", options=(("k", 1),), dtype="bf16", threads=2)
    plan = [
        Planned(work, "latency", 29.0, known=False, done=False, launches=5),
        Planned(work, "macs", 0.5, known=False, done=True),
    ]
    text = planned_document(plan, 29.0, Rendering())
    assert re.search(r"a +k=1 +own +1 +bf16, 2 threads +latency +5 +~ 29 s", text)
    assert re.search(r"macs +— +done", text)
    assert "2 cells, of which 1 to do (5 launches): estimated at up to 29 s" in text
    data = json.loads(planned_document(plan, 29.0, Rendering(format="json")))
    assert data["seconds"] == 29.0
    assert [row["done"] for row in data["results"]] == [False, True]


# The command


def test_a_sweep_of_counts_is_a_wide_table_and_is_done_only_once(vtbench, tmp_path):
    path = tmp_path / "s.jsonl"
    asked = ("sweep", "vt_transformer", "-o", "tokens=8,16", "--save", str(path))
    first = vtbench(*asked, "--format", "json")
    assert first.status == 0, first.err
    records = json.loads(first.out)["results"]
    # 3·CT²·L + 1.5·CT·L² of the block with its default width of 1024
    assert [r["macs"] for r in records] == [
        3 * 1024**2 * 8 + 3 * 1024 * 8**2 // 2,
        3 * 1024**2 * 16 + 3 * 1024 * 16**2 // 2,
    ]
    before = path.read_bytes()
    again = vtbench(*asked, "--format", "json")
    assert json.loads(again.out) == json.loads(first.out)
    assert path.read_bytes() == before


def test_a_cell_that_is_refused_is_a_row_and_the_others_go_on(vtbench, tmp_path):
    ended = vtbench(
        "sweep", "vt_transformer", "resnet18", "--tokens", "8", "--resolution", "64",
        "--format", "json",
    )  # fmt: skip
    assert ended.status in (1, 2)
    assert "resnet18: resnet18 has no option 'tokens'" in ended.err


RELATIVE = ("--metric", "throughput", "--relative-to")


def test_mistakes_are_found_before_anything_runs(vtbench, tmp_path):
    for arguments, said in (
        (("nosuchnet",), "nosuchnet"),
        (("resnet18", "--metric", "speed"), "--metric: expected one of throughput, latency"),
        (("resnet18", "--batch-size", "1:5000"), "5,000 cells; give --yes"),
        (("resnet18", "-o", "vit_s:k=1"), "not among the models that you named"),
        (("resnet18", "--metric", "latency", "--dtype", "fp32,tf32"), "--dtype tf32 needs a GPU"),
        (("resnet18", "--save", str(tmp_path)), "is a directory"),
        (("resnet18", "--shard", "3/2"), "--shard"),
        (("resnet18", "--max-batch", "--knee"), "both choose the batch"),
        (("resnet18", "--max-batch", "--batch-size", "1,2"), "leave out --batch-size"),
        (("resnet18", "--output", "x.xlsx"), ".txt, got 'x.xlsx'; rename it, or give --format"),
        (("resnet18", "--knee", "--dry-run"), "leave out --dry-run"),
        (("resnet18", "--match-macs", "3G"), "name it with --over"),
        (("resnet18", "--match-macs", "much", "--over", "k"), "expected a budget such as 3.0G"),
        (("resnet18", "--over", "k"), "give both"),
        (("resnet18", "--match-macs", "3G", "--over", "resolution"), "needs sizes"),
        (("resnet18", "--launches", "0"), "--launches: expected a number from 1 to 1000, got 0"),
        (("resnet18", "--launches", "3", "--isolate", "model"), "leave out --isolate"),
        (("resnet18", "--seed", "-1"), "--seed: expected a number of at least 0, got -1"),
        (("resnet18", "--within", "soon"), "--within: expected a time such as 90s, 20m or 1.5h"),
        (("resnet18", "--within", "0"), "--within: expected a time such as 90s, 20m or 1.5h"),
        (("resnet18", "--within", "5m", "--knee"), "--within cannot be held beside a search"),
        (("resnet18", "--within", "5m", "--executor", "ray"), "beside --executor ray"),
        (("resnet18", "--relative-to", "vit_s"), "'vit_s' is not among the models of this sweep"),
        (("resnet18", "vit_s", "--relative-to", "vit_s"), "give --metric throughput or latency"),
        (
            ("resnet18", "vt_r18", "-o", "vt_r18:tokens=8,16", *RELATIVE, "vt_r18"),
            "--relative-to: vt_r18 has several workloads, and a ratio needs one",
        ),
        (
            ("resnet18", "--resolution", "192,224", *RELATIVE, "resnet18"),
            "--relative-to: resnet18 has several workloads, and a ratio needs one",
        ),
        (
            ("resnet18", "vit_s", *RELATIVE, "vit_s", "--launches", "1"),
            "--relative-to takes at least 2 rounds",
        ),
    ):
        ended = vtbench("sweep", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err


def test_a_dry_run_writes_no_file_and_knows_what_is_done(vtbench, tmp_path):
    path = tmp_path / "s.jsonl"
    asked = ("sweep", "vt_transformer", "--batch-size", "1,2", "--save", str(path), "--dry-run")
    assert "2 cells, of which 2 to do" in vtbench(*asked).out
    assert not path.exists()
    done = Cell(Workload(model="vt_transformer"), "macs")
    made = Measurement(workload=done.workload, protocol=PROTOCOLS["macs"].id, cell=done.key)
    path.write_text(line_of(made))
    assert "2 cells, of which 1 to do" in vtbench(*asked).out


def test_a_timed_sweep_on_the_processor(vtbench, tmp_path):
    path = tmp_path / "s.jsonl"
    asked = (
        "sweep", "vt_transformer", "--metric", "macs,latency,memory", "--max-time", "0.2",
        "--threads", "1", "--save", str(path), "--format", "json",
    )  # fmt: skip
    ended = vtbench(*asked)
    assert ended.status == 0, ended.err
    macs, latency, memory = json.loads(ended.out)["results"]
    assert macs["samples"] == []
    assert latency["samples"]
    assert latency["isolated"]
    assert [each["turn"]["round"] for each in latency["launches"]] == [1, 2, 3, 4, 5]
    assert latency["stopped_by"] == "launches"
    assert (macs["launches"], memory["launches"]) == ([], [])
    assert path.read_bytes().count(b"\n") == 1 + 1 + 5
    assert "5 launches to do (1 cell, 5 rounds): estimated at up to" in ended.err
    assert "Round 1 is done; the other 4 take about" in ended.err
    assert latency["macs"] == macs["macs"]
    assert memory["memory"]["peak_resident"] is not None
    assert Device(**latency["device"]).kind == "cpu"
    assert vtbench(*asked).err == ""

    torch = latency["environment"]["torch"]
    path.write_text(path.read_text().replace(f'"torch":"{torch}"', '"torch":"2.7.1"'))
    ended = vtbench(*asked)  # goes on with what another torch has left
    assert "2 finished cells were measured with torch 2.7.1; this is " in ended.err
    assert len(json.loads(ended.out)["results"]) == 3


def test_what_was_done_under_something_else_is_said_once_for_each(monkeypatch):
    def kept(**environment):
        return Measurement(
            workload=Workload(model="a"), protocol=PROTOCOLS["latency"].id, environment=environment
        )

    monkeypatch.setattr(
        changed_conditions, "here", lambda: {"torch": "2.9.0", "vtbench": "0.1.0", "host": "aa"}
    )
    same = kept(torch="2.9.0+cu130", vtbench="0.1.0", host="aa")
    other = kept(torch="2.8.0", vtbench="0.1.0", host="bb")
    failed = msgspec.structs.replace(other, error="It failed.")
    assert list(changed_conditions.changed_conditions([same, None, failed])) == []
    said = list(changed_conditions.changed_conditions([same, other, other]))
    assert [sentence.partition(". Name a new file")[0] for sentence in said] == [
        "2 finished cells were measured with torch 2.8.0; this is 2.9.0",
        "2 finished cells were measured on another host",
    ]


def test_a_process_that_several_cells_share_is_said(vtbench):
    ended = vtbench(
        "sweep", "vt_transformer", "--metric", "latency", "--batch-size", "1,2", "--max-time",
        "0.1", "--threads", "1", "--isolate", "model", "--format", "json",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    assert [record["isolated"] for record in json.loads(ended.out)["results"]] == [False, False]


def test_a_budget_is_matched_by_counting_and_its_trials_are_kept(vtbench, tmp_path):
    path = tmp_path / "s.jsonl"
    asked = ("sweep", "vt_transformer", "-o", "tokens=8:64:8", "--match-macs", "100M",
             "--save", str(path), "--format", "json")  # fmt: skip
    ended = vtbench(*asked)
    assert ended.status == 0, ended.err
    (record,) = json.loads(ended.out)["results"]
    # 3·CT²·L + 1.5·CT·L² at CT = 1024: 77.1 M at L = 24, 102.2 M at L = 32, 129.5 M at L = 40
    assert record["workload"]["options"] == {"tokens": 32}
    assert record["macs"] == 3 * 1024**2 * 32 + 3 * 1024 * 32**2 // 2
    assert "tokens=32 is nearest to 100.000 MMACs, with 102.236 M (+2.2 %)" in ended.err
    before = path.read_bytes()
    assert before.count(b"\n") == 8
    assert vtbench(*asked).out == ended.out
    assert path.read_bytes() == before


def test_a_budget_is_matched_by_the_dial_of_each_method(vtbench):
    ended = vtbench("sweep", "tome_deit_s", "evit_deit_s", "--match-macs", "3G", "--format", "json")
    assert ended.status == 0, ended.err
    options = [each["workload"]["options"] for each in json.loads(ended.out)["results"]]
    assert options == [{"r": 11}, {"keep_rate": 0.694}]


def test_a_sweep_is_drawn_along_its_longest_axis(vtbench, tmp_path):
    path = tmp_path / "s.svg"
    ended = vtbench("sweep", "vt_transformer", "--tokens", "8:24:8", "--plot", str(path))
    assert ended.status == 0, ended.err
    assert path.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--plot", "s.txt"), "ends in .pdf, .png or .svg, got 's.txt'"),
        (("--plot", "none/s.svg"), "in a folder that does not exist"),
        (("--plot-width", "page"), "--plot-width says how a figure is drawn; give --plot FILE too"),
        (("--scale", "x=log"), "--scale says how a figure is drawn; give --plot FILE too"),
        (("--plot", "s.svg", "--scale", "x=log,x=log"), "got 'x=log,x=log'"),
        (("--plot", "s.svg", "--scale", "y=cubic"), "with linear or log for each axis"),
        (("--plot", "s.svg", "--scale", ""), "--scale: expected x=KIND, y=KIND or both"),
        (("--plot", "s.svg", "--batch-size", "1:13"), "this one would have 13; leave out models"),
        (("--plot", "s.svg", "--across", "dtype"), "The measurements do not differ in 'dtype'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_any_cell(
    vtbench, tmp_path, monkeypatch, more, said
):
    monkeypatch.chdir(tmp_path)
    ended = vtbench("sweep", "vt_transformer", "--tokens", "1:20", *more, "--save", "s.jsonl")
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert not (tmp_path / "s.jsonl").exists()


def test_a_sweep_may_have_rows_and_a_model_outside_the_axis(vtbench, tmp_path):
    drawn = tmp_path / "s.svg"
    asked = ("sweep", "vt_transformer", "nonlocal_block", "-o", "vt_transformer:tokens=8,16,24")
    ended = vtbench(*asked, "--plot", str(drawn), "--plot-width", "column", "--scale", "y=linear")
    assert ended.status == 0, ended.err
    said = drawn.read_text(encoding="utf-8")
    assert 'width="237.6pt"' in said  # 3.3 inches
    for words in ("Tokens (linear)", "nonlocal_block", "MACs per image (M, linear)"):
        assert words in said
    rows = vtbench(*asked, "--across", "rows", "--plot", str(drawn))
    assert rows.status == 0, rows.err
    assert rows.out.startswith("Multiply-accumulates\n")
    assert "vt_transformer (tokens=8)" in drawn.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("20m", 1200), ("20 min", 1200), ("1.5h", 5400)]
)
def test_times_are_written_as_one_says_them(text, seconds):
    assert seconds_of(text, "--within") == seconds


def test_a_sweep_ends_within_the_time_that_it_was_given(vtbench, tmp_path):
    path = tmp_path / "s.jsonl"
    began = time.monotonic()
    ended = vtbench(
        "sweep", "vt_transformer", "--tokens", "8,16,32", "--metric", "latency", "--launches",
        "200", "--threads", "1", "--save", str(path), "--within", "20", "--max-time", "20",
    )  # fmt: skip
    assert time.monotonic() - began < 20 + 5 + 10  # its slack, and starting and ending
    assert "The sweep ends within 20 s" in ended.err
    assert "--within left no time for" in ended.err
    assert "The same command goes on with them." in ended.err
    assert ended.status in (0, 1, 2)  # by how many cells a busy machine has reached


def test_ctrl_c_lets_the_cell_in_hand_finish_and_says_how_to_go_on(tmp_path):
    path = tmp_path / "s.jsonl"
    command = ["sweep", "vt_transformer", "--tokens", "1:400", "--save", str(path)]
    running = subprocess.Popen(
        [sys.executable, "-m", "vtbench", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (path.exists() and path.read_bytes().count(b"\n") >= 3):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert "The current cell is finished first" in err
    done = path.read_bytes().count(b"\n")
    assert 3 <= done < 400
    assert f"The sweep stopped with {done} of 400 cells done" in err
    assert f"To go on, run: vtbench sweep vt_transformer --tokens 1:400 --save {path}" in err
