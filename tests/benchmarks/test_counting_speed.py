"""How fast a model is built and counted from its name, side by side with other counters.

Pairs run in turn in one process on one thread; a pair's figure is the median over rounds of the
ratio, and the summary is the geometric mean over six models. Nothing is cached between calls.
"""

import logging
import math
import statistics
import time
import warnings

import pytest
import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload

MODELS = {
    "resnet50": ("resnet50", 224),
    "resnet101": ("resnet101", 224),
    "vit_s": ("vit_small_patch16_224", 224),
    "swin_t": ("swin_tiny_patch4_window7_224", 224),
    "regnety_8g": ("regnety_080", 224),
    "efficientnet_b3": ("efficientnet_b3", 300),
}
ROUNDS = 5


def on_meta(name):
    architecture, size = MODELS[name]
    with torch.device("meta"):
        return timm.create_model(architecture).eval(), torch.empty(1, 3, size, size)


def on_cpu(name):
    architecture, size = MODELS[name]
    return timm.create_model(architecture).eval(), torch.randn(1, 3, size, size)


def ours(name):
    return count_workload(Workload(model=name)).macs


def plain_forward(name):
    model, x = on_meta(name)
    with torch.no_grad():
        model(x)


def flop_counter_mode(name):
    model, x = on_meta(name)
    with torch.no_grad(), FlopCounterMode(display=False):
        model(x)


def thop_on_meta(name):
    thop = pytest.importorskip("thop")
    model, x = on_meta(name)
    thop.profile(model, inputs=(x,), verbose=False)


def fvcore(name):
    analysis = pytest.importorskip("fvcore.nn").FlopCountAnalysis(*on_cpu(name))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none").total()


def ratio(other, name):
    """Median over rounds of the other's time over ours."""
    found = []
    for index in range(ROUNDS + 1):
        seconds = []
        for call in (ours, other) if index % 2 else (other, ours):
            start = time.perf_counter()
            call(name)
            seconds.append(time.perf_counter() - start)
        mine, theirs = seconds if index % 2 else seconds[::-1]
        found.append(theirs / mine)
    return statistics.median(found[1:])


@pytest.mark.parametrize(
    ("other", "at_least"),
    [(plain_forward, 1.0), (flop_counter_mode, 1.3), (thop_on_meta, 3.0), (fvcore, 5.0)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_counting_from_the_name_is_faster(other, at_least, benchmark):
    logging.disable(logging.WARNING)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ratios = {name: ratio(other, name) for name in MODELS}
        benchmark(ours, "resnet50")
    finally:
        torch.set_num_threads(threads)
        logging.disable(logging.NOTSET)
    mean = math.exp(statistics.fmean(math.log(value) for value in ratios.values()))
    benchmark.extra_info.update(ratios, geometric_mean=mean)
    print(f"\n{other.__name__}: {mean:.2f}x", {k: round(v, 2) for k, v in ratios.items()})
    assert mean >= at_least
