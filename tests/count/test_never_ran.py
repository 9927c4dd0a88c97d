"""Modules that take no part in a count: neither called nor read by whoever holds them."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import nn

import vtbench
from vtbench.count.count_module import CountSettings, count_module
from vtbench.data.record import Memory, Parameters, Record
from vtbench.data.workload import Workload
from vtbench.report.certificate import certificate


class Net(nn.Module):
    """Two heads and an expert that never run, beside parts that are read in other ways."""

    def __init__(self, *, shared: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(4, 5)
        self.head2 = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 1))
        self.experts = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.read = nn.Linear(4, 4, bias=False)
        self.stacked = nn.ModuleList([nn.Linear(4, 4, bias=False) for _ in range(2)])
        self.named = nn.Linear(4, 4, bias=False)
        self.lstm = nn.LSTM(5, 3)
        self.nothing = nn.Identity()
        if shared:
            self.head2 = self.experts[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.experts[1](self.attention(x, x, x)[0]) @ self.read.weight
        x = x @ torch.stack([each.weight for each in self.stacked]).sum(0)
        x = nn.functional.linear(input=x, weight=self.named.weight)
        return self.lstm(self.first(x))[0]


@pytest.mark.parametrize("road", ["meta", "real"])
@pytest.mark.parametrize("backward", [False, True])
def test_what_is_neither_called_nor_read_is_found(road: str, *, backward: bool) -> None:
    """A projection whose weight its parent reads took part; so did weights in a list."""
    settings = CountSettings(road=road, backward=backward)  # type: ignore[arg-type]
    found = count_module(Net(), ((torch.zeros(2, 3, 4),), {}), settings)
    assert found.never_ran == {
        "head2": 5 * 7 + 7 + 7 * 1 + 1,
        "experts.0": 4 * 4 + 4,
        "experts.2": 4 * 4 + 4,
    }


def test_a_shared_module_ran_under_each_of_its_names() -> None:
    found = count_module(Net(shared=True), ((torch.zeros(2, 3, 4),), {}), CountSettings())
    assert set(found.never_ran) == {"experts.0", "experts.2"}


def test_scripts_call_no_hooks_and_yet_run() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 5)))
    found = count_module(script, ((torch.zeros(2, 4),), {}), CountSettings())
    assert found.never_ran == {}


def test_auxiliary_classifiers_do_not_run_in_evaluation() -> None:
    counted = vtbench.count("torchvision:googlenet", options={"aux_logits": True})
    assert set(counted.to_dict()["never_ran"]) == {"aux1", "aux2"}


def note_of(**idle: int) -> str:
    """The sentence of the certificate, if there is one."""
    record = Record(
        workload=Workload(model="a"),
        never_ran=idle,
        parameters=Parameters(total=9, trainable=9, buffers=0, weights=9),
        memory=Memory(weights=1, activations_peak=1, peak_at="a"),
    )
    return next((note for note in certificate(record)[0].notes if "never ran" in note), "")


def test_the_certificate_says_it_in_a_sentence() -> None:
    assert note_of() == ""
    assert note_of(head2=1234) == "head2 (1,234 parameters) never ran."
    assert note_of(a=1, b=2) == "b (2 parameters) and a (1 parameter) never ran."
    six = {f"m{each}": each for each in range(1, 7)}
    assert note_of(**six) == (
        "m6 (6 parameters), m5 (5 parameters), m4 (4 parameters), m3 (3 parameters) and "
        "2 more modules (3 parameters) never ran."
    )
