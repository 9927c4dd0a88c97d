"""The memory of a step: gauges that are told what to show, and a model of known size."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch
from memory_models import MB, Holds
from torch import nn

from vtbench.data.measurement import MeasuredMemory
from vtbench.data.workload import Workload
from vtbench.measure.isolated import footprints
from vtbench.measure.memory.footprint import SOURCE, predicted
from vtbench.measure.memory.gauges import CudaBooks, HighWater, Peak, Sampled, gauge_of_cpu
from vtbench.measure.memory.step_memory import (
    memory_of_live,
    memory_of_new,
    stored_bytes,
    with_prediction,
)

SCALARS = 3
"""Two sums and their sum are alive at once, beside the input of 1000 elements."""
STATUS = """Name:\tpython
VmHWM:\t{peak} kB
VmRSS:\t   900 kB
RssAnon:\t   500 kB
RssFile:\t   300 kB
RssShmem:\t   100 kB
Threads:\t4
"""


def lag():
    """What the kernel's high-water mark may lack: each core keeps some pages of a counter back."""
    cores = os.cpu_count() or 1
    counters, batch = 4, max(32, 2 * cores)
    return counters * batch * cores * os.sysconf("SC_PAGESIZE")


class Told:
    """A gauge that shows one level after the other, and a peak."""

    source = "told"

    def __init__(self, levels, peak):
        self.levels, self.highest, self.log = list(levels), peak, []

    def level(self):
        self.log.append("level")
        return self.levels.pop(0)

    def settle(self):
        self.log.append("settle")

    @contextmanager
    def watch(self):
        self.log.append("begin")
        peak = Peak()
        yield peak
        peak.bytes = self.highest
        self.log.append("end")


def ready(module, step, *inputs):
    return SimpleNamespace(module=module, step=step, given=(inputs, {}))


def test_memory_is_what_a_second_step_holds_above_the_level_before_the_model():
    gauge = Told([100, 700], 1250)
    net = nn.Linear(10, 4)

    def make():
        gauge.log.append("make")
        return ready(net, lambda: gauge.log.append("step"))

    found = memory_of_new(make, gauge)
    assert found == MeasuredMemory(weights=(10 * 4 + 4) * 4, peak_resident=1250 - 100)
    assert gauge.log == [
        "settle", "level", "make", "level", "step", "settle", "begin", "step", "end",
    ]  # fmt: skip


def test_of_a_live_model_only_what_is_its_own_counts():
    net, x = nn.Linear(10, 4), torch.zeros(2, 10)
    own = (10 * 4 + 4) * 4 + 2 * 10 * 4
    found = memory_of_live(ready(net, lambda: None, x), Told([10_000], 10_500))
    assert found.peak_resident == own + 500


def test_weights_are_storages_each_once():
    net = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False))
    net[1].weight = net[0].weight
    assert stored_bytes([net[0].weight, net[1].weight, net[0].weight[:2]]) == 8 * 8 * 4
    assert stored_bytes([]) == 0


def test_the_prediction_stands_beside_what_was_measured():
    found = with_prediction(MeasuredMemory(weights=5, peak_resident=110), 100)
    assert (found.weights, found.predicted, found.ratio) == (5, 100, 1.1)
    cuda = with_prediction(MeasuredMemory(peak_allocated=90, peak_reserved=200), 100)
    assert cuda.ratio == 0.9
    assert with_prediction(MeasuredMemory(peak_resident=110), None).ratio is None


def test_the_high_water_mark_leaves_pages_of_files_out(tmp_path):
    (tmp_path / "status").write_text(STATUS.format(peak=5000))
    gauge = HighWater(tmp_path)
    assert gauge.works()
    assert gauge.level() == 500 * 1024
    with gauge.watch() as watch:
        assert (tmp_path / "clear_refs").read_text() == "5"
        (tmp_path / "status").write_text(STATUS.format(peak=7000))
    assert watch.bytes == (7000 - 300 - 100) * 1024


