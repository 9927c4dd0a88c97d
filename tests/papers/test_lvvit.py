"""LV-ViT: what it costs, what it weighs, and that reductions work on it."""

from __future__ import annotations

import pytest
import torch

from vtbench import reduce
from vtbench.count.count_workload import count_workload
from vtbench.data.cost import cost_model, macs_of, weights_of
from vtbench.data.workload import Workload
from vtbench.errors import BadOption, UnknownModel
from vtbench.papers.lvvit.networks import LVViT, lvvit

MACS = {
    "lvvit_s": 6_476_221_440,
    "lvvit_m": 12_577_693_696,
    "lvvit_t_halving": 3_456_738_560,
    "lvvit_s_halving": 5_531_507_712,
    "lvvit_m_halving": 11_839_102_976,
    "lvvit_l_halving": 55_974_291_456,
}
PARAMETERS = {
    "lvvit_s": 26_151_824,
    "lvvit_m": 55_830_544,
    "lvvit_t_halving": 15_689_080,
    "lvvit_s_halving": 25_368_320,
    "lvvit_m_halving": 55_200_784,
    "lvvit_l_halving": 147_168_176,
}
STEM_S = 49 * 3 * 64 * 112**2 + 2 * 9 * 64 * 64 * 112**2 + 64 * 64 * 384 * 196


def macs_of_s(lengths: list[int]) -> int:
    """LV-ViT-S of these tokens before each block's MLP: n attend, m are fed forward."""
    total, n, C = STEM_S + 384 * 1000, 197, 384
    for m in lengths:
        total, n = total + 4 * n * C * C + 2 * n * n * C + 6 * m * C * C, m
    return total


@pytest.mark.parametrize("name", MACS)
def test_network_and_formula_agree(name):
    record = count_workload(Workload(model=name))
    terms = cost_model(name).terms({})
    assert record.macs == macs_of(terms) == MACS[name]
    assert record.parameters.weights == weights_of(terms)
    assert record.parameters.total == PARAMETERS[name]


def test_a_count_written_out():
    assert macs_of_s([197] * 16) == MACS["lvvit_s"]


@pytest.mark.parametrize(
    ("keep_rate", "tokens", "macs"),
    [(0.7, (140, 100, 72), 4_679_357_184), (0.5, (100, 52, 28), 3_864_699_648)],
)
def test_evit_cuts_at_4_8_and_12(keep_rate, tokens, macs):
    first, second, third = tokens
    lengths = [197] * 4 + [first] * 4 + [second] * 4 + [third] * 4
    options = (("keep_rate", keep_rate),)
    record = count_workload(Workload(model="evit_lvvit_s", options=options))
    assert record.macs == macs_of_s(lengths) == macs


def test_tome_merges_at_every_block():
    lengths = [197 - 8 * block for block in range(1, 17)]
    matching = sum(-(-n // 2) * (n // 2) * 64 for n in (197, *lengths[:-1]))
    record = count_workload(Workload(model="tome_lvvit_s", options=(("r", 8),)))
    assert record.macs == macs_of_s(lengths) + matching


def test_residuals_are_halved_and_the_class_token_alone_is_scored():
    torch.manual_seed(0)
    model, image = lvvit(img_size=32, num_classes=7).eval().double(), torch.randn(2, 3, 32, 32)
    x = model._pos_embed(model.patch_embed(image.double()))
    for block in model.blocks:
        x = x + block.attn(block.norm1(x)) / 2
        x = x + block.mlp(block.norm2(x)) / 2
    assert torch.allclose(model(image.double()), model.head(model.norm(x)[:, 0]), atol=1e-12)


def test_patches_are_labelled_in_training_alone():
    model = lvvit(img_size=64, num_classes=7)
    scores, patches = model.train()(torch.randn(2, 3, 64, 64))
    assert scores.shape == (2, 7)
    assert patches.shape == (2, 16, 7)
    assert lvvit(img_size=64, num_classes=7, auxiliary=False)(torch.randn(1, 3, 64, 64)).shape == (
        1,
        7,
    )


@pytest.mark.parametrize(("method", "options"), [("evit", {"keep_rate": 1.0}), ("tome", {"r": 0})])
def test_what_keeps_all_is_the_network_itself(method, options):
    model = lvvit(img_size=64).eval().double()
    image = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    before = model(image)
    with getattr(reduce, method)(model, **options) as reduced:
        assert (reduced(image) - before).abs().max() < 1e-10
    with getattr(reduce, method)(model) as reduced:
        assert not torch.equal(reduced(image), before)
    assert torch.equal(model(image), before)
    assert type(model) is LVViT


def test_what_does_not_exist_is_refused():
    with pytest.raises(BadOption, match="size is one of t, s, m, l"):
        lvvit(size="x")
    with pytest.raises(BadOption, match="stem is one of patches, halving"):
        lvvit(stem="none")
    with pytest.raises(UnknownModel, match="Did you mean lvvit_s_halving"):
        count_workload(Workload(model="reduce:evit:lvvit_s_halvin"))
