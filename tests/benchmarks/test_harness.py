"""What the harness itself costs, and whether it agrees with torch's own timer.

The overhead is what a step costs beyond the model's own call: the loop, the next input, entering
inference mode, and the clock. Agreement over more models, and the gate on this machine, stand in
reports/harness.md, which scripts/check_harness.py writes.
"""

from statistics import median

import pytest
import torch
from torch import nn
from torch.utils.benchmark import Timer

from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.measure.clocks import HostClock
from vtbench.measure.session.interleaved_arms import Arm, Rules, measure_arms
from vtbench.measure.session.prepare import prepare
from vtbench.models import Built, build
from vtbench.stats import StoppingRule

STEP = 0.005
"""Seconds of the step that the overhead is a share of."""


class Nothing(nn.Module):
    def forward(self, x):
        return x


def test_overhead_is_under_a_hundredth_of_a_step_of_5_ms(benchmark):
    built = Built(Nothing(), (torch.zeros(1),), {}, Workload(model="nothing"))
    prepared = prepare(built, built.workload, PROTOCOLS["throughput"], torch.device("cpu"))
    clock = HostClock()

    def thousand():
        return clock.seconds(prepared.step, 1000) / 1000

    seconds = benchmark.pedantic(thousand, rounds=20, warmup_rounds=2)
    benchmark.extra_info["share of a 5 ms step"] = f"{seconds / STEP:.3%}"
    assert seconds < 0.01 * STEP


@pytest.mark.parametrize("model", ["timm:resnet18", "timm:vit_tiny_patch16_224"])
def test_a_model_takes_as_long_as_torchs_own_timer_says(benchmark, model):
    built = build(Workload(model=model), real=True)
    step = prepare(built, built.workload, PROTOCOLS["throughput"], torch.device("cpu")).step
    theirs = Timer("step()", globals={"step": step}, num_threads=torch.get_num_threads())
    ratios = []

    def turn():
        arm = Arm(model, step, HostClock())
        measure_arms([arm], Rules(stop=StoppingRule(min_seconds=1.0, max_seconds=1.0)))
        ratios.append(median(arm.samples) / theirs.blocked_autorange(min_run_time=1.0).median)

    benchmark.pedantic(turn, rounds=5)
    benchmark.extra_info["ours / torch"] = f"{median(ratios):.4f}"
    assert 0.97 < median(ratios) < 1.03
