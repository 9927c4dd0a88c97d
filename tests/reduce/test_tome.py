"""ToMe merges as its rule says, costs what was measured of its code, and restores its tokens."""

from __future__ import annotations

import pytest
import torch
from reduced_hosts import alike, macs, small

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.attach import places
from vtbench.reduce.matching import matched, merged, places_after
from vtbench.reduce.selecting import restored

METRIC = torch.tensor([[[1.0, 1], [1, 0], [1, 0], [0, 1], [0.6, 0.8]]])
VALUES = torch.tensor([10.0, 1, 3, 5, 7]).reshape(1, 5, 1)


def staged(*numbers: int) -> list[int]:
    """So many go at blocks 3, 6 and 9 of 12."""
    r = [0] * 12
    r[3], r[6], r[9] = numbers
    return r


@pytest.mark.parametrize(
    ("r", "tiny", "small", "base"),
    [
        (8, 928_993_280, 3_421_097_984, 13_108_563_968),
        (13, 734_561_216, 2_706_111_680, 10_370_412_224),
        (16, 624_528_896, 2_293_718_528, 8_774_680_064),
        (0, 1_253_683_200, 4_598_882_304, 17_563_828_224),
        # int(196 · rate^i) patches are asked for; at most half go at once
        (staged(147, 37, 9), 674_092_992, 2_480_693_568, 9_493_935_168),
        (staged(98, 49, 25), 623_109_312, 2_283_196_224, 8_716_756_032),
        (staged(59, 41, 29), 808_683_072, 2_981_437_632, 11_422_389_696),
        (staged(20, 18, 16), 1_076_235_136, 3_961_113_472, 15_161_379_712),
    ],
)
def test_it_costs_what_was_measured(r, tiny, small, base):
    assert [macs("tome", size, r=r) for size in "TSB"] == [tiny, small, base]


def test_a_list_has_a_number_for_each_block():
    # 100 in all, falling; measured
    r = [10, 12, 11, 10, 10, 9, 8, 7, 7, 6, 5, 5]
    assert macs("tome", "S", r=r) == 3_195_716_608


def test_a_slope_falls_evenly():
    model = small(depth=12)
    with reduce.tome(model, r=(1, -1)) as _:
        given = [block.reduction.r for block in model.blocks]
    assert given == [int(2 - 2 * block / 11) for block in range(12)]


@pytest.mark.parametrize(
    ("r", "tokens", "sizes", "copied"),
    [
        (1, [10, 7, 2, 5], [1, 1, 2, 1], [10, 2, 2, 5, 7]),
        (2, [10, 2, 6], [1, 2, 2], [10, 2, 2, 6, 6]),
    ],
)
def test_it_merges_the_likest_pairs(r, tokens, sizes, copied):
    pairs = matched(METRIC, r, prefix=1)
    x, size = merged(VALUES, pairs, None)
    assert x.flatten().tolist() == pytest.approx(tokens)
    assert size.flatten().tolist() == sizes
    place = places_after(pairs, 5)
    assert restored(x, place).flatten().tolist() == pytest.approx(copied)


def test_a_token_is_the_mean_of_its_patches():
    torch.manual_seed(0)
    x = torch.randn(3, 21, 8, dtype=torch.float64)
    size = torch.randint(1, 5, (3, 21, 1)).double()
    pairs = matched(torch.randn(3, 21, 4), 7, prefix=1)
    y, sizes = merged(x, pairs, size)
    place = places_after(pairs, 21)
    for image in range(3):
        for token in range(14):
            members = (place[image] == token).nonzero().flatten()
            mean = (x[image, members] * size[image, members]).sum(0) / size[image, members].sum()
            assert torch.allclose(y[image, token], mean, atol=1e-14)
            assert sizes[image, token] == size[image, members].sum()
    assert torch.equal(y[:, 0], x[:, 0])
    assert torch.equal(size.sum(1), sizes.sum(1))


@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
def test_tokens_of_the_prefix_stay_by_themselves(prefix):
    torch.manual_seed(0)
    x = torch.randn(2, prefix + 16, 8)
    y, size = merged(x, matched(torch.ones(2, prefix + 16, 4), 8, prefix), None)
    assert y.shape[1] == prefix + 8
    assert torch.equal(y[:, :prefix], x[:, :prefix])
    assert size[:, :prefix].eq(1).all()
    assert size.sum() == 2 * (prefix + 16)


def test_dense_outputs_get_a_token_for_each_patch():
    model = small(no_embed_class=True)
    image = torch.randn(2, 3, 64, 64)
    reduction = reduce.tome(model, r=3)
    features = reduction.features(image)
    assert features.shape == (2, 16, 192)
    assert features.requires_grad
    last = places(reduction, image)[-1]
    same = last[:, :, None] == last[:, None]
    assert torch.equal((features[:, :, None] == features[:, None]).all(-1), same)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"global_pool": "avg", "class_token": False},
        {"global_pool": "avg", "class_token": False, "fc_norm": False},
        {"global_pool": "avg"},
        {"global_pool": "avgmax", "reg_tokens": 4},
        {"global_pool": "map", "class_token": False},
    ],
)
def test_patches_that_are_alike_may_merge_at_no_loss(options):
    """Attention and pooling weigh a token as its patches, so nothing changes."""
    model = small(**options).double()
    images = alike(model)
    before = model(images)
    with reduce.tome(model, r=3) as reduced:
        assert (reduced(images) - before).abs().max() < 1e-10
    assert torch.equal(model(images), before)


@pytest.mark.parametrize(
    ("r", "said"),
    [
        (-1, "whole numbers from 0"),
        (1.5, "whole numbers from 0"),
        ([1, 2, 3], "has 3 numbers, and the network 4 blocks"),
        ((3, 2), "from -1 to 1"),
    ],
)
def test_what_it_refuses(r, said):
    with pytest.raises(BadOption, match=said):
        reduce.tome(small(), r=r)
