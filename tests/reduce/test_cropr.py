"""Token Cropr: what it costs, which tokens go, and that fusion brings all of them back."""

from __future__ import annotations

import pytest
import timm
import torch
from counts_by_name import counted

from vtbench import reduce
from vtbench.errors import BadOption
from vtbench.reduce.attach import places
from vtbench.reduce.methods import cropr

# rate -> MACs without and with last-layer fusion, of the authors' code
RATES = {
    ("t", 4): (1_094_113_344, 1_120_020_672),
    ("t", 8): (946_873_152, 996_645_312),
    ("t", 12): (805_850_688, 878_000_832),
    ("t", 16): (671_045_952, 764_087_232),
    ("s", 0): (4_576_926_336, 4_578_922_368),
    ("s", 4): (4_036_440_192, 4_128_067_968),
    ("s", 8): (3_508_389_504, 3_686_675_328),
    ("s", 12): (2_992_774_272, 3_254_744_448),
    ("s", 16): (2_489_594_496, 2_832_275_328),
    ("b", 4): (15_465_734_400, 15_808_242_432),
    ("b", 8): (13_475_351_808, 14_146_889_472),
    ("b", 12): (11_509_840_128, 12_504_460_032),
    ("b", 16): (9_569_199_360, 10_880_954_112),
}
STAGED = {0.25: 1_555_310_592, 0.5: 2_146_939_392, 0.7: 2_878_185_984, 0.9: 3_913_840_512}


@pytest.mark.parametrize(("setting", "macs"), RATES.items())
def test_the_figures_of_its_authors_code(setting, macs):
    size, r = setting
    assert counted(f"cropr_deit_{size}", r=r).macs == macs[0]
    assert counted(f"cropr_deit_{size}", r=r, llf=True).macs == macs[1]


def test_of_a_large_network():
    assert counted("cropr_vit_l").macs == 32_260_406_272
    assert counted("cropr_vit_l", llf=True).macs == 34_667_410_432


def test_projections_and_more_queries():
    both = {"query_projection": True, "key_projection": True}
    assert counted("cropr_deit_s", llf=True, **both).macs == 3_924_226_944
    assert counted("cropr_deit_s", llf=True, queries=4).macs == 3_688_519_680


@pytest.mark.parametrize(("keep_rate", "macs"), STAGED.items())
def test_before_three_blocks_alone(keep_rate, macs):
    assert counted("cropr_deit_s", keep_rate=keep_rate).macs == macs


def test_the_lowest_sums_of_products_go():
    """Two queries whose sum is (1, -1): scores of the patches 1, -2, 3."""
    queries = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    tokens = torch.tensor([[[9.0, 0.0], [2.0, 1.0], [0.0, 2.0], [3.0, 0.0]]])
    scores = cropr.scored(tokens, queries)
    assert scores.tolist() == [[9, 1, -2, 3]]
    best, others = cropr.ranked(scores, 1, 2)
    assert (best.tolist(), others.tolist()) == ([[2, 0]], [[1]])
    # queries alike: the same tokens, however many
    alike = queries[:1].expand(5, -1)
    assert torch.equal(cropr.ranked(cropr.scored(tokens, alike), 1, 2)[0], best)


def test_tokens_after_each_module():
    lengths = reduce.cropr(timm.create_model("deit_tiny_patch16_224"), r=8).lengths
    assert lengths == [196 - 8 * block - 1 for block in range(1, 12)] + [107]
    fused = reduce.cropr(timm.create_model("deit_tiny_patch16_224"), r=8, llf=True).lengths
    assert fused == [196 - 8 * block - 1 for block in range(1, 11)] + [115, 196]


def test_fusion_brings_every_token_back():
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=6).eval()
    image, inputs = torch.randn(2, 3, 64, 64), []
    reduction = reduce.cropr(model, r=2, llf=True)
    model.blocks[0].register_forward_hook(lambda _, __, x: inputs.append(x))
    model.blocks[5].norm1.register_forward_pre_hook(lambda _, x: inputs.append(x[0]))
    followed = places(reduction, image)
    dropped = [int((each[0] < 0).sum()) for each in followed]
    assert dropped == [3, 5, 7, 9, 9, 0]
    assert followed[5].sort(dim=1).values.equal(torch.arange(1, 17).expand(2, -1))
    # the three that went first are as block 0 left them, before its step took them
    x = model._pos_embed(model.patch_embed(image))
    x = model.blocks[0].fed_forward(model.blocks[0].attended(x))
    first = followed[0] < 0
    at = followed[5][first].view(2, 3)
    back = inputs[-1].gather(1, at[..., None].expand(-1, -1, 192))
    assert torch.equal(back, x[:, 1:][first].view(2, 3, 192))


def test_training_changes_no_value():
    torch.manual_seed(0)
    model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=4).eval()
    image = torch.randn(2, 3, 64, 64)
    reduce.cropr(model, r=2)
    before = model(image)
    assert torch.equal(model.train()(image), before)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"r": 18}, "199 patches would go in all"),
        ({"r": [8] * 12}, "the list ends with 0"),
        ({"queries": 0}, "whole number from 1"),
        ({"blocks": [3]}, "blocks goes with keep_rate"),
        ({"keep_rate": 0.5, "blocks": [0]}, "before block 0"),
        ({"keep_rate": 0.5, "blocks": [11], "llf": True}, "after the last two blocks"),
    ],
)
def test_what_it_refuses(options, said):
    model = timm.create_model("deit_tiny_patch16_224")
    with pytest.raises(BadOption, match=said):
        reduce.cropr(model, **options)
    assert type(model.blocks[0]) is timm.models.vision_transformer.Block
