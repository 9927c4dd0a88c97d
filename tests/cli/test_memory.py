"""``vtbench memory`` and ``vtbench.memory``: from names to bytes, and how they end."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

import vtbench as package
from vtbench.cli import memory as command
from vtbench.data.files import read_measurements
from vtbench.data.measurement import MeasuredMemory, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.errors import BadOption, UsageError
from vtbench.measure.workers import Outcome


@pytest.fixture
def told(monkeypatch):
    """Processes that answer at once: 100 bytes of weights, 50 more for each image."""
    asked = []

    def answer(workloads, index):
        asked.append((list(workloads), index))
        for place, work in enumerate(workloads):
            peak = 100 + 50 * work.batch_size
            bytes_ = MeasuredMemory(
                weights=100, peak_resident=peak, predicted=100, ratio=peak / 100
            )
            error = "deit_s runs out of memory at batch 64." if work.batch_size == 64 else None
            yield (
                place,
                Outcome(
                    result=Measurement(
                        workload=work,
                        protocol=PROTOCOLS["memory"].id,
                        memory=None if error else bytes_,
                        error=error,
                    )
                ),
            )

    monkeypatch.setattr(command, "footprints", answer)
    return asked


def test_every_model_is_measured_at_every_batch(vtbench, told):
    ended = vtbench("memory", "--models", "deit_s,resnet18", "--batch-size", "1,8")
    assert ended.status == 0
    ((workloads, index),) = told
    asked = [(work.model, work.batch_size) for work in workloads]
    assert asked == [("deit_s", 1), ("deit_s", 8), ("resnet18", 1), ("resnet18", 8)]
    assert index is None
    assert "protocol memory/1" in ended.out.replace("\n", " ")
    lines = [line.split() for line in ended.out.splitlines() if line.startswith("deit_s")]
    assert lines == [
        ["deit_s", "1", "100", "150", "100", "1.500×"],
        ["deit_s", "8", "100", "500", "100", "5.000×"],
    ]


def test_conditions_reach_the_workload(vtbench, told):
    vtbench("memory", "deit_s", "--dtype", "bf16", "--layout", "channels_last", "--threads", "1")
    (work,) = told[0][0]
    assert (work.dtype, work.layout, work.threads) == ("bf16", "channels_last", 1)


def test_json_holds_records_and_no_ratios(vtbench, told):
    document = json.loads(vtbench("memory", "deit_s", "--format", "json").out)
    assert document["ratios"] == []
    (record,) = document["results"]
    assert record["protocol"] == {"name": "memory", "version": 1}
    assert record["memory"] == {
        "weights": 100, "peak_allocated": None, "peak_reserved": None, "peak_resident": 150,
        "predicted": 100, "ratio": 1.5,
    }  # fmt: skip


def test_running_out_of_memory_is_a_row(vtbench, told, tmp_path):
    kept = tmp_path / "kept.jsonl"
    ended = vtbench("memory", "deit_s", "--batch-size", "8,64", "--save", str(kept))
    assert ended.status == 1
    assert "runs out of memory at batch 64" in ended.err
    assert "failed" in ended.out
    assert [record.error is None for record in read_measurements(kept)] == [True, False]
    assert vtbench("memory", "deit_s", "--batch-size", "64").status == 2


def test_what_was_measured_before_an_interrupt_is_kept(vtbench, tmp_path, monkeypatch, told):
    answer = command.footprints

    def interrupted(workloads, index):
        yield next(answer(workloads, index))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "footprints", interrupted)
    kept = tmp_path / "kept.jsonl"
    ended = vtbench("memory", "deit_s", "resnet18", "--save", str(kept))
    assert ended.status == 130
    assert [record.workload.model for record in read_measurements(kept)] == ["deit_s"]


def test_a_model_that_does_not_exist_is_a_row_beside_others(vtbench, told):
    ended = vtbench("memory", "deit_s", "rasnet50")
    assert ended.status == 1
    assert "There is no model 'rasnet50'" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--batch-size", "0"], "--batch-size: expected a positive integer, got '0'"),
        (
            ["--batch-size", "1,,2"],
            "--batch-size: expected a value on each side of a comma, got '1,,2'",
        ),
        (["--batch-size", "eight"], "--batch-size: expected a positive integer, got 'eight'"),
        (["--dtype", "tf32"], "--dtype tf32 needs a GPU"),
        (
            ["--output", "x.xlsx"],
            "expected a name that ends in .json, .csv, .md, .tex, .xml, .txt, got 'x.xlsx'",
        ),
        (["--output", "no/such/folder.json"], "folder that does not exist"),
    ],
)
def test_what_cannot_be_is_a_sentence(vtbench, told, arguments, said):
    ended = vtbench("memory", "deit_s", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert told == []


def test_a_live_module_is_measured_here():
    net, x = nn.Linear(1000, 2000, bias=False).eval(), torch.zeros(3, 1000)
    (record,) = package.memory(net, x).records
    assert record.error is None
    assert record.isolated is False
    assert record.workload.batch_size == 3
    assert record.memory.weights == 1000 * 2000 * 4
    assert record.memory.predicted == 4 * (1000 * 2000 + 3 * 1000 + 3 * 2000)
    assert record.memory.peak_resident >= record.memory.weights + 4 * 3 * 1000
    assert record.memory.ratio == record.memory.peak_resident / record.memory.predicted


def test_a_live_module_that_raises_is_a_record_with_the_reason():
    (record,) = package.memory(nn.Linear(4, 4), torch.zeros(1, 3)).records
    assert "cannot be run" in record.error


def test_what_is_no_module_and_what_cannot_be_asked_is_refused():
    with pytest.raises(UsageError, match="function cannot be measured"):
        package.memory(lambda: None)
    with pytest.raises(UsageError, match="makes its own inputs"):
        package.memory("resnet18", torch.zeros(1))
    with pytest.raises(BadOption, match="measured as it is"):
        package.memory(nn.Linear(1, 1), torch.zeros(1, 1), dtype="bf16")
