"""How the time of a step divides into stages, with a clock that the modules themselves move."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vtbench.data.stages import OTHER
from vtbench.measure.session.stage_times import CudaMarker, HostMarker, stage_seconds


class Clock:
    """Time that passes only where a module says so; stands for marks on a device."""

    def __init__(self):
        self.time = 0.0
        self.begun = self.ended = 0

    def begin(self):
        self.begun += 1

    def end(self):
        self.ended += 1

    def mark(self):
        return self.time

    def between(self, first, second):
        return second - first


class Takes(nn.Module):
    def __init__(self, clock, *seconds, inner=None):
        super().__init__()
        self.clock, self.seconds, self.inner, self.calls = clock, seconds, inner, 0

    def forward(self, x):
        self.clock.time += self.seconds[self.calls % len(self.seconds)]
        self.calls += 1
        return x if self.inner is None else self.inner(x)


class Net(nn.Module):
    """Outside of its stages it takes 0.5 s; the blocks are a list that nobody calls."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock
        self.stem = Takes(clock, 1.0)
        self.blocks = nn.ModuleList([Takes(clock, 2.0), Takes(clock, 4.0)])
        self.head = Takes(clock, 8.0)
        self.unused = Takes(clock, 100.0)

    def forward(self, x):
        x = self.stem(x)
        self.clock.time += 0.5
        for block in self.blocks:
            x = block(x)
        return self.head(self.stem(x))


def test_stages_and_the_rest_sum_to_the_step():
    clock = Clock()
    net, x = Net(clock), torch.zeros(1)
    found = stage_seconds(net, lambda: net(x), ("stem", "blocks", "head", "unused"), clock, 3)
    assert found == {"stem": 1.0 + 1.0, "blocks": 2.0 + 4.0, "head": 8.0, OTHER: 0.5}
    assert clock.time == 4 * (2.0 + 6.0 + 8.0 + 0.5)  # one step to warm up, three that count
    assert (clock.begun, clock.ended) == (1, 1)
    assert not net.stem._forward_hooks
    assert not net.stem._forward_pre_hooks


def test_time_belongs_to_the_innermost_stage():
    clock = Clock()
    net = nn.Sequential()
    net.body = Takes(clock, 1.0, inner=Takes(clock, 2.0))
    found = stage_seconds(net, lambda: net(0), ("body", "body.inner"), clock, 1)
    assert found == {"body": 1.0, "body.inner": 2.0}


def test_medians_are_of_rounds():
    clock = Clock()
    net = Takes(clock, 0.0, inner=Takes(clock, 50.0, 1.0, 9.0, 2.0))
    found = stage_seconds(net, lambda: net(0), ("inner",), clock, 3)
    assert found == {"inner": 2.0}


def test_without_stages_that_run_there_is_nothing_to_tell():
    clock = Clock()
    net = Takes(clock, 1.0)
    assert stage_seconds(net, lambda: net(0), ("gone",), clock) == {}
    assert stage_seconds(net, lambda: net(0), (), clock) == {}
    assert clock.time == 0.0


def test_a_step_that_raises_leaves_no_hooks():
    clock = Clock()
    net = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(RuntimeError):
        stage_seconds(net, lambda: net(torch.zeros(1, 3)), ("0",), clock)
    assert not net[0]._forward_hooks


def test_the_host_reads_a_clock_that_goes_forward():
    marker = HostMarker()
    marker.begin()
    first, second = marker.mark(), marker.mark()
    marker.end()
    assert marker.between(first, second) == second - first >= 0.0


class Cuda:
    """What the marker uses of ``torch.cuda``."""

    def __init__(self):
        self.calls = []

    def synchronize(self, device):
        self.calls.append(f"synchronize {device}")

    def _sleep(self, cycles):
        self.calls.append("sleep")

    def Event(self, *, enable_timing):
        assert enable_timing
        return Event(self)


class Event:
    def __init__(self, cuda):
        self.cuda, self.at = cuda, None

    def record(self):
        self.at = len(self.cuda.calls)
        self.cuda.calls.append("record")

    def elapsed_time(self, later):
        return 1000.0 * (later.at - self.at)


def test_on_cuda_marks_are_queued_behind_a_backlog_and_read_at_the_end():
    cuda = Cuda()
    net = nn.Sequential(nn.Identity())
    found = stage_seconds(net, lambda: net(0), ("0",), CudaMarker(cuda, 1), rounds=2)
    counted = ["record"] * 4  # start, enter, leave, stop
    assert cuda.calls == ["synchronize 1", "sleep", *counted, *counted, "synchronize 1"]
    assert found == {"0": 1.0, OTHER: 2.0}
