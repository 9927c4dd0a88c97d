"""Every result as text, data, LaTeX, HTML and a figure; every function's signature and errors."""

from __future__ import annotations

import copy
import inspect
import json
import pydoc
import re

import pytest
import torch
from made_measurements import made
from torch import nn

import vtbench
from vtbench.api.comparing import Compared
from vtbench.api.counts import Count, Counts
from vtbench.api.measured import Measured, Swept
from vtbench.api.shown import Shown, frame
from vtbench.count.mode import in_mode
from vtbench.data.option import fields_of
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import UsageError, VtbenchError

TABLE = """Model,MACs (G),Δ MACs (G)
base,1.00,
ours,1.50,+0.40
"""
FUNCTIONS = sorted(set(vtbench.__all__) - {"__version__"})
OF_CONDITIONS = ("throughput", "latency", "memory", "compare", "sweep")
LINEAR = 16 * 8
NOTHING = "Figures are for a sweep"


def counted():
    return vtbench.count(nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4)), torch.zeros(3, 16))


def table_of(folder):
    path = folder / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


FAILED = Record(workload=Workload(model="broken"), error="It has no forward.")
MADE = {
    "count": (lambda _: counted(), f"{3 * (LINEAR + 8 * 4):,}", True),
    "counts": (
        lambda _: Counts([counted().record, FAILED, counted().record]), "It has no forward.", True,
    ),
    "measured": (
        lambda _: Measured([made("a", seconds=0.25), made("b", seconds=0.5)]), "ms/step", True,
    ),
    "swept": (
        lambda _: Swept([made("a", seconds=0.1 * n, batch_size=n) for n in (1, 2, 4)]),
        "by batch", True,
    ),
    "compared": (
        lambda _: vtbench.compare(Measured([made("a")]), Measured([made("a")])),
        "new against base", True,
    ),
    "audit": (lambda folder: vtbench.audit(table_of(folder)), "+0.40", False),
    "conformance": (lambda _: vtbench.conformance("torch", cases="conv1d"), "conv1d", False),
    "check": (
        lambda _: vtbench.check("vt_v3", only="vt_v3.t1.*.d_top1.printed"), "holds", False,
    ),
}  # fmt: skip
"""Kind -> a result of it, words that it has to show, and whether it can be drawn."""


@pytest.mark.parametrize("kind", MADE)
def test_a_result_has_every_view(kind, tmp_path):
    make, words, drawn = MADE[kind]
    found = make(tmp_path)
    assert isinstance(found, Shown)
    assert words in found.table()
    assert repr(found) == str(found) == found.table()
    page = found._repr_html_()
    assert page.count("<table>") == page.count("</table>") > 0
    assert r"\begin{tabular}" in found.to_latex()
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()
    assert len(found.to_frame())
    if drawn:
        found.plot().savefig(tmp_path / "drawn.png")
        assert found.plot()._repr_png_().startswith(b"\x89PNG")
    else:
        with pytest.raises(UsageError, match=NOTHING):
            found.plot()


def test_a_dict_is_what_the_command_prints(tmp_path, vtbench):
    import vtbench as package

    path = table_of(tmp_path)
    for found, command in (
        (package.audit(path), ["audit", str(path)]),
        (package.conformance("torch", cases="conv1d"), ["conformance", "--counters", "torch",
                                                       "--cases", "conv1d"]),
        (package.count(["resnet18", "nope"], relative_to="resnet18"),
         ["macs", "resnet18", "nope", "--relative-to", "resnet18"]),
    ):  # fmt: skip
        assert found.to_dict() == json.loads(vtbench(*command, "--format", "json").out)


def test_a_frame_keeps_whole_numbers_whole():
    large = 2**53 + 1
    found = frame([{"a": large, "b": 10**30}, {"a": None, "b": None}])
    assert (found["a"][0], found["b"][0]) == (large, 10**30)
    assert list(found.isna().iloc[1]) == [True, True]


