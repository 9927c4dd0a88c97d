"""``vtbench throughput`` and ``vtbench latency``: from names to ratios, and how they end."""

from __future__ import annotations

import errno
import json

import pytest

from vtbench.cli.options import Building, Models
from vtbench.cli.progress import so_far
from vtbench.cli.values import split_values
from vtbench.cli.workloads import asked, grid_of
from vtbench.data.from_samples import with_samples
from vtbench.data.measurement import Device, Measurement
from vtbench.data.protocol import protocol_named
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption, UsageError
from vtbench.measure import isolated
from vtbench.measure.memory import footprint
from vtbench.measure.session import measure_workloads as measuring

NETS = """
import torch
from torch import nn

class Work(nn.Module):
    def __init__(self, times=1):
        super().__init__()
        self.line = nn.Linear(256, 256)
        self.times = times

    def forward(self, x):
        for _ in range(self.times):
            x = self.line(x)
        return x

def small(times: int = 1):
    return Work(times), torch.randn(64, 256)

def broken():
    class Broken(nn.Linear):
        def forward(self, x):
            if x.device.type != "meta":
                raise RuntimeError("out of luck")
            return super().forward(x)
    return Broken(8, 8), torch.randn(1, 8)

def greedy():
    class Greedy(nn.Linear):
        def forward(self, x):
            if x.device.type != "meta":
                torch.empty(1 << 60)
            return super().forward(x)
    return Greedy(8, 8), torch.randn(1, 8)

def crash():
    class Crash(nn.Linear):
        def forward(self, x):
            if x.device.type != "meta":
                import os
                os.abort()
            return super().forward(x)
    return Crash(8, 8), torch.randn(1, 8)
"""
KEYS = {
    "workload", "protocol", "environment", "device", "samples", "median", "low", "high",
    "images_per_second", "p50", "p90", "p99", "warmup_steps", "stopped_by", "telemetry", "memory",
    "macs", "params", "utilisation", "isolated", "commit", "date", "schema", "error",
}  # fmt: skip


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def told(monkeypatch):
    """Measuring replaced by samples made by hand; yields what was asked for."""
    asked = []

    def measure(workloads, settings):
        asked.extend((workload, each) for each in settings for workload in workloads)
        return [_record(workload, settings[0].protocol, k) for k, workload in enumerate(workloads)]

    monkeypatch.setattr(isolated, "measure", measure)
    return asked


def _record(workload, protocol, place):
    record = Measurement(
        workload=workload,
        protocol=protocol_named(protocol).id,
        device=Device(kind="cpu", name="A processor"),
        session="s",
    )
    return with_samples(record, [0.010 * (place + 1)] * 12)


@pytest.mark.usefixtures("nets")
def test_two_models_are_measured_in_a_process_of_their_own_and_held_against_each_other(vtbench):
    ended = vtbench(
        "throughput", "nets:small", "-o", "times=1,40", "--max-time", "0.5", "--format", "json"
    )
    assert ended.status == 0, ended.err
    document = json.loads(ended.out)
    assert set(document) == {"schema", "vtbench", "results", "ratios"}
    one, forty = document["results"]
    assert set(one) >= KEYS
    assert one["workload"]["options"] == {"times": 1}
    assert forty["workload"]["options"] == {"times": 40}
    assert one["macs"] == 64 * 256 * 256
    assert forty["macs"] == 40 * one["macs"]
    assert one["params"] == 256 * 256 + 256
    assert one["protocol"] == {"name": "throughput", "version": 1}
    assert one["isolated"] is True
    assert one["error"] is None
    assert one["low"] <= one["median"] <= one["high"]
    visits, other = (len(each["samples"]) / each["samples_per_visit"] for each in (one, forty))
    assert visits == other >= 2  # the faster one takes several samples a visit
    assert one["images_per_second"] == pytest.approx(len(one["samples"]) / sum(one["samples"]))
    assert (one["p90"], one["p99"]) == (None, None)
    (ratio,) = document["ratios"]
    assert ratio["a"] == "nets:small (times=1)"
    assert ratio["b"] == "nets:small (times=40)"
    assert ratio["low"] <= ratio["ratio"] <= ratio["high"]
    assert ratio["ratio"] > 2  # forty times the work


