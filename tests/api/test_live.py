"""Measuring from Python: live modules, functions, models by name, kept files."""

from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

import vtbench
from vtbench import errors
from vtbench.data.files import line_of
from vtbench.data.from_samples import with_samples
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import protocol_named
from vtbench.measure import isolated
from vtbench.measure.session import measure_workloads as measuring


class Pair(NamedTuple):
    """Two inputs as one."""

    a: torch.Tensor
    b: Any


def unmeasured(workloads):
    """What a process would answer, without figures."""
    protocol = protocol_named("throughput").id
    return [Measurement(workload=work, protocol=protocol) for work in workloads]


@pytest.fixture
def line():
    return nn.Sequential(nn.Linear(16, 32)).eval()


@pytest.fixture
def x():
    return torch.randn(8, 16)


def test_a_live_module_is_counted_and_measured_here(line, x):
    found = vtbench.throughput(line, x, max_time=0.2)
    (record,) = found.records
    assert record.error is None
    assert record.isolated is False
    assert record.macs == 8 * 16 * 32
    assert record.params == 16 * 32 + 32
    assert record.workload.batch_size == 8
    assert found.images_per_second == pytest.approx(8 * len(record.samples) / sum(record.samples))
    assert found.median == record.median


def test_modules_and_functions_take_turns_on_the_same_inputs(line, x):
    def twice(value):
        return line(line(value)[:, :16])

    found = vtbench.compare({"once": line, "twice": twice}, x, max_time=0.3)
    once, second = found.records
    assert once.session == second.session
    visits = [len(each.samples) / each.samples_per_visit for each in found.records]
    assert visits[0] == visits[1]  # the faster one takes several samples a visit
    assert second.macs is None  # a function is not counted
    (ratio,) = found.ratios
    assert (ratio.a, ratio.b) == ("once", "twice")


def test_a_function_is_run_under_inference_mode_as_modules_are_unless_it_trains(line, x):
    modes = set()

    def forward(value):
        modes.add(torch.is_inference_mode_enabled())
        return line(value)

    def train(value):
        line(value).sum().backward()

    (record,) = vtbench.throughput(forward, x, max_time=0.05).records
    assert (modes, record.workload.backward) == ({True}, False)
    (record,) = vtbench.throughput(train, x, max_time=0.05).records
    assert (record.error, record.workload.backward) == (None, True)
    assert line[0].weight.grad is not None


def test_results_print_as_the_table_and_in_a_notebook(line, x):
    found = vtbench.latency(line, x, max_time=0.2)
    assert "Latency" in repr(found)
    assert "in its caller's process" in repr(found).replace("\n", " ")
    assert "<table" in found._repr_html_()
    frame = found.to_frame()
    assert frame.loc[0, "model"] == "Sequential"
    assert set(found.to_dict()) == {"schema", "vtbench", "results", "ratios"}


def test_the_module_is_left_as_it_was(x):
    module = nn.Linear(16, 4).train()
    weight = module.weight
    vtbench.throughput(module, x, max_time=0.1)
    assert module.training
    assert module.weight is weight
    assert module.weight.requires_grad
    assert not module._forward_hooks


class Odd(nn.Module):
    """Weights of two precisions, statistics, and tensors that it keeps from its first call."""

    def __init__(self):
        super().__init__()
        self.low = nn.Linear(8, 8).half()
        self.norm = nn.BatchNorm2d(3)
        self.register_buffer("calls", torch.zeros(1))
        self.made = None
        self.by_size = {}

    def forward(self, x):
        self.calls = self.calls + 1
        if self.made is None:
            self.made = torch.ones(3, 1, 1)
            self.by_size[x.shape[-1]] = torch.ones(x.shape[-1])
        return self.low(self.norm(x * self.made * self.by_size[x.shape[-1]]).half())


@pytest.mark.parametrize("ask", [vtbench.throughput, vtbench.memory])
def test_a_module_is_run_as_it_is_and_comes_back_as_it_was(ask, monkeypatch):
    takes_seconds = "vtbench.measure.ceilings.utilisation.with_utilisation"
    monkeypatch.setattr(takes_seconds, lambda *_, **__: None)
    module, images = Odd().train(), torch.randn(2, 3, 8, 8)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    conditions = {"max_time": 0.05} if ask is vtbench.throughput else {}
    (record,) = ask(module, images, **conditions).records
    assert record.error is None
    after = module.state_dict()
    assert {name: value.dtype for name, value in after.items()} == {
        name: value.dtype for name, value in state.items()
    }
    assert all(torch.equal(after[name], value) for name, value in state.items())
    module(images).sum().backward()  # what it has cached meanwhile is no inference tensor
    assert module.norm.weight.grad is not None


def test_inputs_keep_their_layout_and_precision():
    seen = []

    class Looks(nn.Module):
        def forward(self, x, pair):
            seen.append((x.is_contiguous(memory_format=torch.channels_last), x.dtype, type(pair)))
            return x + pair.a

    images = torch.randn(2, 3, 8, 8, dtype=torch.float64).to(memory_format=torch.channels_last)
    vtbench.throughput(Looks(), images, Pair(torch.ones(1), "b"), max_time=0.05)
    assert set(seen) == {(True, torch.float64, Pair)}