def test_several_counts_stand_side_by_side():
    found = vtbench.count(["resnet18", "nope"], relative_to="resnet18", batch_size=[1, 2])
    assert [record.workload.batch_size for record in found.records] == [1, 2, 1]
    assert found.records[1].macs == 2 * found.records[0].macs == 2 * 1_814_073_344
    assert "There is no model 'nope'." in found.table()
    with pytest.raises(UsageError, match="There are 2 counts of 'resnet18'"):
        found["resnet18"]
    assert isinstance(found[0], Count)
    with pytest.raises(UsageError, match="give a list of their names"):
        vtbench.count("resnet18", relative_to="resnet18")


def test_kept_measurements_are_compared_as_the_command_does(tmp_path):
    found = vtbench.compare(Measured([made("a", seconds=0.2)]), Measured([made("a", seconds=0.1)]))
    assert isinstance(found, Compared)
    assert found.comparisons[0].ratio == pytest.approx(2, rel=0.05)
    for wrong in ({"smallest": 3}, {"batch_size": 3}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            vtbench.compare(Measured([made("a")]), Measured([made("a")]), **wrong)
    with pytest.raises(UsageError, match="expected two files"):
        vtbench.compare(tmp_path / "one.jsonl")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_help_shows_a_signature_an_example_and_every_option(name):
    function = getattr(vtbench, name)
    assert inspect.isfunction(function)
    text = pydoc.render_doc(function, renderer=pydoc.plaintext)
    assert f"\n{name}(" in text
    assert f">>> vtbench.{name}" in text or f"vtbench.{name}(" in text
    for parameter in inspect.signature(function).parameters.values():
        named = {"forward"} if name == "count" else set()
        assert parameter.kind is not parameter.VAR_KEYWORD or parameter.name in named
        assert parameter.annotation is not parameter.empty
        if name not in ("counting", "read") and parameter.kind is parameter.KEYWORD_ONLY:
            assert re.search(rf"\b{parameter.name}\b", inspect.getdoc(function)), parameter


@pytest.mark.parametrize("name", OF_CONDITIONS)
def test_options_are_the_fields_of_a_workload(name):
    parameters = inspect.signature(getattr(vtbench, name)).parameters
    for field in fields_of(Workload).values():
        assert field.name in parameters
        if field.name != "batch_size":
            assert parameters[field.name].default == field.default


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"count"}))
def test_a_wrong_keyword_is_refused_with_the_right_ones(name):
    with pytest.raises(UsageError, match=f"opttion: there is no such keyword of vtbench.{name}"):
        getattr(vtbench, name)("a", opttion=3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: vtbench.count("resnet18", resolutoin=3), "Did you mean resolution?"),
        (lambda: vtbench.count(nn.Linear(2, 2), torch.ones(2), batch_size=3), "has no parameter"),
        (lambda: vtbench.sweep("resnet18", resolution=[]), "has to have one"),
        (lambda: vtbench.sweep("resnet18", metric="mac"), "metric: expected one of"),
        (lambda: vtbench.sweep("resnet19"), "Did you mean resnet18"),
        (lambda: vtbench.sweep(nn.Linear(2, 2)), "by name here"),
        (lambda: vtbench.sweep("resnet18", shard="3/2"), "shard: expected a part"),
        (lambda: vtbench.sweep("resnet18", batch_size=[1, 0]), "a positive whole number"),
        (lambda: vtbench.sweep("resnet18", options={"x:y z": 1}), "expected 'KEY' or"),
        (lambda: vtbench.sweep("resnet18", dtype="tf32"), "is for a GPU"),
        (lambda: vtbench.formula("nope"), "There is no model 'nope'"),
        (lambda: vtbench.formula("resnet18", at={"Q": 3}), "at: expected a size among"),
        (lambda: vtbench.audit("t.csv", hardware="abacus"), "hardware: expected one of"),
        (lambda: vtbench.audit("none.csv"), "cannot be read"),
        (lambda: vtbench.conformance("tosh"), "counters: expected all, or names among"),
        (lambda: vtbench.conformance(cases="zzz"), "cases: no case matches"),
        (lambda: vtbench.latency(abs, torch.ones(1), mode="train"), "is a function"),
        (lambda: vtbench.latency(nn.Linear(1, 1), torch.ones(1), mode="evil"), "mode: expected"),
        (lambda: counted().plot(by="op"), "by: expected one of stage, module"),
        (lambda: Measured([made("a")]).plot(), "a figure needs several"),
        (lambda: Measured([made("a"), made("b")]).plot(show="speed"), "show: expected one of"),
    ],
)
def test_what_cannot_be_is_said_in_the_words_of_python(call, said):
    with pytest.raises(VtbenchError, match=re.escape(said)) as caught:
        call()
    assert "--" not in re.sub("`[^`]*`", "", str(caught.value))


