"""DiffRate keeps and merges as its released schedules say, and costs what its log says."""

from __future__ import annotations

import pytest
import timm
import torch
from reduced_hosts import macs, small

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.diffrate_schedules import RELEASED
from vtbench.reduce.matching import merged
from vtbench.reduce.methods.diffrate import absorbed

# (weights, GMACs aimed at, GMACs that the released formula gives)
LOGGED = [
    ("deit_t", "0.6", 0.65471),
    ("deit_t", "0.7", 0.72645),
    ("deit_t", "0.8", 0.80861),
    ("deit_t", "0.9", 0.90200),
    ("deit_t", "1.0", 1.00350),
    ("deit_s", "2.3", 2.32693),
    ("deit_s", "2.5", 2.50445),
    ("deit_s", "2.7", 2.70889),
    ("deit_s", "2.9", 2.90496),
    ("deit_s", "3.1", 3.10769),
    ("deit_b", "8.7", 8.73002),
    ("deit_b", "10.0", 9.98505),
    ("deit_b", "10.4", 10.43389),
    ("deit_b", "11.5", 11.51665),
    ("deit_b", "12.5", 12.52226),
    ("mae_b", "8.7", 8.71044),
    ("mae_b", "10.0", 10.00247),
    ("mae_b", "10.4", 10.41796),
    ("mae_b", "11.5", 11.51656),
]
WIDTH = {"t": 192, "s": 384, "b": 768}


@pytest.mark.parametrize(("weights", "target", "gmacs"), LOGGED)
def test_it_costs_what_the_released_formula_gives(weights, target, gmacs):
    """The formula bills no comparison."""
    size = weights[-1]
    width = WIDTH[size]
    prune, merge = RELEASED[weights][target]
    tokens, compared = 197, 0
    for pruned, left in zip(prune, merge, strict=True):
        kept = min(tokens, pruned)
        tokens = min(kept, left)
        compared += (kept - tokens) * tokens * width
    count = macs("diffrate", size.upper(), schedule=target, trained=weights[:-2])
    assert round((count - compared) / 1e9, 5) == gmacs


def test_it_costs_so_much_to_the_last():
    # with the comparisons
    assert [macs("diffrate", size) for size in "TSB"] == [
        810_763_776,
        2_713_106_304,
        10_442_234_880,
    ]


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("vit_large_patch16_224", RELEASED["mae_l"]["38.5"]),
        ("vit_huge_patch14_224", RELEASED["mae_h"]["103.4"]),
    ],
)
def test_the_middle_schedule_is_the_default(name, left):
    with torch.device("meta"):
        model = timm.create_model(name)
        given = reduce.diffrate(model).lengths
    tokens, expected = 257 if "14" in name else 197, []
    for pair in zip(*left, strict=True):
        tokens = min(tokens, *pair)
        expected.append(tokens - 1)
    assert given == expected


def test_the_last_go_into_the_likest():
    x = torch.tensor([[[5.0, 5], [1, 0], [0, 1], [0, 3], [3, 0.1], [1, 0]]])
    pairs = absorbed(x, 3, prefix=1)  # the class token, two that stay, and three that go
    assert pairs.at.tolist() == [[2, 1, 1]]
    y, size = merged(x, pairs, None)
    assert size.flatten().tolist() == [1, 3, 2]
    assert torch.allclose(y, torch.tensor([[[5.0, 5], [5 / 3, 0.1 / 3], [0, 2]]]))


def test_what_keeps_all_is_the_network_itself():
    model = small().double()
    image = torch.randn(2, 3, 64, 64, dtype=torch.float64)
    before = model(image)
    with reduce.diffrate(model, prune=[17] * 4, merge=[17] * 4) as reduced:
        assert (reduced(image) - before).abs().max() < 1e-10


def test_a_target_may_be_a_number():
    assert macs("diffrate", "S", schedule=2.7) == macs("diffrate", "S")
    assert macs("diffrate", "T", schedule=1) == macs("diffrate", "T", schedule="1.0")


@pytest.mark.parametrize(
    ("host", "options", "said"),
    [
        ("deit_small_patch16_224", {"schedule": "2.8"}, "are 2.3, 2.5, 2.7, 2.9, 3.1"),
        (
            "deit_base_patch16_224",
            {"schedule": 12.5, "trained": "mae"},
            "are 8.7, 10.0, 10.4, 11.5",
        ),
        ("deit_base_patch16_224", {"trained": "dino"}, "deit or mae"),
        ("deit_small_patch16_224", {"trained": "mae"}, "trained as MAE, ViT-B, L and H"),
        ("deit_small_distilled_patch16_224", {}, "384 channels and 198 tokens"),
        ("vit_base_patch32_224", {}, "12 blocks, 768 channels and 50 tokens"),
        ("deit_tiny_patch16_224", {"prune": [197] * 12}, "give both or neither"),
        ("deit_tiny_patch16_224", {"prune": [197] * 12, "merge": [197] * 11}, "has 12 blocks"),
        ("deit_tiny_patch16_224", {"prune": [197] * 12, "merge": [1] * 12}, "numbers from 2"),
        (
            "deit_tiny_patch16_224",
            {"prune": [9] * 12, "merge": [9] * 12, "schedule": "0.8"},
            "leave one out",
        ),
        ("vit_base_patch16_siglip_224", {}, "none"),
    ],
)
def test_what_it_refuses(host, options, said):
    with torch.device("meta"):
        model = timm.create_model(host)
    with pytest.raises(BadOption, match=said):
        reduce.diffrate(model, **options)
