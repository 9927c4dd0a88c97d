"""Models that are unusual, or wrong: the count is that of a run on values, or there is none."""

import pytest
import torch
from torch import nn
from torch.nn import functional

import vtbench
from vtbench.errors import ModelError


class Attention(nn.Module):
    """Scaled dot-product attention, and nothing else."""

    def forward(self, q, k, v, mask=None):
        return functional.scaled_dot_product_attention(q, k, v, mask)


@pytest.mark.parametrize(
    "queries", [(1, 4, 10, 8), (3, 1, 10, 8), (10, 8)], ids=["batch", "heads", "both"]
)
def test_attention_that_broadcasts_its_queries_counts_what_is_broadcast(queries):
    keys = torch.zeros(3, 4, 20, 8)
    count = vtbench.count(Attention(), torch.zeros(queries), keys, keys)
    assert count.macs == 3 * 4 * 10 * 20 * (8 + 8)
    assert count.to_dict()["activations"] == 3 * 4 * 10 * 20 + 3 * 4 * 10 * 8


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.LayerNorm([8, 30, 30])), [(1, 3, 64, 64)]),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(9)), [(2, 3, 8, 8)]),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.GroupNorm(3, 9)), [(2, 3, 8, 8)]),
        (Attention(), [(3, 4, 10, 8), (3, 3, 20, 8), (3, 3, 20, 8)]),
        (Attention(), [(3, 4, 10, 8), (3, 4, 20, 8), (3, 4, 20, 8), (10, 21)]),
    ],
    ids=["layer norm", "batch norm", "group norm", "heads", "mask"],
)
def test_what_raises_on_values_is_not_counted_on_shapes(model, shapes):
    inputs = [torch.zeros(shape) for shape in shapes]
    with pytest.raises(RuntimeError):
        model(*inputs)
    with pytest.raises(ModelError, match="raised RuntimeError when run"):
        vtbench.count(model, *inputs)
