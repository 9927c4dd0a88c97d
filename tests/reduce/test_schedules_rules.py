"""What the rules of token reduction say beside MACs: tokens, identities, bounds, budgets."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest

from vtbench.errors import BadOption
from vtbench.reduce.schedules import HOSTS, METHODS, schedule
from vtbench.reduce.schedules.nearest import DIALS, nearest_setting, within_budget

DEIT_S = HOSTS["deit_s"].body()
DENSE = 4_598_882_304


def deit_s(method, **settings):
    return schedule(method, DEIT_S, **settings)


def by_hand(body, tuples):
    """The dense formula, written out once more: stem, blocks, head."""
    width, patches = body.width, body.grid[0] * body.grid[1]
    blocks = sum(
        width**2 * (q + k + v + o) + width * (q * k + o * v) + 8 * width**2 * m
        for q, k, v, o, m in tuples
    )
    return 3 * 16**2 * patches * width + blocks + width * 1000


def test_a_cut_by_hand():
    """DynamicViT's three cuts: what stays, and three predictors on what came in."""
    blocks = [(n,) * 5 for n in [197] * 3 + [138] * 3 + [97] * 3 + [68] * 3]
    predictors = sum(n * (384**2 * 13 // 8 + 192) for n in (196, 137, 96))
    assert deit_s("dynamicvit").macs == by_hand(DEIT_S, blocks) + predictors
    merges = [(n, n, n, n, n - 13) for n in range(197, 197 - 12 * 13, -13)]
    pairs = sum((n // 2) * (n - n // 2) * 64 for n in range(197, 197 - 12 * 13, -13))
    assert deit_s("tome").macs == by_hand(DEIT_S, merges) + pairs


@pytest.mark.parametrize(
    ("method", "settings", "tokens"),
    [
        ("topk", {}, (138, 97, 68)),
        ("evit", {}, (140, 100, 72)),
        ("dynamicvit", {"keep_rate": 0.25}, (50, 13, 4)),
        ("dynamicvit", {"keep_rate": 0.5}, (99, 50, 25)),
        ("dynamicvit", {"keep_rate": 0.9}, (177, 159, 143)),
        ("tome", {"keep_rate": 0.25}, (99, 62, 53)),
        ("tome", {"keep_rate": 0.5}, (99, 50, 26)),
        ("kmedoids", {"keep_rate": (0.9, 0.5, 0.3)}, (177, 89, 27)),
        ("evit", {"keep_rate": (0.9, 0.5, 0.5), "fused_token": False}, (178, 90, 46)),
        ("ppt", {}, (147, 97, 49)),
        ("atc", {"blocks": (3, 6, 9)}, (138, 97, 68)),
        ("sit", {"keep_rate": 0.5}, (99, 50, 25)),
    ],
)
def test_the_tokens_after_three_stages(method, settings, tokens):
    assert tuple(deit_s(method, **settings).tokens[block] for block in (3, 6, 9)) == tokens


def test_the_tokens_after_every_block():
    assert deit_s("pitome").tokens == (178, 161, 145, 131, 118, 107, 97, 88, 80, 73, 66, 60)
    assert deit_s("tome", r=16).tokens == (
        181, 165, 149, 133, 117, 101, 85, 69, 53, 37, 21, 11,
    )  # fmt: skip
    assert deit_s("cropr").tokens == (*range(188, 100, -8), 108)
    assert deit_s("mctf", r=20).tokens[-2:] == (10, 10)
    assert deit_s("cropr", llf=True).tokens[-2:] == (197, 197)
    assert schedule("cropr", HOSTS["vit_l"].body()).tokens[-2:] == (12, 12)
    assert deit_s("evovit").tokens == (197,) * 4 + (99,) * 3 + (197,) + (99,) * 3 + (197,)


def test_a_slope_starts_and_steps_as_released():
    """r·(1 - inflection) is cut to a whole number before the steps are made."""
    gone = [a - b for a, b in zip((197, *deit_s("tome", r=(9, 0.5)).tokens), deit_s(
        "tome", r=(9, 0.5)).tokens, strict=False)]  # fmt: skip
    assert gone == [int(4 + 10 / 11 * block) for block in range(12)]
    assert deit_s("tome", r=(9, 0.0)).macs == deit_s("tome", r=9).macs


def test_rates_are_multiplied_as_programs_do():
    """400 patches at 0.7 squared: 196 exactly, and 195 in floating point, as released."""
    body = HOSTS["deit_s"].body(320, 320)
    assert Fraction(7, 10) ** 2 * 400 == 196
    assert [schedule("topk", body).tokens[block] for block in (3, 6, 9)] == [281, 196, 138]
    typed = schedule("topk", body, keep_rate=Fraction("0.7"))
    assert typed.tokens == schedule("topk", body, keep_rate=0.7).tokens


IDENTITIES = [
    ("tome", {"r": 0}), ("tofu", {"ratio": 1}), ("pitome", {"ratio": 1}), ("mctf", {"r": 0}),
    ("tomesd", {"ratio": 0}), ("ppt", {"r": 0}), ("evit", {"keep_rate": 1}),
    ("topk", {"keep_rate": 1}), ("ltmp", {"fixed": True, "r": 0}), ("avit", {}),
    ("dct", {"ratio": 1}), ("dct", {"r": 0}),
    ("kmedoids", {"keep_rate": 1}), ("gridpool", {"stride": 1}), ("ats", {"keep_rate": 1}),
    ("evovit", {"blocks": ()}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "settings"), IDENTITIES)
def test_nothing_removed_is_the_dense_network(method, settings):
    assert deit_s(method, **settings).macs == DENSE
    assert set(deit_s(method, **settings).tokens) == {197}


def test_what_is_paid_although_nothing_goes():
    assert deit_s("dtem", r=0).macs == DENSE + 12 * 197 * 384 * 64
    assert deit_s("ltmp").macs == DENSE + 12 * 98 * 99 * 64 == DENSE + 7_451_136


@pytest.mark.parametrize(
    ("method", "settings", "parameters"),
    [
        ("dynamicvit", {}, 723_750),
        ("dpcknn", {}, 3 * 385),
        ("dtem", {}, 12 * (384 * 64 + 64)),
        ("ltmp", {}, 24),
        ("evit", {}, 0),
        ("sit", {}, None),
        *(("sinkhorn", {"keep_rate": rate}, with_it - 22_050_664)
          for rate, with_it in ((0.25, 22_075_240), (0.5, 22_116_328), (0.7, 22_165_864),
                                (0.9, 22_233_448))),
        *(("patchmerger", {"keep_rate": rate}, with_it - 22_050_664)
          for rate, with_it in ((0.25, 22_077_544), (0.5, 22_118_632), (0.7, 22_168_168),
                                (0.9, 22_235_752))),
    ],
)  # fmt: skip
def test_the_parameters_that_a_method_adds(method, settings, parameters):
    """DeiT-S has 22,050,664 without a method."""
    assert deit_s(method, **settings).parameters == parameters


@pytest.mark.parametrize(
    ("host", "side", "r", "ratio"),
    [
        ("deit_s", 224, 13, "1.70"), ("vit_b", 224, 13, "1.69"), ("vit_l", 224, 7, "1.77"),
        ("vit_l", 384, 23, "1.98"), ("deit_t", 224, 13, "1.71"), ("vit_b", 224, 16, "2.00"),
        ("vit_l", 224, 8, "1.99"), ("vit_h", 224, 7, "1.80"), ("vit_b", 384, 45, "1.96"),
        ("vit_l", 512, 40, "1.98"), ("vit_h", 518, 40, "1.98"),
    ],
)  # fmt: skip
def test_tome_on_larger_hosts_and_images(host, side, r, ratio):
    body = HOSTS[host].body(side, side)
    assert f"{schedule('avit', body).macs / schedule('tome', body, r=r).macs:.2f}" == ratio


def test_evit_at_more_pixels_costs_what_the_dense_one_does():
    found = [
        schedule("evit", HOSTS["deit_s"].body(side, side), keep_rate=rate).macs
        for side, rate in ((272, 0.7), (288, 0.6), (304, 0.5))
    ]
    assert [f"{macs / 1e9:.3f}" for macs in found] == ["4.560", "4.500", "4.437"]
    assert max(found) < DENSE


def test_the_share_of_attention_that_sparsifiner_saves():
    """Of the products of the map: 49.1 % at a quarter, 69.1 % at a twentieth."""
    for rate, saved in ((Fraction(1, 4), "49.1"), (Fraction(1, 20), "69.1")):
        at = deit_s("sparsifiner", keep_rate=rate)
        formed = DENSE - at.macs
        assert f"{100 * formed / (12 * 2 * 197**2 * 384):.1f}" == saved


def test_baselines_that_count_nothing_of_their_own():
    assert deit_s("dct", ratio=0.9).tokens[:3] == (178, 161, 145)
    pooled = [(197,) * 5] * 6 + [(50,) * 5] * 6
    assert deit_s("gridpool").macs == by_hand(DEIT_S, pooled)
    assert deit_s("gridpool", stride=3, blocks=(2, 4)).tokens[1:5] == (197, 26, 26, 5)


def test_tokenlearner_with_convolutions():
    """Patches and class token on six blocks, 8 and it on six; the maps are 3x3 convolutions."""
    blocks = [(197,) * 5] * 6 + [(9,) * 5] * 6
    maps = 196 * 9 * (384 * 8 + 3 * 8 * 8)
    assert deit_s("tokenlearner", version="v1").macs == by_hand(DEIT_S, blocks) + maps


def test_a_second_prefix_token_is_never_removed():
    distilled = msgspec.structs.replace(DEIT_S, prefix=2, heads_of_classes=2)
    assert schedule("topk", distilled).tokens[-1] == 67 + 2
    assert schedule("tome", distilled, r=98).tokens[:2] == (100, 51)
    assert schedule("topk", distilled).tokens_left == 67


# The inverse.


BUDGETS = {
    "topk": (".510", ".703", ".891"), "evit": (".505", ".699", ".887"),
    "tome": (".510", ".703", ".889"), "dtem": (None, ".693", ".880"),
    "pitome": (".510", ".702", ".889"), "atc": (".510", ".702", ".889"),
    "ats": (".520", ".709", ".892"), "gtp": (".496", ".695", ".885"),
    "mctf": (".528", ".714", ".892"), "cropr": (".551", ".725", ".898"),
    "dpcknn": (".551", ".725", ".898"), "kmedoids": (".551", ".725", ".898"),
    "dynamicvit": (".524", ".703", ".877"), "dtps": (".520", ".699", ".877"),
    "sinkhorn": (".543", ".717", ".887"), "patchmerger": (".543", ".717", ".887"),
    "sit": (".535", ".712", ".885"),
}  # fmt: skip
"""Largest keep rate in thousandths that costs at most half, 65 % and 85 % of DeiT-S."""


@pytest.mark.parametrize("method", BUDGETS)
def test_the_keep_rate_within_a_budget(method):
    others = {"rounding": "int_original"} if method == "evit" else {}
    rates = [Fraction(part, 1000) for part in range(1, 1001)]
    macs = {rate: deit_s(method, **others, keep_rate=rate).macs for rate in rates}
    for part, rate in zip((50, 65, 85), BUDGETS[method], strict=True):
        within = [each for each in rates if macs[each] <= DENSE * part // 100]
        assert max(within, default=None) == (rate and Fraction(rate))


@pytest.mark.parametrize(
    ("method", "each"),
    [
        ("tome", (16, 12, 5)), ("dtem", (17, 12, 6)), ("pitome", (17, 12, 5)),
        ("ltmp", (16, 11, 5)), ("cropr", (None, 13, 5)),
    ],
)  # fmt: skip
def test_the_tokens_per_block_within_a_budget(method, each):
    for part, r in zip((50, 65, 85), each, strict=True):
        found = within_budget(method, DEIT_S, DENSE * part // 100, dial="r")
        assert (found and found.value) == r


def test_the_nearest_setting_to_tokens_left():
    for wanted in (20, 67, 98, 140, 196):
        found = nearest_setting("topk", DEIT_S, tokens=wanted)
        assert found.schedule.tokens_left == wanted
    assert nearest_setting("tome", DEIT_S, tokens=98).value == 8  # leaves 100
    assert nearest_setting("tome", DEIT_S, tokens=98).schedule.tokens_left == 100
    assert nearest_setting("gridpool", DEIT_S, tokens=40).value == 2


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_be_dialled_or_says_why_not(method):
    wanted = deit_s(method, **({"fixed": True} if method == "ltmp" else {})).macs
    if method not in DIALS:
        with pytest.raises(BadOption, match="no setting that changes"):
            nearest_setting(method, DEIT_S, macs=wanted)
        return
    assert nearest_setting(method, DEIT_S, macs=wanted).schedule.macs == wanted


def test_what_always_leaves_all_tokens_cannot_be_dialled_by_them():
    with pytest.raises(BadOption, match="tomesd always leaves 196 patch tokens; ask for macs"):
        nearest_setting("tomesd", DEIT_S, tokens=98)


# What is refused.


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("topk", {"keep_rate": 0}, "above 0 up to 1, got 0"),
        ("topk", {"keep_rate": 1.5}, "got 1.5"),
        ("topk", {"keep_rate": (0.5, 0.5)}, "2 rates, and there are 3 stages"),
        ("evit", {"blocks": (3, 12, 13)}, "from 0 to 11"),
        ("evit", {"blocks": (6, 3, 9)}, "rising numbers"),
        ("tome", {"r": (1, 2, 3)}, "3 numbers, and there are 12 blocks"),
        ("tome", {"r": -1}, "whole numbers from 0"),
        ("tome", {"r": 1.5}, "whole numbers from 0"),
        ("tome", {"r": (8, 2)}, "inflection from -1 to 1"),
        ("tome", {"blocks": (3,)}, "only with keep_rate"),
        ("tofu", {"ratio": 0.4}, "at most half"),
        ("pitome", {"ratio": 0.4}, "at most half"),
        ("pitome", {"ratio": 0.9, "r": 4}, "exclude each other"),
        ("gtp", {"r": 18}, "Block 10 would have -2 of 16 patches left"),
        ("cropr", {"r": 18}, "no patch would be left"),
        ("diffrate", {"schedule": "3.0"}, "one of 2.3, 2.5, 2.7, 2.9, 3.1"),
        ("diffrate", {"prune": (197,) * 12}, "give both"),
        ("diffrate", {"prune": (197,) * 11, "merge": (197,) * 11}, "11 numbers"),
        ("patchmerger", {"merged": 0}, "from 1 to 196"),
        ("tokenlearner", {"block": 12}, "from 0 to 11"),
        ("stvit", {"base_layers": 12}, "12 blocks"),
        ("tomesd", {"ratio": 1.1}, "from 0 to 1"),
        ("gridpool", {"stride": 15}, "from 1 to 14, got 15"),
        ("sparsifiner", {"keep_rate": 2}, "above 0 up to 1"),
    ],
)
def test_what_a_rule_cannot_take_is_refused_in_a_sentence(method, settings, said):
    with pytest.raises(BadOption, match=said):
        deit_s(method, **settings)


def test_an_unknown_method_and_an_image_that_patches_do_not_divide():
    with pytest.raises(BadOption, match="Did you mean tome"):
        deit_s("tomee")
    with pytest.raises(BadOption, match="multiples of 16, not 230x224"):
        HOSTS["deit_s"].body(230, 224)
    with pytest.raises(BadOption, match="No lists were released"):
        schedule("diffrate", HOSTS["deit_s"].body(384, 384))
