"""ToMeSD merges for the time of attention, restores, and costs what was measured of its code."""

from __future__ import annotations

import pytest
import torch
from reduced_hosts import alike, macs, small

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.matching import merged, places_after
from vtbench.reduce.methods.tomesd import offered, paired
from vtbench.reduce.selecting import taken

COUNTS = [
    (0.25, False, 1_105_676_544, 4_129_460_736, 15_931_352_064),
    (0.25, True, 932_268_288, 3_435_827_712, 13_156_819_968),
    (0.5, False, 963_201_792, 3_671_102_976, 14_321_003_520),
    (0.5, True, 616_385_280, 2_283_836_928, 8_771_939_328),
    (0.75, False, 842_854_656, 3_257_000_448, 12_799_165_440),
    (0.75, True, 322_629_888, 1_176_101_376, 4_475_569_152),
]


@pytest.mark.parametrize(("ratio", "mlp", "counts"), [(*each[:2], each[2:]) for each in COUNTS])
def test_it_costs_what_was_measured(ratio, mlp, counts):
    assert [macs("tomesd", size, ratio=ratio, merge_mlp=mlp) for size in "TSB"] == list(counts)


@pytest.mark.parametrize(("ratio", "count"), [(0.0, 4_598_882_304), (1.0, 3_257_000_448)])
def test_no_more_goes_than_there_are_sources(ratio, count):
    assert macs("tomesd", "S", ratio=ratio) == count


@pytest.mark.parametrize("grid", [(4, 4), (5, 7), (14, 14)])
@pytest.mark.parametrize("cell", [(2, 2), (1, 3)])
def test_each_cell_offers_one_patch(grid, cell):
    targets = offered(grid, cell, torch.Generator().manual_seed(0)).reshape(grid)
    rows, columns = grid[0] // cell[0], grid[1] // cell[1]
    inside = targets[: rows * cell[0], : columns * cell[1]]
    cells = inside.reshape(rows, cell[0], columns, cell[1]).sum((1, 3))
    assert (cells == 1).all()
    assert int(targets.sum()) == rows * columns
    first = offered(grid, cell, None).reshape(grid)
    assert first[:: cell[0], :: cell[1]][:rows, :columns].all()


def test_restoring_keeps_sums_and_is_done_once():
    torch.manual_seed(0)
    x = torch.randn(2, 16, 8, dtype=torch.float64)
    targets = offered((4, 4), (2, 2), torch.Generator().manual_seed(1))
    pairs = paired(x, (~targets).nonzero().flatten(), targets.nonzero().flatten(), 9)
    place = places_after(pairs, 16)
    restored = taken(merged(x, pairs, None)[0], place)
    again = taken(merged(restored, pairs, None)[0], place)
    assert torch.allclose(restored.sum(1), x.sum(1))
    assert torch.allclose(again, restored)
    for image in range(2):
        for token in place[image].unique():
            group = restored[image, place[image] == token]
            assert torch.equal(group, group[:1].expand_as(group))


def test_two_models_draw_the_same_targets_and_another_seed_others():
    torch.manual_seed(5)
    image = torch.randn(1, 3, 64, 64)
    found = []
    for seed in (0, 0, 1, None):
        model = small()
        torch.rand(1)  # the generator of the user is neither read nor moved
        before = torch.get_rng_state()
        with reduce.tomesd(model, seed=seed) as reduced:
            found.append(reduced(image))
        assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0], found[3])


def test_patches_that_are_alike_merge_to_what_they_are():
    """They become the same token, and only attention to fewer of them differs from the network."""
    model = small(global_pool="avg", class_token=False).double()
    images = alike(model)
    expected = model(images)
    with reduce.tomesd(model, ratio=0.75, merge_mlp=True) as reduced:
        assert (reduced(images) - expected).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ratio": 1.5}, "from 0 to 1"),
        ({"ratio": -0.1}, "from 0 to 1"),
        ({"sx": 5}, "sx=5: a cell has from 1 to 4 patches"),
        ({"sy": 0}, "sy=0: a cell has from 1 to 4 patches"),
    ],
)
def test_what_it_refuses(options, said):
    with pytest.raises(BadOption, match=said):
        reduce.tomesd(small(), **options)