def test_where_there_is_no_mark_memory_is_sampled(tmp_path, monkeypatch):
    assert not HighWater(tmp_path / "absent").works()
    (tmp_path / "status").write_text("Name:\tpython\n")
    assert not HighWater(tmp_path).works()
    monkeypatch.setattr(HighWater, "works", lambda _: False)
    assert isinstance(gauge_of_cpu(), Sampled)


def test_samples_are_taken_while_the_block_runs():
    levels = iter([5, 9])
    gauge = Sampled(lambda: next(levels, 4))
    with gauge.watch() as watch:
        while watch.bytes < 9:
            pass
    assert watch.bytes == 9


class Cuda:
    """What the books use of ``torch.cuda``."""

    def __init__(self):
        self.log = []

    def __getattr__(self, name):
        def call(*arguments):
            self.log.append(name)
            found = {"memory_allocated": 40, "max_memory_allocated": 900}
            return found.get(name, 2048 if name == "max_memory_reserved" else None)

        return call


def test_on_cuda_the_allocator_keeps_the_books():
    cuda = Cuda()
    net = nn.Linear(3, 3)
    found = memory_of_new(lambda: ready(net, lambda: cuda.log.append("step")), CudaBooks(cuda, 0))
    assert found == MeasuredMemory(weights=48, peak_allocated=900 - 40, peak_reserved=2048)
    begin = cuda.log.index("step")
    assert cuda.log[begin:] == [
        "step", "synchronize", "empty_cache",  # the warm-up, and what it leaves free
        "synchronize", "reset_peak_memory_stats", "step", "synchronize",
        "max_memory_reserved", "max_memory_allocated",
    ]  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is exact on Linux alone")
def test_a_live_model_that_holds_200_mb_shows_them():
    net, x = Holds(), torch.zeros(1, 1000)

    def step():
        with torch.inference_mode():
            return net(x)

    found = memory_of_live(ready(net, step, x), gauge_of_cpu())
    assert found.weights == 100 * MB
    assert 300 * MB - lag() <= found.peak_resident <= 315 * MB


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is exact on Linux alone")
def test_models_have_a_process_each_and_one_that_fails_is_a_row():
    names = ["holds", "greedy", "dies"]
    asked = [Workload(model=f"memory_models:{name}", batch_size=1) for name in names]
    found = {place: outcome.result for place, outcome in footprints(asked)}
    holds, greedy, dies = (found[place] for place in range(3))
    assert holds.error is None
    assert holds.memory.weights == 100 * MB
    assert holds.memory.predicted == 300 * MB + 4 * (1000 + SCALARS)
    assert 300 * MB - lag() <= holds.memory.peak_resident <= 315 * MB
    assert holds.memory.ratio == holds.memory.peak_resident / holds.memory.predicted
    assert (holds.isolated, str(holds.protocol)) == (True, "memory/1")
    assert holds.environment[SOURCE] == gauge_of_cpu().source
    assert "runs out of memory at batch 1" in greedy.error
    assert "memory_models:dies at batch 1" in dies.error
    assert "SIGKILL, as when memory runs out" in dies.error


@pytest.mark.parametrize(("dtype", "width"), [("bf16", 2), ("fp16", 2), ("fp64", 8)])
def test_the_prediction_is_made_in_the_precision_of_the_workload(dtype, width):
    work = Workload(model="memory_models:holds", dtype=dtype)
    assert predicted(work, None) == (25 * MB + 50 * MB + 1000 + SCALARS) * width


def test_fp32_needs_no_second_count_and_autocast_is_not_predicted():
    known = MeasuredMemory(predicted=7)
    assert predicted(Workload(model="no such model", dtype="fp32"), known) == 7
    assert predicted(Workload(model="no such model", dtype="tf32"), known) == 7
    assert predicted(Workload(model="no such model", dtype="bf16"), known) is None
    assert predicted(Workload(model="toy", dtype="bf16", autocast=True), known) is None