@pytest.mark.usefixtures("nets")
def test_latency_times_single_steps_and_gives_the_percentiles_that_samples_allow(vtbench):
    ended = vtbench("latency", "nets:small", "--max-time", "2", "--format", "json")
    assert ended.status == 0, ended.err
    (record,) = json.loads(ended.out)["results"]
    assert record["protocol"]["name"] == "latency"
    assert record["workload"]["batch_size"] == 1
    assert len(record["samples"]) >= 2
    assert (record["p90"] is None) == (len(record["samples"]) < 64)
    assert (record["p99"] is None) == (len(record["samples"]) < 662)


@pytest.mark.usefixtures("nets")
def test_a_model_that_raises_is_a_row_and_the_other_is_measured(vtbench):
    ended = vtbench(
        "throughput", "nets:small", "nets:broken", "--max-time", "0.3", "--format", "json"
    )
    assert ended.status == 1
    small, broken = json.loads(ended.out)["results"]
    assert small["error"] is None
    assert "out of luck" in broken["error"]
    assert "out of luck" in ended.err
    assert broken["median"] is None


@pytest.mark.usefixtures("nets")
def test_running_out_of_memory_names_the_batch_and_the_remedy(vtbench):
    ended = vtbench("throughput", "nets:greedy", "--max-time", "0.3")
    assert ended.status == 2
    assert "nets:greedy runs out of memory at batch 1; use a smaller" in ended.err


@pytest.mark.usefixtures("nets")
def test_a_model_that_kills_its_process_leaves_a_sentence(vtbench):
    ended = vtbench("latency", "nets:crash", "--max-time", "0.3")
    assert ended.status == 2
    assert "died (SIGABRT)" in ended.err


def test_conditions_travel_into_the_workload(vtbench, told):
    ended = vtbench(
        "throughput", "resnet18", "--batch-size", "4", "--resolution", "160", "--dtype", "bf16",
        "--layout", "channels_last", "--threads", "1", "--compile", "default", "--max-time", "3",
    )  # fmt: skip
    assert ended.status == 0, ended.err
    ((workload, settings),) = told
    assert workload.batch_size == 4
    assert workload.resolution == (160, 160)
    assert (workload.dtype, workload.layout, workload.threads) == ("bf16", "channels_last", 1)
    assert workload.compile == "default"
    assert settings.protocol == "compiled"
    assert settings.max_seconds == 3


def test_tokens_are_an_option_of_the_model(vtbench, told):
    vtbench("throughput", "vt_r34", "--tokens", "16")
    assert told[0][0].options == (("tokens", 16),)


def test_a_record_can_be_kept_as_well(vtbench, told, tmp_path):
    file = tmp_path / "kept.jsonl"
    for _ in range(2):
        assert vtbench("throughput", "resnet18", "--save", str(file)).status == 0
    assert len(file.read_text().splitlines()) == 2


def test_a_file_that_cannot_be_continued_is_refused_before_anything_is_measured(
    vtbench, told, tmp_path
):
    file = tmp_path / "newer.jsonl"
    file.write_text('{"schema":"vtbench-measurement/9"}\n')
    ended = vtbench("throughput", "resnet18", "--save", str(file))
    assert ended.status == 2
    assert "has the schema vtbench-measurement/9" in ended.err
    assert told == []


def test_inputs_that_a_function_brings_decide_on_the_batch_and_the_count(tmp_path, monkeypatch):
    (tmp_path / "pictures.py").write_text(
        "import torch\n\ndef make():\n"
        "    return torch.nn.Conv2d(3, 4, 3), torch.randn(2, 3, 8, 8)\n"
    )
    monkeypatch.chdir(tmp_path)
    takes_seconds = "vtbench.measure.ceilings.utilisation.with_utilisation"
    monkeypatch.setattr(takes_seconds, lambda *_, **__: None)
    workload = Workload(model="pictures:make")
    settings = measuring.MeasureSettings(max_seconds=0.05)
    (timed,) = measuring.measure_session([workload], settings)
    weighed = footprint.footprint(workload)
    for record in (timed, weighed):
        assert record.error is None
        assert (record.workload.batch_size, record.workload.resolution) == (2, (8, 8))
        assert record.macs == 2 * 6 * 6 * 4 * 3 * 3 * 3
    assert timed.images_per_second == pytest.approx(2 * len(timed.samples) / sum(timed.samples))
    parameters, image, written = 4 * 27 + 4, 2 * 3 * 64, 2 * 4 * 36
    assert weighed.memory.predicted == 4 * (parameters + image + written)


