"""SparseFormer-T's fast path beside its plain one and its peers, on one thread of this CPU.

Models take turns within one session, and are timed by the processor's clock, which the load of
other processes moves least. Peers are as their libraries ship them. Run with ``make bench``.
"""

from __future__ import annotations

import time
from statistics import median

import pytest
import torch

from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.measure.session.interleaved_arms import Arm, Rules, measure_arms
from vtbench.measure.session.prepare import prepare
from vtbench.models import build
from vtbench.stats import StoppingRule, ratio_interval

pytestmark = pytest.mark.usefixtures("one_thread")

RULES = Rules(stop=StoppingRule(min_samples=10, min_seconds=3.0, max_seconds=20.0))
FAST = {"model": "sparseformer_t", "options": (("path", "fast"),)}
PLAIN = {"model": "sparseformer_t"}
needs_bf16 = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported(),
    reason="this CPU has no instructions for bf16",
)


class ProcessorClock:
    """Seconds of the processor that steps take, all threads together."""

    def now(self):
        return time.perf_counter()

    def seconds(self, step, steps):
        began = time.process_time()
        for _ in range(steps):
            step()
        return time.process_time() - began


def arm(name, **fields):
    workload = Workload(**fields)
    built = build(workload, real=True)
    step = prepare(built, workload, PROTOCOLS["throughput"], torch.device("cpu")).step
    return Arm(name, step, ProcessorClock())


def measured(benchmark, arms):
    """How many times faster the first arm is than each other one."""
    benchmark.pedantic(measure_arms, args=(arms, RULES), rounds=1)
    first, *others = arms
    ratios = {}
    for other in others:
        interval = ratio_interval(first.samples, other.samples, paired=True)
        ratios[other.name] = median(other.samples) / median(first.samples)
        benchmark.extra_info[f"{first.name} against {other.name}"] = (
            f"{ratios[other.name]:.2f}x [{interval.low:.2f}, {interval.high:.2f}], "
            f"{len(first.samples)} pairs, {median(first.samples) * 1e3:.1f} ms"
        )
    return ratios


@pytest.mark.parametrize(
    ("batch", "plain", "deit", "swin"), [(1, 1.4, 1.2, 2.0), (16, 1.5, 1.4, 2.5)]
)
def test_inference(benchmark, batch, plain, deit, swin):
    ratios = measured(
        benchmark,
        [
            arm("fast", **FAST, batch_size=batch),
            arm("plain", **PLAIN, batch_size=batch),
            arm("deit_s", model="deit_s", batch_size=batch),
            arm("swin_t", model="swin_t", batch_size=batch),
        ],
    )
    assert ratios["plain"] >= plain
    assert ratios["deit_s"] >= deit
    assert ratios["swin_t"] >= swin


@needs_bf16
def test_bf16(benchmark):
    arms = [
        arm("fast bf16", **FAST, batch_size=16, dtype="bf16", autocast=True),
        arm("fast fp32", **FAST, batch_size=16),
    ]
    assert measured(benchmark, arms)["fast fp32"] >= 1.7


@pytest.mark.parametrize("batch", [1, 8])
def test_a_training_step_is_no_slower_than_the_plain_one(benchmark, batch):
    training = {"batch_size": batch, "mode": "train", "backward": True}
    arms = [arm("fast", **FAST, **training), arm("plain", **PLAIN, **training)]
    assert measured(benchmark, arms)["plain"] >= 1.0
