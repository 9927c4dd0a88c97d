"""How fast forms are derived and evaluated; run with ``make bench``."""

from __future__ import annotations

import statistics
import time

import pytest

from vtbench.count.symbolic.derive import formula
from vtbench.data.closed_form import Formula
from vtbench.data.workload import Workload
from vtbench.report.formula import evaluated

FORM = Formula(
    model="resnet50",
    macs="14417920*B*ceiling(H/32)*ceiling(W/32) + 7471104*B*ceiling(H/16)*ceiling(W/16) "
    "+ 1310720*B*ceiling(H/8)*ceiling(W/8) + 245760*B*ceiling(H/4)*ceiling(W/4) "
    "+ 9408*B*ceiling(H/2)*ceiling(W/2) + 2048000*B",
)
MODELS = (
    "resnet50", "deit_small_patch16_224", "swin_tiny_patch4_window7_224", "pvt_v2_b1",
    "convnext_tiny", "regnety_080", "efficientnet_b3", "poolformer_s12", "vgg16",
)  # fmt: skip


@pytest.mark.benchmark(group="evaluate")
def test_a_thousand_resolutions_take_less_than_a_second(benchmark):
    points = [{"B": 1, "H": 32 + n, "W": 1500 - n} for n in range(1000)]
    rows = benchmark(evaluated, [FORM], points)
    assert len(rows) == 1000
    assert benchmark.stats.stats.median < 1


@pytest.mark.benchmark(group="derive")
def test_the_median_model_is_derived_in_less_than_three_seconds(benchmark):
    def derive_each():
        taken = []
        for name in MODELS:
            began = time.perf_counter()
            formula(Workload(model=name))
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    median = benchmark.pedantic(derive_each, rounds=1)
    assert median < 3
