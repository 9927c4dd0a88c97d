"""What a pipeline hands over at its end is no work of its own; what comes back from numpy is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import vtbench

MACS = 3 * 4 * 2
W = np.ones((2, 2), dtype=np.float32)


class Pipeline(nn.Module):
    """A linear layer from 4 to 2 on three rows, and what ``finish`` makes of its result."""

    def __init__(self, finish):
        super().__init__()
        self.layer, self.finish = nn.Linear(4, 2), finish

    def forward(self, x):
        return self.finish(self.layer(x))


ENDS = {
    "an array": lambda y: y.numpy(),
    "an array among others": lambda y: {"y": y, "boxes": np.asarray(y), "n": len(y)},
    "several": lambda y: (y[0].detach().cpu().numpy(), y[1:].numpy(), y.t().tolist()),
    "a copy": lambda y: [y.numpy().copy(), y.numpy()[:, :1]],
    "labels": lambda y: (y.numpy(), y.numpy().argmax(-1)),
    "a list": lambda y: y.tolist(),
    "a list of strings": lambda y: [f"{row[0]:.2f}" for row in y.tolist()],
}


@pytest.mark.parametrize("end", ENDS)
def test_what_is_handed_over_at_the_end_leaves_the_count_complete(end):
    count = vtbench.count(Pipeline(ENDS[end]), torch.ones(3, 4))
    assert (count.macs, count.complete, count.by_values) == (MACS, True, None)


def in_place(y):
    y.numpy()[:] = y.numpy() @ W
    return y


def copied_in(y):
    z = torch.from_numpy(y.numpy() @ W)
    held = torch.empty(3, 2)
    held.copy_(z)
    return held


COMES_BACK = {
    "a product": lambda y: torch.from_numpy(y.numpy() @ W),
    "a tensor of a product": lambda y: torch.tensor(y.numpy() @ W),
    "a product that is returned as such": lambda y: {"scores": y.numpy() @ W},
    "a view of it": lambda y: torch.from_numpy(y.numpy() @ W)[:2],
    "an operator after it": lambda y: torch.relu(torch.from_numpy(y.numpy() @ W)),
    "written to": in_place,
    "copied in": copied_in,
    "an operator beside it": lambda y: (y.numpy(), y + 1),
}


@pytest.mark.parametrize("way", COMES_BACK)
def test_what_the_model_goes_on_with_is_unknown_work(way):
    count = vtbench.count(Pipeline(COMES_BACK[way]), torch.ones(3, 4))
    assert count.macs == MACS
    assert not count.complete
    assert {row.op for row in count.record.unknown} == {"outside.numpy"}


def test_values_that_decide_what_is_computed_next_are_still_read():
    net = Pipeline(lambda y: y)
    net.finish = lambda y: net.layer.weight[: 1 + (y.tolist()[0][0] > 9)] @ torch.ones(4, 1)
    count = vtbench.count(net, torch.ones(3, 4))
    assert count.macs == MACS + 4
    assert count.by_values.operators == ("Tensor.tolist",)


def test_in_a_block_only_modules_answer_for_what_they_hand_over():
    net = Pipeline(lambda y: y)
    with vtbench.counting(net) as block:
        net(torch.ones(3, 4)).detach().numpy()
    assert block.complete
    inner = Pipeline(lambda y: torch.from_numpy(y.detach().numpy() @ W))
    with vtbench.counting(inner) as block:
        inner(torch.ones(3, 4))
    assert not block.complete
