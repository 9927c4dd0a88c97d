"""Predicted memory against what the profiler measures on a real run."""

from bisect import bisect_right

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from vtbench import models
from vtbench.api import counting as vtbench
from vtbench.data.workload import Workload


def measured_peak(model: nn.Module, shape: tuple[int, ...]) -> int:
    """Peak of live tensor bytes on the CPU, the input included.

    oneDNN allocates scratch inside a convolution (weights and images in its own blocked layout,
    freed before the operator returns); it depends on the processor and belongs to no tensor of
    the model, so the peak is taken over what lives outside ``mkldnn_convolution``.
    """
    with torch.inference_mode():
        model(torch.randn(shape))
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            x = torch.randn(shape)
            out = model(x)
    del out
    events = list(profiled.profiler.kineto_results.events())
    memory = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    kernels = sorted(
        (e.start_ns(), e.start_ns() + e.duration_ns())
        for e in events
        if e.name() == "aten::mkldnn_convolution"
    )
    starts = [start for start, _ in kernels]
    live = peak = 0
    for (time, size), following in zip(memory, [*memory[1:], (1 << 63, 0)], strict=True):
        live += size
        index = bisect_right(starts, time) - 1
        inside = index >= 0 and following[0] <= kernels[index][1]
        if not inside:
            peak = max(peak, live)
    return peak


@pytest.mark.parametrize("name", ["resnet50", "vit_s", "swin_t", "timm:convnext_tiny",
                                  "efficientnet_b3", "timm:swinv2_tiny_window8_256"])  # fmt: skip
def test_the_predicted_peak_is_the_measured_peak_of_live_tensors(name):
    built = models.build(Workload(model=name), real=True)
    measured = measured_peak(built.module, tuple(built.args[0].shape))
    predicted = vtbench.count(name).to_dict()["memory"]["activations_peak"]
    assert predicted == pytest.approx(measured, rel=0.02)


def test_the_peak_counts_storages_and_not_views():
    class Views(nn.Module):
        def forward(self, x):  # 4 KB in; views are free; one copy
            y = x.view(32, 32).t().unsqueeze(0)
            return y.contiguous()

    memory = vtbench.count(Views(), torch.randn(1024)).to_dict()["memory"]
    assert memory["activations_peak"] == 2 * 4096
    assert memory["weights"] == 0


def test_the_peak_is_where_two_tensors_meet():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.down = nn.Linear(16, 256), nn.Linear(256, 16)

        def forward(self, x):
            return self.down(self.up(x).relu())

    memory = vtbench.count(Wide(), torch.randn(8, 16)).to_dict()["memory"]
    # the input, the wide tensor, and its rectified copy
    assert memory["activations_peak"] == 4 * (8 * 16 + 8 * 256 + 8 * 256)
    assert memory["peak_at"] == "Wide (aten.relu.default)"
    assert memory["weights"] == 4 * (2 * 16 * 256 + 256 + 16)


def test_backward_keeps_what_it_saves():
    model, x = nn.Sequential(*(nn.Linear(64, 64) for _ in range(4))), torch.randn(32, 64)
    forward = vtbench.count(model, x).to_dict()["memory"]["activations_peak"]
    from vtbench.count.count_module import CountSettings, count_module

    both = count_module(model, ((x,), {}), CountSettings(backward=True)).memory.activations_peak
    assert forward == 2 * 32 * 64 * 4 + 32 * 64 * 4
    assert both >= 4 * 32 * 64 * 4 + 3 * (64 * 64 + 64) * 4


def test_torch_s_own_tracker_sees_the_same_peak():
    tracker_module = pytest.importorskip("torch.distributed._tools.mem_tracker")
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))
        x = torch.randn(32, 64)
        tracker = tracker_module.MemTracker()
        tracker.track_external(model, x)
        with torch.no_grad(), tracker:
            model(x)
        peak = tracker.get_tracker_snapshot("peak")[torch.device("cpu")]
    theirs = sum(size for kind, size in peak.items() if getattr(kind, "value", kind) != "Total")
    real = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 64))
    memory = vtbench.count(real, torch.randn(32, 64)).to_dict()["memory"]
    assert memory["activations_peak"] + memory["weights"] == pytest.approx(theirs, rel=0.02)
