"""FPET halves the patches once, and costs what was measured of its code."""

from __future__ import annotations

import pytest
import torch
from reduced_hosts import alike, macs, small

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.attach import places
from vtbench.reduce.methods.fpet import checkerboard, chosen


def test_it_costs_what_was_measured():
    counts = [macs("fpet", size) for size in "TSB"]
    assert counts == [955_626_470, 3_510_007_910, 13_419_348_326]


@pytest.mark.parametrize(("grid", "black", "white"), [((2, 2), [1, 2], [0, 3]), ((3, 3), 4, 5)])
def test_a_checkerboard(grid, black, white):
    found = checkerboard(grid)
    if isinstance(black, list):
        assert [each.tolist() for each in found] == [black, white]
    else:
        assert [len(each) for each in found] == [black, white]
    assert sorted(torch.cat(found).tolist()) == list(range(grid[0] * grid[1]))


def test_each_goes_into_the_likest_even_if_two_are_as_like():
    scores = torch.tensor([[[0.1, 0.9, 0.3], [0.5, 0.5, 0.2]]], requires_grad=True)
    assert chosen(scores, learn=False).tolist() == [[[0, 1, 0], [1, 0, 0]]]
    learned = chosen(scores, learn=True)
    assert torch.allclose(learned, chosen(scores, learn=False))
    learned[0, 0, 1].backward()
    assert scores.grad.abs().sum() > 0


@pytest.mark.parametrize("size", [(64, 64), (48, 48), (48, 80)])
def test_half_of_the_patches_are_left(size):
    model = small(img_size=size)
    patches = size[0] * size[1] // 256
    reduction = reduce.fpet(model)
    assert reduction.lengths == [patches] * 2 + [patches - patches // 2] * 2
    last = places(reduction, torch.randn(2, 3, *size))[-1]
    assert set(last.flatten().tolist()) == set(range(1, patches - patches // 2 + 1))


@pytest.mark.parametrize("options", [{}, {"global_pool": "avg", "class_token": False}])
def test_patches_that_are_alike_merge_at_no_loss(options):
    model = small(**options).double()
    images = alike(model)
    expected = model(images)
    with reduce.fpet(model) as reduced:
        assert (reduced(images) - expected).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"r_layer": 4}, "from 0 to 3"),
        ({"r_layer": -1}, "from 0 to 3"),
        ({"hidden": 0}, "a whole number of channels from 1"),
    ],
)
def test_what_it_refuses(options, said):
    with pytest.raises(BadOption, match=said):
        reduce.fpet(small(), **options)