@pytest.mark.usefixtures("told")
def test_what_cannot_be_kept_for_a_full_disk_is_shown(vtbench, tmp_path, monkeypatch):
    def full(file, line):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vtbench.data.files.appending.os.write", full)
    ended = vtbench("throughput", "resnet18", "--save", str(tmp_path / "kept.jsonl"))
    assert ended.status == 2
    assert "cannot be written: no space left on device" in ended.err
    assert "100.0" in ended.out  # 1 image in 10 ms


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "No model was named"),
        (["resnet18", "--protocol", "warp"], "There is no protocol 'warp'"),
        (
            ["resnet18", "--protocol", "latency"],
            "--protocol: expected one of throughput, compiled, graph for this command",
        ),
        (["resnet18", "--dtype", "tf32"], "--dtype tf32 needs a GPU"),
        (["resnet18", "--autocast"], "--autocast needs --dtype bf16 or fp16, got fp32"),
        (["resnet18", "--batch-size", "0"], "--batch-size: expected a positive integer, got '0'"),
        (
            ["resnet18", "--batch-size", "abc"],
            "--batch-size: expected a positive integer, got 'abc'",
        ),
        (["resnet18", "--threads", "0"], "--threads: expected a positive integer, got '0'"),
        (["resnet18", "--tokens", "0"], "--tokens: expected a positive integer, got '0'"),
        (["resnet18", "--max-time", "0"], "--max-time: expected a positive number of seconds"),
        (["resnet18", "--max-time", "nan"], "--max-time: expected a positive number of seconds"),
        (["resnet18", "--output", "/nowhere/at/all.csv"], "a folder that does not exist"),
        (
            ["resnet18", "--output", "x.xlsx"],
            "--output: expected a name that ends in .json, .csv,",
        ),
        (["resnet17"], "resnet17"),
        (
            ["vt_r18", "resnet18", "-o", "vt_r18:tokens=8,16", "--relative-to", "vt_r18"],
            "vt_r18 has several workloads, and a ratio needs one; give each option one value.",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_sentence_and_status_2(vtbench, told, arguments, said):
    ended = vtbench("throughput", *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert ended.out == ""
    assert told == []


def test_a_gpu_that_is_not_there_says_what_is(vtbench):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    ended = vtbench("throughput", "resnet18", "--gpu", "0")
    assert ended.status == 2
    assert "GPU" in ended.err
    assert ended.err.count("\n") == 1


def test_a_graph_needs_a_gpu(vtbench):
    ended = vtbench("throughput", "resnet18", "--protocol", "graph")
    assert ended.status == 2
    assert "The protocol graph needs a CUDA device" in ended.err


def test_values_between_commas_are_several_and_in_brackets_one():
    assert split_values("plain,fast") == ["plain", "fast"]
    assert split_values("(1,2),(3,4)") == ["(1,2)", "(3,4)"]
    assert split_values("'a,b'") == ["'a,b'"]
    assert split_values("") == [""]
    assert split_values("((1,2),'a)b'),3") == ["((1,2),'a)b')", "3"]
    for text in ("(1,2", "it's", '"a', "[1,(2]"):
        with pytest.raises(BadInput, match="lacks the closing"):
            split_values(text)
    for text in ("1,,2", "1,", ",1"):
        with pytest.raises(BadInput, match="empty value"):
            split_values(text)

    def options(*given, models=("resnet18",)):
        wanted = asked(Models(models=[*models]), grid_of(Building(option=[*given])))
        return [(work.model, dict(work.options)) for work in wanted.workloads]

    assert options("k=1,2", "resnet18:r=[3,4]") == [
        ("resnet18", {"k": 1, "r": (3, 4)}),
        ("resnet18", {"k": 2, "r": (3, 4)}),
    ]
    assert options("resnet18:k=1", "k=8:16:4", models=("resnet18", "resnet34")) == [
        ("resnet18", {"k": 1}), *(("resnet34", {"k": value}) for value in (8, 12, 16)),
    ]  # fmt: skip
    with pytest.raises(BadOption, match="1 and true; choose one"):
        options("k=1,true")
    with pytest.raises(
        UsageError, match=r"99,980,001 combinations, .* use `vtbench sweep` for more"
    ):
        options("a=1:9999", "b=1:9999")


def test_a_time_that_is_only_expected_is_not_promised():
    assert so_far(20.0, 44.0) == "20 s so far, expected to take up to 44 s"
    assert so_far(60.1, 44.0) == "1 min so far, longer than the 44 s that were expected"
