"""Cost models: the papers' formulas, the integers they give, and what they refuse."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
import sympy
from cost_by_name import both

from vtbench.data.closed_form import parse, value
from vtbench.data.cost import cost_model, cost_models, grouped, macs_of, weights_of
from vtbench.data.cost.closed import costed
from vtbench.data.cost.letters import Form
from vtbench.data.cost.ranges import crossings, totals
from vtbench.data.cost.terms import ceiling, convolution, divided
from vtbench.errors import BadOption, UnknownModel
from vtbench.report.algebra import pretty

L, CT, HW, C, H, W = sympy.symbols("L CT HW C H W", integer=True, positive=True)


# The papers' own formulas.


def test_a_transformer_is_the_printed_formula():
    """Section 3.2: 3·C_T²·L + 1.5·L²·C_T, letter by letter."""
    form = cost_model("vt_transformer").macs({"L": L, "CT": CT})
    assert sympy.expand(form - (3 * CT**2 * L + Fraction(3, 2) * L**2 * CT)) == 0


def test_groups_divide_keys_queries_and_values_and_leave_the_rest():
    g = sympy.Symbol("g", integer=True, positive=True)
    form = cost_model("vt_transformer").macs({"L": L, "CT": CT, "kqv_groups": g})
    assert sympy.expand(form - ((2 / g + 1) * CT**2 * L + Fraction(3, 2) * L**2 * CT)) == 0


def test_a_nonlocal_block_is_the_printed_formula_and_figure():
    """Section 3.2: 3·HW·C² + 1.5·(HW)²·C, 40.3 M at 7x7 and 512 channels."""
    form = cost_model("nonlocal_block").macs({"HW": HW, "C": C})
    assert sympy.expand(form - (3 * HW * C**2 + Fraction(3, 2) * HW**2 * C)) == 0
    assert both("nonlocal_block")[0] == 3 * 49 * 512**2 + 3 * 49**2 * 512 // 2 == 40_379_136


def test_a_transformer_on_eight_narrow_tokens_costs_6_341_million():
    expected = 3 * 512**2 * 8 + 3 * 8**2 * 512 // 2
    assert both("vt_transformer", L=8, CT=512)[0] == expected == 6_340_608


def test_the_later_transformer_has_no_values_and_two_convolutions():
    macs, weights = both("vt_v4_transformer", L=16, CT=1024)
    assert weights == 2 * 1024 * 512 + 2 * 1024 * 768 == 5 * 1024**2 // 2
    assert macs == weights * 16 + 3 * 1024 * 16**2 // 2


# Blocks, written out.

MAP, WIDTH = 196, 1024


@pytest.mark.parametrize(
    ("name", "given", "macs", "weights"),
    [
        ("static_tokenizer", {"L": 16},
         MAP * 256 * 16 + MAP * 256 * 64 + MAP * 256 * 16 + 16 * 196 * 32 + 16 * 288 * WIDTH,
         256 * 16 + 16_384 + 6_272 + 294_912),
        ("static_tokenizer", {"L": 16, "position": 0},
         MAP * 256 * 16 + MAP * 256 * 64 + MAP * 256 * 16 + 16 * 256 * WIDTH,
         256 * 16 + 16_384 + 262_144),
        ("dynamic_tokenizer", {"C": 512, "L": 8},
         4 * WIDTH * 512 + MAP * 32_768 * 2 + 2 * MAP * 512 * 4 + 4 * 6_272 + 4 * 544 * WIDTH,
         524_288 + 2 * 32_768 + 6_272 + 557_056),
        ("recurrent_tokenizer", {"C": 512, "L": 16},
         16 * WIDTH * 512 + MAP * 32_768 * 2 + 2 * MAP * 512 * 16 + 16 * 512 * WIDTH,
         524_288 + 2 * 32_768 + 524_288),
        ("filter_tokenizer", {"L": 16},
         2 * MAP * 256 * 16 + MAP * 16_384 + 16 * 256 * WIDTH, 256 * 16 + 16_384 + 262_144),
        ("kmeans_tokenizer", {"L": 16, "kmeans_iters": 5},
         (5 + 2) * MAP * 256 * 16 + MAP * 16_384 + 16 * 256 * WIDTH, 16_384 + 262_144),
        ("pooling_tokenizer", {"L": 16}, 16 * 256 * WIDTH, 256 * WIDTH),
        ("pooling_tokenizer", {"L": 16, "pool_counted": 1},
         16 * 256 * WIDTH + MAP * 256, 256 * WIDTH),
        ("position_encoder", {"L": 4}, 4 * 196 * 32, 196 * 32),
        ("projector", {"L": 8},
         MAP * 32_768 + 2 * 8 * WIDTH * 512 + 2 * MAP * 512 * 8, 32_768 + 2 * 524_288),
        ("projector", {"L": 8, "C": 1024},
         MAP * 65_536 + 8 * WIDTH * 1024 + 2 * MAP * 1024 * 8, 65_536 + 1_048_576),
    ],
)  # fmt: skip
def test_a_block_costs_what_its_layers_cost(name, given, macs, weights):
    assert both(name, **given) == (macs, weights)


# Whole networks at 224x224: MACs and weights, to the last digit.


@pytest.mark.parametrize(
    ("name", "given", "weights", "macs"),
    [
        ("vt_r18", {"L": 16}, 12_764_608, 1_586_670_592),
        ("vt_r18", {"L": 8}, 12_762_560, 1_517_389_312),
        ("vt_r34", {"L": 8}, 18_019_904, 3_151_505_408),
        ("vt_r34", {"L": 16}, 18_021_952, 3_217_354_752),
        ("vt_r50", {"L": 4}, 21_388_864, 3_412_345_856),
        ("vt_r50", {"L": 8}, 21_392_960, 3_456_002_048),
        ("vt_r101", {"L": 4}, 40_328_768, 7_124_567_040),
        ("vt_r101", {"L": 8}, 40_332_864, 7_168_223_232),
        ("vt_v4_r18", {}, 11_637_952, 1_578_950_656),
        ("vt_v4_r34", {}, 21_836_992, 3_299_008_512),
        ("vt_v4_adv_r18", {}, 11_716_032, 1_569_893_376),
        ("vt_v4_adv_r34", {}, 19_201_600, 3_236_229_120),
        ("vt_r18", {"reading": "literal"}, 10_418_332, 1_498_333_212),
        ("vt_r101", {"reading": "literal"}, 44_637_965, 7_218_963_936),
        ("vt_v4_adv_r101", {"reading": "literal"}, 46_318_784, 7_882_301_440),
        ("vt_v4_adv_r101", {}, 41_508_416, 7_129_285_632),
    ],
)
def test_a_network_is_met_to_the_last_digit(name, given, weights, macs):
    assert both(name, **given) == (macs, weights)


@pytest.mark.parametrize(
    ("layers", "weights", "macs"),
    [
        (18, 2_778_304, 1_402_519_552),
        (34, 8_160_448, 3_020_996_608),
        (50, 8_512_704, 3_277_897_728),
        (101, 27_452_608, 6_990_118_912),
    ],
)
def test_stages_1_to_4_are_those_of_the_resnet(layers, weights, macs):
    for name in (f"vt_r{layers}", f"resnet{layers}"):
        stages = grouped(cost_model(name).terms({}), depth=1)[:4]
        assert [term.name for term in stages] == ["stage1", "stage2", "stage3", "stage4"]
        assert (macs_of(stages), weights_of(stages)) == (macs, weights)


def within(count, printed, unit):
    """Whether a count rounds to printed digits."""
    last = Fraction(10) ** -len(printed.partition(".")[2])
    return abs(Fraction(count, unit) - Fraction(printed)) <= last / 2


@pytest.mark.parametrize(
    ("name", "given", "weights", "macs"),
    [
        ("resnet34", {"pool_counted": 1}, "21.78", "3664"),
        ("resnet50", {"pool_counted": 1}, "25.5", "4089"),
        ("resnet101", {"pool_counted": 1}, "44.44", "7802"),
        ("vt_r18", {"L": 16, "transformer": 0}, "8.57", "1519"),
        ("vt_r18", {"L": 16, "position": 0}, "12.69", "1586"),
        ("vt_r18", {"L": 16, "dynamic": 0}, "12.22", "1608"),
        ("vt_r34", {"L": 16, "transformer": 0}, "17.24", "3204"),
        ("vt_r34", {"L": 16, "position": 0}, "17.90", "3216"),
        ("vt_r34", {"L": 16, "dynamic": 0}, "16.92", "3246"),
        ("vt_v4_r18", {"tokenizer": "pooling", "pool_counted": 1}, "11.0", "1550"),
        ("vt_v4_r34", {"tokenizer": "pooling", "pool_counted": 1}, "20.6", "3246"),
        ("vt_v4_r18", {"tokenizer": "kmeans", "kmeans_iters": 1}, "11.6", "1580"),
        ("vt_v4_r18", {"tokenizer": "filter"}, "11.1", "1564"),
        ("vt_v4_r18", {"transformer": "none"}, "8.5", "1528"),
        ("vt_v4_r34", {"transformer": "none"}, "17.1", "3222"),
        ("vt_v4_r18", {"transformer": "graphconv"}, "8.5", "1528"),
        ("vt_v4_r34", {"transformer": "graphconv"}, "17.1", "3223"),
        ("vt_v4_r18", {"L": 32}, "11.6", "1711"),
        ("vt_v4_r34", {"L": 64}, "21.8", "3951"),
        ("vt_v4_r18", {"projector": 0}, "9.3", "1497"),
        ("vt_v4_r34", {"projector": 0}, "17.3", "3158"),
    ],
)
def test_an_ablation_rounds_to_its_printed_cells(name, given, weights, macs):
    """Million weights and million MACs of tables 1 and 3, and of the later version's tables."""
    counted, stored = both(name, **given)
    assert within(counted, macs, 10**6)
    assert within(stored, weights, 10**6)


