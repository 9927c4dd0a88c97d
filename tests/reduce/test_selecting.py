"""Methods that keep some patches: what they cost, which they keep, and what they refuse."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from reduced_hosts import deit, macs, small
from torch.utils.flop_counter import FlopCounterMode

from vtbench import reduce
from vtbench.count.count_workload import RunSettings, count_workload
from vtbench.data.distribution import InputSet
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.reduce.attach import places
from vtbench.reduce.methods.ats import hit, significance
from vtbench.reduce.methods.avit import share
from vtbench.reduce.methods.dtps import likeness, squeezed
from vtbench.reduce.methods.dynamicvit import Predictor, taught
from vtbench.reduce.methods.evit import fused
from vtbench.reduce.methods.evovit import remembered
from vtbench.reduce.methods.ppt import importance
from vtbench.reduce.padding import packed


def uneven() -> torch.nn.Module:
    """A small host whose attention is far from even."""
    model = small()
    for block in model.blocks:
        block.attn.qkv.weight.data *= 20
    return model


RATES = (0.25, 0.5, 0.7, 0.9)

# Measured of released code at 224 pixels with blocks 3, 6 and 9 and RATES, for DeiT-T, S and B.
# That of dTPS at 0.25 is derived, and that of ATS is the most that there can be.
STAGED = {
    "topk": """
        470605440 621072768 807606912 1074708480
        1698839808 2277581568 2980361472 3959586816
        6428195328 8696907264 11421313536 15159853056""",
    "evit": """
        474593664 625291392 812089728 1079539200
        1714483968 2293686528 2996994816 3976915968
        6490154496 8759788032 11485251072 15225182208""",
    "dynamicvit": """
        442669920 601627680 801198048 1091495616
        1616841408 2229060672 2980897728 4040734080
        6159689088 8561342592 11475801984 15512439552""",
    "dtps": """
        445616736 606468000 806559456 1094811840
        1622735040 2238741312 2991620544 4047366528
        6171476352 8580703872 11497247616 15525704448""",
    "ats": """
        457552896 609854016 798993408 1070861184
        1658505216 2242462848 2953623552 3947910912
        6290608128 8575944960 11329794048 15120576000""",
}
STAGED["random"] = STAGED["topk"]
ROUNDED = {"evit": {"rounding": "int_original"}}
DENSE = {"T": 1_253_683_200, "S": 4_598_882_304, "B": 17_563_828_224}


@pytest.mark.parametrize("method", sorted(STAGED))
def test_it_costs_what_was_measured_at_three_stages(method):
    found = [
        macs(method, size, keep_rate=rate, **ROUNDED.get(method, {}))
        for size, rate in itertools.product("TSB", RATES)
    ]
    assert found == [int(each) for each in STAGED[method].split()]


@pytest.mark.parametrize(
    ("keep_rate", "expected"), [(0.9, 4_021_873_152), (0.7, 3_029_280_768), (0.5, 2_308_835_328)]
)
def test_evit_rounds_up_what_is_present(keep_rate, expected):
    """Every product by hand: n tokens come into a block, and m into its MLP."""
    n, total = 197, 3 * 256 * 196 * 384 + 384 * 1000
    for block in range(12):
        m = math.ceil(keep_rate * (n - 1)) + 2 if block in (3, 6, 9) else n
        total += 4 * n * 384**2 + 2 * n * n * 384 + 8 * m * 384**2
        n = m
    assert macs("evit", "S", keep_rate=keep_rate) == total == expected


def test_ppt_costs_what_was_measured():
    pruned = [macs("ppt", size, threshold=0) for size in "TSB"]
    assert pruned == [798_385_152, 2_940_979_200, 11_258_793_984]
    merged = [macs("ppt", size, threshold=1) for size in "TSB"]
    assert merged == [799_502_336, 2_942_096_384, 11_259_911_168]
    assert macs("ppt", "S", threshold=1, r=30) == 3_584_462_208
    assert macs("ppt", "S", threshold=[1, 0, 0]) == 2_940_979_200 + 99 * 98 * 64
    assert macs("ppt", "S") == 2_942_096_384  # both rules, since the image decides
    assert macs("ppt", "S", r=0) == DENSE["S"]


def test_evovit_costs_what_was_measured():
    found = [macs("evovit", size) for size in "TSB"]
    assert found == [817_754_112, 3_033_391_104, 11_658_313_728]


def test_avit_costs_at_most_the_network():
    assert {size: macs("avit", size) for size in "TSB"} == DENSE


def test_dynamicvit_learns_as_many_parameters_as_its_authors():
    model = deit("S")
    before = sum(each.numel() for each in model.parameters())
    with torch.device("meta"), reduce.dynamicvit(model) as reduced:
        assert sum(each.numel() for each in reduced.parameters()) - before == 723_750


def test_rates_multiply_and_leave_at_least_one_patch():
    model = deit("T")
    assert reduce.topk(model, keep_rate=[0.5, 0.5, 1.0]).undo() is model
    for options, lengths in [
        ({"keep_rate": 0.7}, [137, 96, 67]),
        ({"keep_rate": [0.7, 1.0, 0.5]}, [137, 137, 68]),
        ({"keep_rate": 0.001}, [1, 1, 1]),
        ({"keep_rate": 0.7, "rounding": "ceil_current"}, [138, 97, 68]),
        ({"keep_rate": 0.5, "blocks": [2, 4, 11]}, [98, 49, 24]),
        ({"tokens": 98}, [155, 123, 98]),  # a rate of 0.794
    ]:
        with torch.device("meta"):
            reduction = reduce.topk(model, **options)
        with reduction:
            kept = list(dict.fromkeys(reduction.lengths))
            assert [each for each in kept if each != 196] == list(dict.fromkeys(lengths))


def test_topk_keeps_those_that_the_class_token_attends_to():
    """Found anew from the block's own weights; what is kept is copied, in descending order."""
    model, image = small(depth=2), torch.randn(2, 3, 64, 64)
    seen = {}
    model.blocks[0].norm2.register_forward_pre_hook(lambda _, x: seen.update(out=x[0]))
    before = model.patch_embed(image)
    x = model.norm_pre(model.patch_drop(model._pos_embed(before)))
    block = model.blocks[0]
    qkv = block.attn.qkv(block.norm1(x)).reshape(2, 17, 3, 3, 64).permute(2, 0, 3, 1, 4)
    weights = (qkv[0][:, :, 0:1] @ qkv[1].transpose(2, 3) / 8).softmax(-1)
    attention = weights[:, :, 0, 1:].mean(1)
    attended = x + block.attn(block.norm1(x))
    with reduce.topk(model, keep_rate=0.5, blocks=[0]) as reduced:
        reduced(image)
    for each in range(2):
        best = sorted(range(16), key=lambda patch: -attention[each, patch].item())[:8]
        expected = attended[each, [0, *(patch + 1 for patch in best)]]
        assert torch.allclose(seen["out"][each], expected, atol=1e-5)


