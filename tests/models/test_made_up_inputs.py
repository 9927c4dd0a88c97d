"""A model that raises on inputs that were made up for it says which, and how to give others."""

from __future__ import annotations

import pytest

from vtbench import models
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import InputSpec, Workload
from vtbench.errors import ModelError
from vtbench.models import placement

CODE = """
import torch
from torch import nn

def vector():
    return nn.Linear(10, 5)

def with_inputs():
    return nn.Linear(10, 5), torch.zeros(1, 11)

class Joined(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.layer = nn.Embedding(50, 8), nn.Linear(8, 3)

    def forward(self, ids, scale=1):
        if (ids == 7).sum() != 4:
            raise ValueError("expected 4 image tokens")
        return self.layer(self.table(ids))

def joined():
    return Joined()

class Decides(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(100, 100) for _ in range(10))

    def forward(self, x):
        y = self.layers[0](x)
        return y[y > 0]

def decides():
    return Decides(), torch.zeros(1, 100)
"""


@pytest.fixture(autouse=True)
def own_models(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)


def said(name, *inputs):
    with pytest.raises(ModelError) as raised:
        count_workload(Workload(model=f"own_models:{name}", inputs=inputs))
    return str(raised.value)


def test_an_input_that_was_made_up_is_named_with_its_shape_and_how_to_state_it():
    message = said("vector")
    assert "shapes cannot be multiplied" in message
    assert "Its input was made up: input=1x3x224x224:float32." in message
    assert "--input NAME=SHAPE[:DTYPE], or name a function that returns" in message


def test_an_input_of_a_stated_shape_has_random_values_and_that_is_said():
    message = said("joined", InputSpec(name="ids", shape=(1, 9), dtype="int64"))
    assert "raised ValueError when run: expected 4 image tokens." in message
    assert "The values of its inputs are random, whose whole numbers are 0 or 1;" in message
    assert "made up" not in message


def test_of_inputs_that_a_function_returned_nothing_is_said():
    assert said("with_inputs").endswith("(1x11 and 10x5).")


def test_a_function_s_weights_have_the_limit_of_those_of_a_class(monkeypatch):
    """Ten layers of 100 x 100 and a bias are 404,000 bytes; the limit falls into the eighth."""
    workload = Workload(model="own_models:decides")
    assert count_workload(workload).road.startswith("real")
    monkeypatch.setattr(placement, "_AFFORDABLE_BYTES", 300_000)
    with pytest.raises(placement.Unaffordable, match="its weights exceed the 0 GiB"):
        models.build(workload, real=True)
    with pytest.raises(ModelError, match="What it asked for depends on its weights"):
        count_workload(workload)
    monkeypatch.setattr(placement, "_AFFORDABLE_BYTES", 404_000)
    assert count_workload(workload).road.startswith("real")