@pytest.mark.parametrize(
    ("name", "given", "macs"),
    [
        ("fpn", {}, 256 * (256 + 9 * 256) * 60_800 + 256 * (512 + 9 * 256) * 15_200
         + 256 * (1024 + 9 * 256) * 3_800 + 256 * (2048 + 9 * 256) * 950),
        ("fpn", {}, 55_099_392_000),
        ("vt_fpn", {}, 8_532_041_728),
        ("fpn", {"H": 473}, 12_893_224_960),
        ("vt_fpn", {"H": 473}, 2_054_561_792),
        ("fpn_head", {}, 1152 * (256 * 60_800 + 256 * 15_200 + 256 * 3_800 + 128 * 15_200
         + 256 * 950 + 128 * 3_800 + 128 * 15_200) + 128 * 54 * 60_800),
    ],
)  # fmt: skip
def test_a_pyramid_costs_what_its_levels_cost(name, given, macs):
    """800x1216 has maps of 60800, 15200, 3800 and 950 positions; 473 gives sides 119 to 15."""
    assert both(name, **given)[0] == macs


@pytest.mark.parametrize(
    ("name", "given", "printed"),
    [
        ("fpn_r50", {}, "159"),
        ("vt_fpn_r50", {}, "113"),
        ("fpn_r101", {}, "231"),
        ("vt_fpn_r101", {}, "185"),
        ("fpn_r101", {"H": 473, "classes": 20}, "54.4"),
    ],
)
def test_a_segmenter_rounds_to_table_4(name, given, printed):
    assert within(both(name, **given)[0], printed, 10**9)