def test_evit_fuses_by_attention():
    x = torch.tensor([[[9.0], [1], [2], [3]]])
    token = fused(x, torch.tensor([[1, 3]]), torch.tensor([[0.5, 0.25]]))
    assert token.tolist() == [[[0.5 * 1 + 0.25 * 3]]]


def test_random_draws_every_patch_as_often():
    model, image = small(depth=2), torch.randn(200, 3, 64, 64)
    reduction = reduce.random(model, keep_rate=0.5, blocks=[0])
    torch.manual_seed(0)
    kept = (places(reduction, image)[0] >= 0).float()
    assert kept.sum(1).eq(8).all()
    assert (kept.mean(0) - 0.5).abs().max() < 4 * 0.5 / math.sqrt(200)


def test_a_predictor_sees_a_patch_and_the_mean_of_all():
    torch.manual_seed(0)
    predictor, patches = Predictor(16), torch.randn(1, 5, 16)
    scores = predictor(patches)
    order = [3, 1, 4, 0, 2]
    assert torch.allclose(predictor(patches[:, order]), scores[:, order], atol=1e-6)
    assert (scores <= 0).all()
    changed = patches.clone()
    changed[0, 4] = torch.randn(16)
    assert (predictor(changed)[:, :4] != scores[:, :4]).all()


def test_the_factor_that_teaches_is_one():
    likely = torch.tensor([[-0.1, -2.0]], requires_grad=True)
    x = torch.randn(1, 3, 4)
    tokens = taught(x, likely, prefix=1)
    assert torch.equal(tokens, x)
    tokens.sum().backward()
    assert torch.allclose(likely.grad, likely.exp() * x[:, 1:].sum(-1))


def test_dtps_squeezes_by_hand():
    """(3, 0) and (0, 2) are kept; (5, 0) goes into the first, (1, 1) is as like either."""
    kept = torch.tensor([[[3.0, 0], [0, 2]]])
    others = torch.tensor([[[5.0, 0], [1, 1]]])
    alike = likeness(kept, others)
    tie = math.exp(math.sqrt(0.5))
    found = squeezed(kept, others, alike)[0]
    e = math.e
    first = [(e * 3 + e * 5 + tie) / (2 * e + tie), tie / (2 * e + tie)]
    second = [tie / (e + tie), (2 * e + tie) / (e + tie)]
    assert torch.allclose(found, torch.tensor([first, second]), atol=1e-6)


