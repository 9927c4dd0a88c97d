"""ToFu and PiToMe pair tokens as their rules say, and cost what was measured of their code."""

from __future__ import annotations

import math

import pytest
import torch
from reduced_hosts import macs, small

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.matching import matched, merged
from vtbench.reduce.methods.pitome import energies, paired
from vtbench.reduce.methods.tofu import fused
from vtbench.reduce.selecting import taken

TOFU = [
    (0.975, 1_092_980_416, 4_011_737_920, 15_344_348_224),
    (0.95, 934_770_304, 3_443_851_648, 13_198_890_880),
    (0.925, 807_459_072, 2_980_445_568, 11_434_247_808),
    (0.9125, 745_440_320, 2_752_702_784, 10_562_745_152),
    (0.9, 702_136_960, 2_592_926_464, 9_949_723_648),
    (0.875, 615_864_576, 2_272_525_056, 8_716_041_984),
    (0.85, 541_691_968, 1_994_790_208, 7_641_898_816),
]
PITOME = [
    (0.975, 1_110_476_992, 4_029_234_496, 15_361_844_800),
    (0.95, 948_479_104, 3_457_560_448, 13_212_599_680),
    (0.925, 822_582_912, 3_006_337_920, 11_502_026_112),
    (0.9125, 759_305_920, 2_777_271_616, 10_629_069_376),
    (0.9, 712_517_568, 2_606_952_000, 9_978_116_928),
    (0.875, 628_470_080, 2_298_546_368, 8_794_552_256),
    (0.85, 548_240_000, 2_001_338_240, 7_648_446_848),
]
METRIC = torch.tensor([[[1.0, 1], [1, 0], [1, 0], [0, 1], [0.6, 0.8]]])
POINTS = torch.tensor([[[9.0, 9], [3, 0], [0, 4], [5, 5], [7, 7]]])
PATCHES = torch.tensor([[[1.0, 0], [1, 0], [0, 1], [-1, 0]]])


@pytest.mark.parametrize(
    ("method", "ratio", "counts"),
    [
        *(("tofu", ratio, counts) for ratio, *counts in TOFU),
        *(("pitome", ratio, counts) for ratio, *counts in PITOME),
        *(
            (each, 1.0, [1_253_683_200, 4_598_882_304, 17_563_828_224])
            for each in ("tofu", "pitome")
        ),
    ],
)
def test_they_cost_what_was_measured(method, ratio, counts):
    assert [macs(method, size, ratio=ratio) for size in "TSB"] == counts


def staged(present: tuple[int, int, int], r: tuple[int, int, int]) -> list[float]:
    """Shares at blocks 3, 6 and 9 of 12 by which so many of those present go."""
    shares = [1.0] * 12
    shares[3], shares[6], shares[9] = (
        (n - each - 0.5) / n if each * 2 < n else 0.5 for n, each in zip(present, r, strict=True)
    )
    return shares


@pytest.mark.parametrize(
    ("method", "ratio", "count"),
    [
        # 138, 97 and 68 tokens, the class token among them for ToFu
        ("tofu", staged((197, 138, 97), (59, 41, 29)), 2_981_437_632),
        ("pitome", staged((196, 137, 96), (59, 41, 29)), 2_984_611_136),
        ("tofu", staged((197, 177, 159), (20, 18, 16)), 3_961_113_472),
        ("pitome", staged((196, 176, 158), (20, 18, 16)), 3_965_625_600),
    ],
)
def test_at_three_stages_they_cost_what_was_measured(method, ratio, count):
    assert macs(method, "S", ratio=ratio) == count


@pytest.mark.parametrize(
    ("method", "r", "count"),
    [
        ("tofu", {3: 59, 6: 41, 9: 29}, 2_981_437_632),
        ("pitome", {3: 147, 6: 37, 9: 9}, 2_483_165_760),
        ("pitome", {3: 98, 6: 49, 9: 25}, 2_285_605_440),
        # 100 in all, falling
        ("pitome", dict(enumerate([10, 12, 11, 10, 10, 9, 8, 7, 7, 6, 5, 5])), 3_207_934_784),
    ],
)
def test_numbers_of_tokens_cost_what_was_measured(method, r, count):
    assert macs(method, "S", r=[r.get(block, 0) for block in range(12)]) == count