def test_where_a_module_lies_decides_on_which_device_it_is_measured(monkeypatch):
    asked = []

    def described(kind, index=None):
        asked.append((kind, index))
        raise errors.NoDevice("There is none.")

    monkeypatch.setattr("vtbench.measure.session.participants.describe", described)
    monkeypatch.setattr(
        "vtbench.measure.session.measure_workloads.index_of", lambda subject, inputs: subject.place
    )
    first, second = Odd(), Odd()
    first.place, second.place = 1, 0
    with pytest.raises(errors.NoDevice):
        vtbench.throughput(first, torch.randn(2, 3, 8, 8))
    assert asked == [("cpu", 1)]
    with pytest.raises(errors.UsageError, match="are on different GPUs"):
        vtbench.compare({"first": first, "second": second}, torch.randn(2, 3, 8, 8))
    with pytest.raises(errors.NoDevice, match="is on the device meta"):
        vtbench.throughput(nn.Linear(2, 2, device="meta"), torch.randn(2, 2))


def test_switches_are_taken_back(line, x):
    before = torch.get_num_threads(), torch.backends.cudnn.benchmark
    vtbench.throughput(line, x, threads=1 + before[0] % 2, max_time=0.1)
    assert (torch.get_num_threads(), torch.backends.cudnn.benchmark) == before


def test_a_kept_file_reads_back_with_its_ratios(line, x, tmp_path):
    found = vtbench.compare({"a": line, "b": line}, x, max_time=0.2)
    file = tmp_path / "kept.jsonl"
    file.write_text("".join(map(line_of, found.records)))
    again = vtbench.read(file)
    assert again.records == found.records
    assert again.ratios == found.ratios


def test_names_go_to_a_process_of_their_own(monkeypatch):
    asked = []

    def measure(workloads, settings):
        asked.append((list(workloads), list(settings)))
        return [
            Measurement(workload=work, protocol=protocol_named("throughput").id)
            for work in workloads
        ]

    monkeypatch.setattr(isolated, "measure", measure)
    vtbench.compare({"a": "resnet18", "b": "vt_r18"}, dtype="bf16", batch_size=4, max_time=1)
    ((workloads, settings),) = asked
    assert [w.model for w in workloads] == ["resnet18", "vt_r18"]
    assert {(w.dtype, w.batch_size) for w in workloads} == {("bf16", 4)}
    assert settings == [measuring.MeasureSettings(protocol="throughput", max_seconds=1)]


def test_throughput_of_a_compiled_model_has_the_protocol_that_the_command_gives_it(monkeypatch):
    asked = []

    def measure(workloads, settings):
        asked.extend(settings)
        return [
            Measurement(workload=work, protocol=protocol_named("throughput").id)
            for work in workloads
        ]

    monkeypatch.setattr(isolated, "measure", measure)
    vtbench.throughput("resnet18", compile="default")
    vtbench.latency("resnet18", compile="default")
    assert [settings.protocol for settings in asked] == ["compiled", "latency"]


def test_a_module_that_raises_says_what_it_said(line):
    (record,) = vtbench.throughput(line, torch.randn(3, 3), max_time=0.1).records
    assert "shapes cannot be multiplied" in record.error


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda line, x: vtbench.compare({}), "expected a dict of names"),
        (lambda line, x: vtbench.compare([line]), "expected a dict of names"),
        (lambda line, x: vtbench.throughput(3), "cannot be called"),
        (lambda line, x: vtbench.throughput(line, x, dtype="bf16"), "measured as it is"),
        (lambda line, x: vtbench.throughput(line, x, max_time=0), "a positive number of seconds"),
        (
            lambda line, x: vtbench.throughput(line, x, protocol="memory"),
            "does not measure time; use throughput",
        ),
        (lambda line, x: vtbench.throughput("resnet18", x), "makes its own inputs"),
        (lambda line, x: vtbench.throughput("resnet18", dtype="fp3"), "Invalid enum value 'fp3'"),
        (lambda line, x: vtbench.throughput("resnet18", warp=9), "warp: there is no such keyword"),
        (
            lambda line, x: vtbench.compare({"a": line, "b": "resnet18"}),
            "is given by name and others are live",
        ),
    ],
)
def test_what_cannot_be_measured_is_said(line, x, call, said):
    with pytest.raises(errors.UsageError, match=said):
        call(line, x)


def test_several_measurements_have_no_single_figure(line, x):
    found = vtbench.compare({"a": line, "b": line}, x, max_time=0.1)
    with pytest.raises(errors.UsageError, match="There are 2 measurements"):
        _ = found.median


def test_samples_give_what_is_derived_from_them():
    record = with_samples(
        vtbench.throughput(lambda: None, max_time=0.05).records[0], [0.1, 0.1, 0.4], 2
    )
    assert record.median == 0.1
    assert record.images_per_second == pytest.approx(3 / 0.6)
    assert record.p50 is None  # a sample of several steps is no single step