def test_ppt_scores_by_attention_and_length_of_values():
    row = torch.tensor([[[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]]])  # two heads, three patches
    values = torch.tensor([[[[3.0], [0], [1]], [[4.0], [2], [0]]]])
    scores = importance(row, values)
    raw = [0.4 * 5, 0.4 * 2, 0.4 * 1]
    assert torch.allclose(scores, torch.tensor([raw]) / sum(raw))


def test_ppt_chooses_for_each_image():
    model = small().double()
    images = torch.randn(6, 3, 64, 64, dtype=torch.float64, generator=torch.manual_seed(3))
    variances = {}
    at = {"r": 3, "blocks": [1]}

    def note(block, _, __):
        seen = block.run.seen
        variances["of"] = importance(seen.row[:, :, 1:], seen.values[:, :, 1:]).var(dim=1)

    with reduce.ppt(model, threshold=1, **at) as reduced:
        merged = reduced(images)
    with reduce.ppt(model, threshold=0, **at) as reduced:
        handle = model.blocks[1].attn.register_forward_hook(
            lambda *_: note(model.blocks[1], None, None)
        )
        pruned = reduced(images)
        handle.remove()
    between = variances["of"].sort().values[2:4].mean().item()
    with reduce.ppt(model, threshold=between, **at) as reduced:
        found = reduced(images)
    merges = variances["of"] < between
    assert merges.sum() == 3
    expected = torch.where(merges[:, None], merged, pruned)
    assert (found - expected).abs().max() < 1e-10


def test_evovit_parks_patches_and_brings_them_back():
    model, image = small(depth=6), torch.randn(2, 3, 64, 64)
    reduction = reduce.evovit(model, keep_rate=0.25, blocks=[2, 4])
    assert reduction.lengths == [16, 16, 4, 16, 4, 16]
    after = {}
    for index, block in enumerate(model.blocks):
        block.register_forward_hook(lambda _, __, x, index=index: after.update({index: x}))
    followed = places(reduction, image)
    for block, kept in enumerate([16, 16, 4, 16, 4, 16]):
        assert (followed[block] >= 0).sum(1).eq(kept).all()
    for image_of, came, patch in itertools.product(range(2), (1,), range(16)):
        before = after[came][image_of, followed[came][image_of, patch]]
        there = after[3][image_of, followed[3][image_of, patch]]
        waited = followed[2][image_of, patch] < 0
        assert torch.equal(before, there) == bool(waited)


def test_evovit_mixes_attention_by_halves():
    before, now = torch.tensor([[4.0, 2, 1]]), torch.tensor([[2.0, 6]])
    assert remembered(before, now, 0.5).tolist() == [[3.0, 4.0, 1.0]]
    assert remembered(before, now.new_ones(1, 3), 0.0).tolist() == [[1.0, 1.0, 1.0]]
    assert remembered(None, now, 0.5) is now


def test_ats_hits_what_samples_hit():
    """Samples 1/8, 3/8, 5/8, 7/8 of shares .5, .05, .05, .4 hit the first, twice, and the last."""
    shares = torch.tensor([[0.5, 0.05, 0.05, 0.4], [0.25, 0.25, 0.25, 0.25]])
    assert hit(shares, 4).tolist() == [[True, False, False, True], [True] * 4]
    torch.manual_seed(0)
    for samples in (1, 3, 10, 20, 50):
        scores = torch.rand(30, 20, dtype=torch.float64) ** 4
        scores /= scores.sum(1, keepdim=True)
        points = (2 * torch.arange(1, samples + 1, dtype=torch.float64) - 1) / (2 * samples)
        first = torch.searchsorted(scores.cumsum(1), points.expand(30, -1).contiguous())
        naive = torch.zeros(30, 20, dtype=torch.bool).scatter(1, first, value=True)
        assert torch.equal(hit(scores, samples), naive)


def test_ats_scores_each_head_by_its_values():
    row = torch.tensor([[[0.5, 0.5], [0.2, 0.8]]])
    values = torch.tensor([[[[3.0, 4], [0, 1]], [[0, 2.0], [1, 0]]]])
    raw = [0.5 * 5 + 0.2 * 2, 0.5 * 1 + 0.8 * 1]
    assert torch.allclose(significance(row, values), torch.tensor([raw]) / sum(raw))


def test_batches_are_filled_up_to_their_largest_image():
    kept = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]).bool()
    found = packed(kept, 3, "largest")
    assert found.which[:2].tolist() == [[0, 2], [1, 1]]
    assert found.real.tolist() == [[True, True], [True, False], [False, False]]
    assert packed(kept, 3, "bound").which.shape == (3, 3)
    assert packed(kept[:1], 3, "largest").real is None


