"""LTMP merges and drops as thresholds say, image by image, and costs what was measured of it."""

from __future__ import annotations

import pytest
import torch
from reduced_hosts import alike, macs, small
from torch.utils.flop_counter import FlopCounterMode

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.attach import places
from vtbench.reduce.matching import likest
from vtbench.reduce.methods.ltmp import absorbed, arranged, importance

METRIC = torch.tensor([[[1.0, 1], [1, 0], [1, 0], [0, 1], [0.6, 0.8]]])
LIVE = {"theta_m": 0.4, "theta_p": 0.0575}


def test_without_data_it_costs_the_most_that_it_can():
    counts = [macs("ltmp", size, theta_m=1, theta_p=0) for size in "TSB"]
    assert counts == [1_261_134_336, 4_606_333_440, 17_571_279_360]


@pytest.mark.parametrize(
    ("r", "tiny", "small", "base"),
    [
        (8, 924_352_512, 3_416_457_216, 13_103_923_200),
        (16, 621_662_208, 2_290_851_840, 8_771_813_376),
        (20, 510_187_776, 1_869_132_288, 7_133_291_520),
    ],
)
def test_fixed_pruning_costs_what_was_measured(r, tiny, small, base):
    assert [macs("ltmp", size, fixed=True, r=r) for size in "TSB"] == [tiny, small, base]


@pytest.mark.parametrize(("theta", "going"), [(0.7, [2, 4]), (0.9, [2])])
def test_what_is_alike_enough_goes(theta, going):
    best, _ = likest(METRIC, prefix=1)
    assert ((best > theta).nonzero()[:, 1] * 2).tolist() == going


def test_a_target_is_the_mean_and_as_important_as_its_most_important():
    x = torch.tensor([10.0, 1, 3, 5, 7]).reshape(1, 5, 1)
    goes, target = torch.tensor([[False, True, True]]), torch.tensor([[0, 0, 0]])
    important = torch.tensor([[torch.inf, 0.1, 0.3, 0.2, 0.05]])
    size = torch.tensor([1.0, 1, 1, 1, 2]).reshape(1, 5, 1)
    y, sizes, found = absorbed(x, size, important, goes, target)
    assert y[0, 1].item() == pytest.approx((1 + 3 + 2 * 7) / 4)
    assert sizes.flatten().tolist() == [1, 4, 1, 1, 2]
    assert found[0, 1] == important[0, 2]


def test_tokens_come_out_in_two_halves():
    assert arranged(6, 1, torch.device("cpu")).tolist() == [0, 2, 4, 1, 3, 5]
    assert arranged(6, 2, torch.device("cpu")).tolist() == [0, 1, 2, 4, 3, 5]


def test_padding_does_not_ask():
    attention = torch.rand(2, 3, 5, 5)
    size = torch.ones(2, 5, 1)
    size[1, 4] = 0
    found = importance(attention, size, prefix=1)
    assert torch.allclose(found[0, 1:], attention[0].mean((0, 1))[1:])
    assert torch.allclose(found[1, 1:], attention[1, :, :4].mean((0, 1))[1:])
    assert found[:, 0].isinf().all()


def test_what_merges_and_drops_nothing_is_the_network_itself():
    model = small().double()
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    expected = model(image)
    with reduce.ltmp(model, theta_m=1, theta_p=0) as reduced:
        assert (reduced(image) - expected).abs().max() < 1e-10


def tokens(model: torch.nn.Module, images: torch.Tensor) -> list[int]:
    """Tokens after each block."""
    found: list[int] = []
    hooks = [
        block.register_forward_hook(lambda _, __, x: found.append(x.shape[1]))
        for block in model.blocks
    ]
    model(images)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize("pool", ["token", "avg"])
def test_a_batch_is_padded_and_each_image_is_as_by_itself(pool):
    model = small(global_pool=pool).double()
    images = torch.randn(4, 3, 64, 64, dtype=torch.float64)
    images[0] *= 0.1
    with reduce.ltmp(model, **LIVE):
        each = [tokens(model, image[None]) for image in images]
        assert len({counts[-1] for counts in each}) > 1
        assert tokens(model, images) == [max(counts) for counts in zip(*each, strict=True)]
        alone = torch.cat([model(image[None]) for image in images])
        assert (model(images) - alone).abs().max() < 1e-10


def test_the_macs_are_those_of_the_tokens_left():
    model = small(num_classes=0)
    image = torch.randn(1, 3, 64, 64)
    with reduce.ltmp(model, **LIVE):
        left = tokens(model, image)
        with FlopCounterMode(display=False) as counter:
            model(image)
    total, n, width = 3 * 16 * 16 * 16 * 192, 17, 192
    for m in left:
        total += 4 * n * width**2 + 2 * n * n * width + 8 * m * width**2
        total += -(-n // 2) * (n // 2) * 64
        n = m
    assert left[-1] < 17
    assert counter.get_total_flops() // 2 == total


def test_patches_that_are_alike_merge_at_no_loss():
    model = small(global_pool="avg").double()
    images = alike(model)
    expected = model(images)
    with reduce.ltmp(model, theta_m=0.99, theta_p=0):
        assert tokens(model, images)[-1] == 2
        assert (model(images) - expected).abs().max() < 1e-10


def test_every_patch_has_a_place_or_is_dropped():
    model = small()
    reduction = reduce.ltmp(model, **LIVE)
    image = torch.randn(1, 3, 64, 64)
    counts = tokens(model, image)
    for place, left in zip(places(reduction, image), counts, strict=True):
        there = set(place[place >= 0].tolist())
        assert there == set(range(1, left))
    assert sum(each.numel() for name, each in model.named_parameters() if "theta" in name) == 8


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"theta_m": 1.5}, "from -1 to 1"),
        ({"theta_p": -0.1}, "from 0 to 1"),
        ({"theta_m": [0.9, 0.9]}, "2 numbers, and the network 4 blocks"),
        ({"r": 8}, "add fixed=true"),
        ({"tokens": 9}, "add fixed=true"),
        ({"fixed": True, "r": -1}, "whole numbers from 0"),
    ],
)
def test_what_it_refuses(options, said):
    with pytest.raises(BadOption, match=said):
        reduce.ltmp(small(), **options)
