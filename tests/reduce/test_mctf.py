"""MCTF fuses by three criteria, and costs what was measured of its code."""

from __future__ import annotations

import pytest
import torch
from reduced_hosts import alike, macs, small

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.attach import places
from vtbench.reduce.matching import Matched
from vtbench.reduce.methods.mctf import attraction, fused_map, paired_both_ways, weighed


@pytest.mark.parametrize(
    ("r", "count"),
    [
        (16, 2_594_062_080),
        (18, 2_370_042_624),
        (20, 2_191_096_704),  # blocks that may fuse no more attend twice
        (0.35, 2_750_143_104),
    ],
)
def test_it_costs_what_was_measured(r, count):
    assert macs("mctf", "S", r=r) == count


@pytest.mark.parametrize(("size", "printed"), [("T", 0.70544), ("S", 2.59406)])
def test_it_costs_what_its_formula_gives(size, printed):
    assert round(macs("mctf", size) / 1e9, 5) == printed


@pytest.mark.parametrize(
    ("r", "count"),
    [
        ([147, 37, 9], 2_428_598_400),
        ([98, 49, 25], 2_222_211_840),
        ([59, 41, 29], 2_935_647_744),
        ([20, 18, 16], 3_945_771_264),
    ],
)
def test_at_three_stages_it_costs_what_was_derived(r, count):
    assert macs("mctf", "S", r=r, blocks=(3, 6, 9)) == count


def test_tokens_attract_that_are_alike_unattended_and_small():
    x = torch.tensor([[[1.0, 0], [2, 0], [0, 1], [1, 0]]], dtype=torch.float64)
    attended = torch.tensor([[0.4, 0.1, 0.2, 0.3]], dtype=torch.float64)
    size = torch.tensor([[1.0, 2, 4, 1]], dtype=torch.float64)
    found = attraction(x, attended, size).exp()[0]
    # even tokens 0 and 2, odd ones 1 and 3: (1 + cos)/2 / (a a)^(1/20) / (s s)^(1/40)
    for row, even in enumerate((0, 2)):
        for column, odd in enumerate((1, 3)):
            like = {0: 1.0, 2: 0.5}[even]
            both = float(attended[0, even] * attended[0, odd])
            patches = float(size[0, even] * size[0, odd])
            expected = like / both ** (1 / 20) / patches ** (1 / 40)
            assert float(found[row, column]) == pytest.approx(expected)


def test_half_of_the_pairs_go_each_way():
    # even tokens 0 (class), 2, 4; odd ones 1, 3, 5
    scores = torch.tensor([[[9.0, 9, 9], [5, 1, 2], [3, 4, 1]]])
    pairs = paired_both_ways(scores, 2, prefix=1)
    assert pairs.gone.tolist() == [[2, 3]]  # 2 into 1, and 3 back into 4
    assert pairs.left.tolist() == [[0, 1, 4, 5]]
    assert pairs.at.tolist() == [[1, 2]]


@pytest.mark.parametrize("prefix", [0, 1, 2, 5])
@pytest.mark.parametrize("tokens", [16, 17])
def test_as_many_go_as_may_and_none_of_the_prefix(tokens, prefix):
    torch.manual_seed(0)
    total = prefix + tokens
    scores = torch.randn(3, (total + 1) // 2, total // 2)
    r = tokens // 2
    pairs = paired_both_ways(scores, r, prefix)
    for image in range(3):
        left, gone = set(pairs.left[image].tolist()), set(pairs.gone[image].tolist())
        assert left | gone == set(range(total))
        assert not left & gone
        assert set(range(prefix)) <= left
        assert pairs.at[image].min() >= prefix


def test_the_map_stays_a_map():
    torch.manual_seed(0)
    attention = torch.randn(2, 3, 7, 7, dtype=torch.float64).softmax(-1)
    left = torch.tensor([[0, 1, 3, 4, 6]]).expand(2, -1)
    pairs = Matched(
        left, torch.tensor([[2, 5]]).expand(2, -1), torch.tensor([[1, 1]]).expand(2, -1)
    )
    share = torch.tensor([0.25, 0.5]).double().reshape(1, 2, 1).expand(2, -1, -1)
    found = fused_map(attention, pairs, share)
    assert torch.allclose(found.sum(-1), torch.ones(2, 3, 5, dtype=torch.float64))
    # token 1 took 2 and 5: columns add up, rows are drawn in by their shares
    columns = attention[..., 1] + attention[..., 2] + attention[..., 5]
    row = 0.25 * columns[:, :, 1] + 0.25 * columns[:, :, 2] + 0.5 * columns[:, :, 5]
    assert torch.allclose(found[:, :, 1, 1], row)
    assert torch.allclose(found[:, :, 2, 3], attention[:, :, 3, 4])


def test_a_token_is_the_mean_by_attention_and_patches():
    pairs = Matched(torch.tensor([[0, 1]]), torch.tensor([[2, 3]]), torch.tensor([[1, 1]]))
    size = torch.tensor([1.0, 1, 2, 1]).reshape(1, 4, 1)
    attended = torch.tensor([0.5, 0.2, 0.1, 0.4]).reshape(1, 4, 1)
    sizes, share = weighed(pairs, size, attended)
    assert sizes.flatten().tolist() == [1, 4]
    assert share.flatten().tolist() == pytest.approx([0.25, 0.5])  # 0.2, 0.2 and 0.4 of 0.8


@pytest.mark.parametrize("pool", ["token", "avg"])
def test_patches_that_are_alike_may_fuse_at_no_loss_in_the_last_block(pool):
    """The block itself attends to a fused token as to its patches; later ones do not."""
    model = small(global_pool=pool).double()
    images = alike(model)
    expected = model(images)
    with reduce.mctf(model, r=5, blocks=[3]) as reduced:
        assert (reduced(images) - expected).abs().max() < 1e-10


def test_a_block_at_its_floor_is_the_block_itself():
    model = small(img_size=48).double()  # 9 patches and the class token
    image = torch.randn(2, 3, 48, 48, dtype=torch.float64)
    expected = model(image)
    with reduce.mctf(model, r=4) as reduced:
        assert (reduced(image) - expected).abs().max() < 1e-10


def test_every_patch_has_a_place():
    model = small()
    reduction = reduce.mctf(model, r=2)
    for place, left in zip(
        places(reduction, torch.randn(2, 3, 64, 64)), reduction.lengths, strict=True
    ):
        assert set(place.flatten().tolist()) == set(range(1, left + 1))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"r": -1}, "a whole number of tokens from 0, or a share"),
        ({"r": 1.0}, "a whole number of tokens from 0, or a share"),
        ({"r": True}, "a whole number of tokens from 0, or a share"),
        ({"r": [1, 2]}, "2 numbers for 4 blocks"),
        ({"r": [1, 2], "blocks": [1]}, "2 numbers for 1 blocks"),
        ({"blocks": [4]}, "from 0 to 3"),
    ],
)
def test_what_it_refuses(options, said):
    with pytest.raises(BadOption, match=said):
        reduce.mctf(small(), **options)