@pytest.mark.parametrize(
    ("method", "options"), [("ats", {"keep_rate": 1.0}), ("avit", {"shift": -3.0})]
)
def test_fewer_tokens_cost_less_and_padding_is_not_seen(method, options):
    model = uneven().double()
    images = torch.randn(4, 3, 64, 64, dtype=torch.float64, generator=torch.manual_seed(4))
    costs, answers = {}, {}
    for pad in ("largest", "bound"):
        with getattr(reduce, method)(model, pad=pad, **options) as reduced, torch.no_grad():
            with FlopCounterMode(display=False) as counter:
                answers[pad] = reduced(images)
            costs[pad] = counter.get_total_flops()
    assert (answers["largest"] - answers["bound"]).abs().max() < 1e-10
    assert costs["largest"] < costs["bound"]


@pytest.mark.parametrize(
    ("method", "options"), [("ats", {"keep_rate": 1.0}), ("avit", {"shift": -3.0})]
)
def test_images_keep_different_numbers(method, options):
    images = torch.randn(4, 3, 64, 64, generator=torch.manual_seed(4))
    reduction = getattr(reduce, method)(uneven(), **options)
    last = places(reduction, images)[-1]
    counts = (last >= 0).sum(1)
    assert counts.min() < counts.max() <= 16
    for each in last:
        kept = each[each >= 0].tolist()
        assert sorted(kept) == list(range(1, 1 + len(kept)))


def test_shapes_count_the_most_and_say_so_and_images_their_own():
    options = (("shift", -3.0), ("img_size", 64))
    work = Workload(model="avit_deit_t", options=options)
    most = count_workload(work)
    assert most.by_values is not None
    assert "the most tokens" in most.by_values.counted_on
    over = InputSet(seeds=3)
    found = count_workload(work, settings=RunSettings(over=over))
    assert found.distribution is not None
    assert len(set(found.distribution.values)) == 3
    assert max(found.distribution.values) < most.macs
    bound = count_workload(Workload(model="avit_deit_t", options=(*options, ("pad", "bound"))))
    assert bound.macs == most.macs
    assert bound.by_values is None


def test_avit_counts_each_block_by_how_likely_a_token_halts_there():
    chances = [0.3, 0.5, 0.4, 0.9]  # .3 + .5 + .4 is enough, so the third counts as the rest, .2
    before, shares = torch.zeros(1), []
    for place, chance in enumerate(chances):
        shares.append(share(before, torch.tensor([chance]), 0.99, last=place == 3).item())
        before = before + chance
    assert shares == pytest.approx([0.3, 0.5, 0.2, 0.0])
    never = [
        share(torch.tensor([0.1 * each]), torch.tensor([0.1]), 0.99, last=each == 3).item()
        for each in range(4)
    ]
    assert never == pytest.approx([0.1, 0.1, 0.1, 0.7])


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("topk", {"rounding": "floor"}, "one of ceil_current, int_original"),
        ("topk", {"keep_rate": -0.1}, "above 0 and at most 1"),
        ("random", {"blocks": [1, 1]}, "rising order, each once"),
        ("dynamicvit", {"keep_rate": [0.5]}, "1 rates for 3 stages"),
        ("ppt", {"r": -1}, "whole numbers from 0"),
        ("ppt", {"r": [1, 2]}, "2 numbers for 3 stages"),
        ("ppt", {"threshold": "low"}, "threshold='low'"),
        ("evovit", {"blocks": [0, 2]}, "block 1 or later"),
        ("evovit", {"keep_rate": 2}, "above 0 and at most 1"),
        ("ats", {"pad": "none"}, "one of largest, bound"),
        ("avit", {"epsilon": 1}, "from 0 to below 1"),
        ("avit", {"scale": "x"}, "is not a number"),
    ],
)
def test_what_is_refused(method, options, said):
    with pytest.raises(BadOption, match=said):
        getattr(reduce, method)(small(), **options)


@pytest.mark.parametrize("method", ["topk", "evit", "ppt", "evovit", "ats", "avit"])
def test_a_network_without_a_class_token_is_refused(method):
    model = small(class_token=False, global_pool="avg")
    with pytest.raises(BadOption, match="class token"):
        getattr(reduce, method)(model)


@pytest.mark.parametrize("method", ["random", "dynamicvit", "dtps"])
def test_others_take_it(method):
    model = small(class_token=False, global_pool="avg")
    with getattr(reduce, method)(model) as reduced:
        assert reduced(torch.randn(1, 3, 64, 64)).isfinite().all()