class Merges(nn.Linear):
    """Changes its weights as it changes its mode, which cannot be taken back exactly."""

    def train(self, mode=True):  # noqa: FBT002  # as torch has it
        with torch.no_grad():
            self.weight.mul_(3.1)
        return super().train(mode)


def mixed():
    """A module in training mode but for one part."""
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(), Merges(4, 4))
    nn.Module.train(module[1], mode=False)
    return module


def runs(mode):
    """Ways to run a module in a mode, and what the record says of the mode."""
    x, options = torch.ones(2, 4), {} if mode is None else {"mode": mode}
    return [
        lambda net: vtbench.count(net, x, **options).record.workload.mode,
        lambda net: vtbench.latency(net, x, max_time=0.02, **options).records[0].workload.mode,
        lambda net: vtbench.memory(net, x, **options).records[0].workload.mode,
    ]


@pytest.mark.parametrize(
    ("mode", "said", "seen"),
    [
        (None, "eval", [False] * 5), ("eval", "eval", [False] * 5), ("train", "train", [True] * 5),
        ("as-is", "train", [True, True, False, True, True]),
    ],
)  # fmt: skip
def test_a_module_runs_in_the_mode_that_is_asked_for_and_comes_back(mode, said, seen, monkeypatch):
    monkeypatch.setattr(
        "vtbench.measure.session.measure_workloads.with_utilisation", lambda *_, **__: None
    )
    for run in runs(mode):
        module = mixed()
        module[0].weight.grad = gradient = torch.ones(4, 4)
        before = [part.training for part in module.modules()]
        state = copy.deepcopy(module.state_dict())
        met = []
        hook = module.register_forward_pre_hook(
            lambda net, _, met=met: met.append([part.training for part in net.modules()])
        )
        assert run(module) == said
        hook.remove()
        assert met
        assert all(each == seen for each in met)
        assert [part.training for part in module.modules()] == before
        assert all(torch.equal(state[name], value) for name, value in module.state_dict().items())
        assert module[0].weight.grad is gradient
        assert torch.equal(gradient, torch.ones(4, 4))


def test_a_module_comes_back_in_its_mode_whatever_is_raised():
    module = mixed()
    before = [part.training for part in module.modules()]
    with pytest.raises(ZeroDivisionError), in_mode(module, "eval"):
        raise ZeroDivisionError
    assert [part.training for part in module.modules()] == before


def test_gradients_of_a_measured_backward_pass_are_not_left_behind(monkeypatch):
    monkeypatch.setattr(
        "vtbench.measure.session.measure_workloads.with_utilisation", lambda *_, **__: None
    )
    module = nn.Linear(4, 4)
    module.weight.grad = gradient = torch.ones(4, 4)
    (record,) = vtbench.latency(module, torch.ones(2, 4), max_time=0.02, backward=True).records
    assert (record.error, record.workload.backward) == (None, True)
    assert record.macs == 2 * 2 * 4 * 4  # forward, and the gradient of the weight
    assert module.weight.grad is gradient
    assert torch.equal(gradient, torch.ones(4, 4))
    assert module.bias.grad is None