def test_the_backbones_of_the_segmenters_stride_in_their_first_1x1():
    for layers, macs in ((50, 74_757_734_400), (101, 146_729_369_600)):
        backbone = grouped(cost_model(f"fpn_r{layers}").terms({}), depth=1)[0]
        assert (backbone.name, backbone.macs) == ("backbone", macs)


# What holds for every cost model.

EVERY = sorted(cost_models())
AT = (
    {"L": 4, "H": 97, "W": 333, "HW": 60, "N": 107, "P": 16, "C": 192, "n_t": 3, "T": 5},
    {"L": 32, "H": 512, "W": 32, "HW": 7, "CT": 512, "N": 128, "P": 4, "d": 128},
)
MULTIPLES = (1, 8, 16, 32, 64, 128, 256)
"""Of the first of these that a cost model takes, the sides of an image are made multiples."""


def sized(model, point):
    """The sizes of a point that a cost model has, with sides that it takes."""
    given = {s.name: point[s.name] for s in model.symbols if s.name in point}
    if model.symbol("schedule"):  # lists that were released for images of one size
        given |= {"H": 224, "W": 224}
    for multiple in MULTIPLES:
        sides = {n: -(-given[n] // multiple) * multiple for n in ("H", "W") if n in given}
        try:
            model.resolved({**given, **sides})
        except BadOption:
            continue
        return {**given, **sides}
    pytest.fail(f"{model.name} takes no sides near those of {point}")


@pytest.mark.parametrize("name", EVERY)
def test_formula_terms_and_totals_agree(name):
    """Terms add up, and the text of a formula gives the same integer through another reader."""
    model = cost_model(name)
    for point in ({}, *AT):
        given = sized(model, point)
        for depth in (1, None, 9):
            cost = costed(model, given, depth)
            sizes = {n: v for n, v in cost.values.items() if isinstance(v, int)}
            assert all(type(term.macs) is int and term.macs > 0 for term in cost.terms)
            assert cost.total == macs_of(model.terms(given))
            assert value(parse(str(cost.formula)), sizes) == cost.total
            for term, form in zip(cost.terms, cost.forms, strict=True):
                assert value(parse(str(form)), sizes) == term.macs


@pytest.mark.parametrize("name", EVERY)
def test_the_names_of_terms_are_told_apart(name):
    names = [term.name for term in cost_model(name).terms({})]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", [name for name in EVERY if name.endswith("_stage5")])
def test_a_fifth_stage_is_a_part_of_its_network(name):
    whole = grouped(cost_model(name.removesuffix("_stage5")).terms({}), depth=1)
    stage = next(term for term in whole if term.name == "stage5")
    assert both(name) == (stage.macs, stage.weights)


def test_a_mix_of_numbers_and_symbols_leaves_only_the_symbols():
    form = sympy.expand(cost_model("vt_r34").macs({"L": L, "H": 224, "W": 224}))
    assert form.free_symbols == {L}
    assert form.subs(L, 16) == 3_217_354_752
    form = cost_model("resnet50").macs({"H": H, "W": W})
    assert form.subs({H: 97, W: 333}) == both("resnet50", H=97, W=333)[0]


def test_a_width_follows_a_height_that_is_given():
    assert both("resnet18", H=384) == both("resnet18", H=384, W=384)
    assert cost_model("fpn_r50").resolved({})["W"] == 1216


def test_sides_round_up_and_quotients_stay_exact():
    assert [ceiling(side, 4) for side in (1, 4, 5, 8, 9)] == [1, 1, 2, 2, 3]
    assert divided(7, 2) == Fraction(7, 2)
    assert type(divided(8, 2)) is int
    assert convolution("c", (4, 6), 5, kernel=3, groups=2).macs == 3 * 3 * 4 * 6 // 2 * 5


# What is refused.


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("vt_r34", {"L": 7}, r"L=7: .* L is even"),
        ("vt_r34", {"L": 7, "dynamic": 0}, "L is even"),
        ("dynamic_tokenizer", {"L": 3}, "L is even"),
        ("vt_v4_adv_r18", {"L": 5}, "L is even"),
        ("vt_transformer", {"CT": 24, "kqv_groups": 8}, "CT=24, kqv_groups=8"),
        ("nonlocal_block", {"C": 7}, "C is even"),
        ("static_tokenizer", {"C": 100}, "multiple of group_width"),
        ("vt_r18", {"group_width": 7}, "divides 256"),
        ("vt_r18", {"groups": 3}, "groups divides 256"),
        ("vt_fpn", {"groups": 3}, "groups divides 256"),
        ("vt_fpn", {"kqv_groups": 3}, "divides 512"),
        ("projector", {"value": 0}, "only if C = CT"),
        ("vt_r34", {"L": 0}, "from 1 to"),
        ("vt_r34", {"L": 10**10}, "from 1 to"),
        ("vt_r34", {"L": 1.5}, "whole number, got 1.5"),
        ("vt_r34", {"L": "many"}, "whole number, got 'many'"),
        ("vt_r34", {"position": 2}, "0 or 1, got 2"),
        ("vt_v4_r18", {"tokenizer": "kmean"}, "one of filter, recurrent, kmeans, pooling"),
        ("vt_r34", {"reading": "printed"}, "one of fitted, literal, got 'printed'"),
        ("vt_v4_adv_r18", {"reading": "literal", "position": 1}, "prints no position code"),
        ("vt_r34", {"ct": 1024}, r"no symbol 'ct'; did you mean 'CT'\?"),
        ("vt_r34", {"zz": 1}, "no symbol 'zz'. It has L, H, W"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(name, given, said):
    with pytest.raises(BadOption, match=said):
        cost_model(name).macs(given)


def test_an_odd_number_of_tokens_is_fine_where_none_are_halved():
    assert both("vt_v4_r18", L=7)[0] > both("vt_v4_r18", L=6)[0]
    assert both("vt_fpn", L=7)[0] < both("vt_fpn", L=8)[0]
    printed = {"L": 7, "reading": "literal"}
    assert both("vt_v4_adv_r18", **printed) == both("vt_v4_r18", **printed)


def test_an_unknown_cost_model_is_answered_with_the_nearest():
    with pytest.raises(UnknownModel, match="'vt_r43'; the nearest are vt_r34"):
        cost_model("vt_r43")


# Ranges and crossings.


def test_a_nonlocal_block_and_a_transformer_cross_where_tokens_are_pixels():
    sizes = range(1, 101)
    first = totals(cost_model("nonlocal_block"), {"HW": 49, "C": 512}, "L", sizes)
    second = totals(cost_model("vt_transformer"), {"CT": 512}, "L", sizes)
    (found,) = crossings(("nonlocal_block", "vt_transformer"), sizes, first, second)
    assert (found.after, found.at, found.equal) == (48, 49, True)
    assert (found.below, found.above) == ("vt_transformer", "nonlocal_block")


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ([1, 2, 5, 6], [3, 3, 3, 3], [(2, 3, False, "a", "b")]),
        ([1, 3, 3, 6], [3, 3, 3, 3], [(1, 2, True, "a", "b")]),
        ([1, 3, 2, 1], [3, 3, 3, 3], []),
        ([1, None, 4, 2], [3, 3, 3, 3], [(1, 3, False, "a", "b"), (3, 4, False, "b", "a")]),
        ([3, 3], [3, 3], []),
    ],
)
def test_every_change_of_the_cheaper_one_is_found_and_no_touch_is(first, second, found):
    got = crossings(("a", "b"), range(1, len(first) + 1), first, second)
    assert [(c.after, c.at, c.equal, c.below, c.above) for c in got] == found


def test_sizes_that_are_refused_are_left_out_and_all_refused_is_an_error():
    model = cost_model("vt_r34")
    expected = [None, both("vt_r34", L=4)[0], None]
    assert totals(model, {}, "L", range(3, 6)) == expected
    with pytest.raises(BadOption, match="L is even"):
        totals(model, {}, "L", range(3, 4))


def test_a_network_grows_with_its_tokens_as_its_transformers_do():
    """Second differences over steps of 2 tokens: three times 1.5·1024·L², times 2·2²."""
    counts = totals(cost_model("vt_r101"), {"H": 224}, "L", range(2, 402, 2))
    steps = [after - before for before, after in itertools.pairwise(counts)]
    bends = {after - before for before, after in itertools.pairwise(steps)}
    assert bends == {3 * (3 * 1024 // 2) * 2 * 2**2}


def test_plain_forms_read_as_those_of_sympy_do():
    plain = set()
    for model in cost_models().values():
        for depth in (1, model.depth):
            known = costed(model, {}, depth)
            shown = costed(model, {}, depth, plain=True)
            assert [pretty(form) for form in shown.forms] == [pretty(form) for form in known.forms]
            if all(isinstance(form, Form | int) for form in shown.forms):
                plain.add(model.name)
    # Swin's windows take the least of two sides, which is no polynomial
    assert set(cost_models()) - plain == {"swin_t", "swin_s", "swin_b"}