def test_pitome_leaves_so_many_tokens_at_each_block():
    model = small(img_size=224, depth=12)
    left = [each + 1 for each in reduce.pitome(model, ratio=0.9).lengths]
    assert left == [178, 161, 145, 131, 118, 107, 97, 88, 80, 73, 66, 60]


def test_tofu_drops_sources_or_stretches_the_mean():
    pairs = matched(METRIC, 1, prefix=1)
    values = torch.tensor([10.0, 1, 3, 5, 7]).reshape(1, 5, 1)
    assert taken(values, pairs.left).flatten().tolist() == [10, 7, 1, 5]
    assert fused(values, pairs, "released").flatten().tolist() == pytest.approx([10, 7, 6, 5])
    paper, released = (fused(POINTS, pairs, each)[0, 2].tolist() for each in ("paper", "released"))
    assert paper == pytest.approx([2.4, 3.2])
    assert released == pytest.approx([2, 8 / 3])


def test_tofu_makes_a_mean_as_long_as_its_longest_member():
    torch.manual_seed(0)
    x = torch.randn(2, 17, 6, dtype=torch.float64)
    metric = torch.ones(2, 17, 3)  # all sources go into the first target, token 1
    y = fused(x, matched(metric, 5, prefix=1), "paper")
    target = y.shape[1] - 8
    gone = matched(metric, 5, prefix=1).gone
    for image in range(2):
        members = torch.cat((x[image, 1:2], x[image, gone[image]]))
        assert torch.allclose(y[image, target].norm(), members.norm(dim=-1).max())
        assert torch.allclose(
            torch.cosine_similarity(y[image, target], members.mean(0), dim=0).double(),
            torch.tensor(1.0, dtype=torch.float64),
        )
    assert torch.equal(y[:, 0], x[:, 0])


def test_pitome_ranks_by_energy():
    alike = PATCHES @ PATCHES.transpose(1, 2)
    assert energies(alike, 0.5)[0].tolist() == pytest.approx(
        [-0.0426, -0.0426, -0.1701, -0.3618], abs=1e-4
    )


@pytest.mark.parametrize(
    ("early", "tokens", "sizes"),
    [(False, [5, 7, 2], [1, 1, 2]), (True, [5, 2, 7], [1, 2, 1])],
)
def test_pitome_merges_early_and_late(early, tokens, sizes):
    pairs = paired(PATCHES, 1, 0.5, early=early)
    x, size = merged(torch.tensor([1.0, 3, 5, 7]).reshape(1, 4, 1), pairs, None)
    assert x.flatten().tolist() == pytest.approx(tokens)
    assert size.flatten().tolist() == sizes


@pytest.mark.parametrize("early", [True, False])
def test_pitome_goes_by_no_order_of_patches(early):
    torch.manual_seed(0)
    metric, x = torch.randn(1, 12, 4), torch.randn(1, 12, 3)
    order = torch.randperm(12)
    one, _ = merged(x, paired(metric, 4, 0.4, early=early), None)
    other, _ = merged(x[:, order], paired(metric[:, order], 4, 0.4, early=early), None)
    assert torch.allclose(one, other)


@pytest.mark.parametrize("method", ["tofu", "pitome"])
@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.4, "from 0.5 to 1, as at most half"),
        (1.1, "from 0.5 to 1"),
        (True, "from 0.5 to 1"),
        (math.nan, "from 0.5 to 1"),
        ([0.9] * 3, "has 3 shares, and the network 4 blocks"),
    ],
)
def test_what_they_refuse(method, ratio, said):
    with pytest.raises(BadOption, match=said):
        getattr(reduce, method)(small(), ratio=ratio)


def test_tofu_knows_two_stretches():
    with pytest.raises(BadOption, match="mlerp='none': it is"):
        reduce.tofu(small(), mlerp="none")
