"""Which operators read values on which a count can depend, and which only seem to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

import vtbench
from vtbench.count.count_module import CountSettings, count_module

X = torch.tensor([[1.0, 2.0], [-3.0, 1.0], [4.0, 0.5]])


class Net(nn.Module):
    """A linear layer from 2 to 2 on those rows of X that ``choose`` leaves."""

    def __init__(self, choose):
        super().__init__()
        self.choose, self.layer = choose, nn.Linear(2, 2)
        self.register_buffer("rows", torch.tensor([2]))

    def forward(self, x):
        return self.layer(self.choose(self, x))


def counted(choose, **how):
    result = count_module(Net(choose), ((X,), {}), CountSettings(**how))
    return sum(row.macs for row in result.rows), result.road.partition(" ")[0], result.readers


def positive(x):
    return x.sum(1) > 0  # rows 0 and 2


READING = {
    "nonzero": (lambda net, x: x[positive(x).nonzero()[:, 0]], 2, "aten.nonzero.default"),
    "mask": (lambda net, x: x[positive(x)], 2, "aten.index.Tensor"),
    "where": (lambda net, x: x[torch.where(positive(x))[0]], 2, "aten.where.default"),
    "masked_select": (
        lambda net, x: x.masked_select(positive(x)[:, None]).reshape(-1, 2),
        2,
        "aten.masked_select.default",
    ),
    "unique": (
        lambda net, x: x[: len(torch.unique(positive(x)))],
        2,
        "aten._unique2.default",
    ),
    "item": (lambda net, x: x[: int(positive(x).sum())], 2, "aten.item.default"),
    "bool": (lambda net, x: x[:1] if x.mean() > 0 else x, 1, "aten.is_nonzero.default"),
    "tolist": (lambda net, x: x[: sum(positive(x).tolist())], 2, "Tensor.tolist"),
    "numpy": (lambda net, x: x[: int(positive(x).numpy().sum())], 2, "Tensor.numpy"),
    "equal": (lambda net, x: x[:1] if torch.equal(x, -x) else x, 3, "aten.equal.default"),
    "repeats": (
        lambda net, x: x.repeat_interleave(positive(x).long(), 0),
        2,
        "aten.repeat_interleave.self_Tensor",
    ),
    "nms": (
        lambda net, x: x[torchvision.ops.nms(torch.cat((x.abs(), x.abs() + 1), 1), x[:, 0], 0.99)],
        3,
        "torchvision.nms.default",
    ),
    "cond": (
        lambda net, x: torch.cond(x.mean() > 0, lambda x: x * 2, lambda x: x * 3, (x,)),
        3,
        "aten.is_nonzero.default",
    ),
    "weight": (
        lambda net, x: x[:1] if net.layer.weight.isfinite().all() else x,
        1,
        "aten.is_nonzero.default",
    ),
}


@pytest.mark.parametrize("name", READING)
def test_an_operator_that_reads_values_is_named_and_these_values_are_had(name):
    choose, rows, operator = READING[name]
    road = "real" if name == "weight" else "known"
    assert counted(choose) == (rows * 2 * 2, road, (operator,))
    assert counted(choose, road="real") == (rows * 2 * 2, "real", (operator,))


def test_random_numbers_are_values_too_even_where_shapes_are_enough_for_the_rest():
    found = counted(lambda net, x: x if torch.rand(1).item() >= 0 else x[:1])
    assert found == (3 * 2 * 2, "meta", ("aten.item.default",))


CONSTANT = {
    "a number made of a list": (lambda net, x: x[: torch.tensor([2]).item()], "meta"),
    "an array of numpy": (lambda net, x: x[: torch.from_numpy(np.array([2])).item()], "meta"),
    "a buffer": (lambda net, x: x[: net.rows.item()], "known"),
    "a shape": (lambda net, x: x[:2] if torch.zeros_like(x).sum() == 0 else x, "known"),
    "a mask that is only written": (lambda net, x: x.clone().masked_fill_(x > 0, 0)[:2], "meta"),
    "whole numbers as an index": (lambda net, x: x[torch.tensor([0, 1])], "meta"),
    "classes that are said": (
        lambda net, x: nn.functional.one_hot(torch.tensor([0, 1]), 2).float(),
        "meta",
    ),
}


@pytest.mark.parametrize("name", CONSTANT)
def test_constants_are_no_values_of_the_input(name):
    choose, road = CONSTANT[name]
    assert counted(choose) == (2 * 2 * 2, road, ())


def test_on_the_real_road_nothing_is_read_unless_a_model_reads_it():
    assert counted(lambda net, x: x[:2], road="real") == (2 * 2 * 2, "real", ())
    index = torch.tensor([0, 1])
    assert counted(lambda net, x: x[index], road="real") == (2 * 2 * 2, "real", ())


def test_what_an_operator_writes_into_is_no_constant_any_more():
    def choose(net, x):
        kept = torch.zeros(1)
        kept.copy_(x.sum() > 0)
        return x[:2] if kept.item() else x

    assert counted(choose) == (2 * 2 * 2, "known", ("aten.item.default",))


def test_a_live_module_and_a_block_say_what_they_were_counted_on():
    net = Net(READING["mask"][0])
    count = vtbench.count(net, X)
    assert count.by_values.operators == ("aten.index.Tensor",)
    assert count.by_values.counted_on == "the input that was given and the model's own weights"
    with vtbench.counting(net) as block:
        net(X)
    assert (block.macs, block.by_values.operators) == (8, ("aten.index.Tensor",))
    assert vtbench.count(nn.Linear(2, 2), X).by_values is None
