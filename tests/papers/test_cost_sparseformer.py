"""Cost models of SparseFormer against written arithmetic, and how they grow."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from cost_by_name import both

from vtbench.data.cost import cost_model, grouped, macs_of, weights_of
from vtbench.data.cost.closed import costed
from vtbench.errors import BadOption

N, P, C, d, H, W, h, w = sympy.symbols("N P C d H W h w", integer=True, positive=True)
SIZES = ("t", "s", "b")


def parts(name, depth, **given):
    """Its terms by the first parts of their names."""
    return {term.name: term.macs for term in grouped(cost_model(name).terms(given), depth)}


# Parts, in letters and written out.


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("token_attention", 4 * N * d**2 + 2 * N**2 * d),
        ("token_feed_forward", 8 * N * d**2),
        ("cortex_block", 12 * N * d**2 + 2 * N**2 * d),
        ("sparse_sampling", N * P * C),
        ("roi_adjustment", 4 * N * d),
        ("sampling_offsets", 2 * P * N * d),
        ("mixing_generator", N * (d**2 / 4 + d * (C**2 + P**2) / 4)),
        ("adaptive_mixing",
         N * (d**2 / 4 + d * (C**2 + P**2) / 4) + N * (P * C**2 + P**2 * C) + N * P * C * d),
        ("focusing_block",
         12 * N * d**2 + 2 * N**2 * d + N * d * (4 + 2 * P)
         + N * (d**2 / 4 + d * (C**2 + P**2) / 4) + N * (P * C**2 + P**2 * C) + N * P * C * d),
    ],
)  # fmt: skip
def test_a_part_is_its_formula_letter_by_letter(name, form):
    letters = {"N": N, "P": P, "C": C, "d": d}
    model = cost_model(name)
    given = {key: value for key, value in letters.items() if model.symbol(key)}
    assert sympy.expand(model.macs(given) - form) == 0


@pytest.mark.parametrize(
    ("name", "given", "macs", "weights"),
    [
        ("sparseformer_stem", {}, 7 * 7 * 3 * 96 * 112 * 112, 147 * 96),
        ("sparseformer_stem", {"H": 97, "W": 333, "C": 64}, 147 * 64 * 49 * 167, 147 * 64),
        ("sparse_sampling", {}, 49 * 36 * 96, 0),
        ("sparse_sampling", {"interpolation": "bilinear"}, 4 * 49 * 36 * 96, 0),
        ("sparse_sampling", {"interpolation": "trilinear", "N": 392}, 8 * 392 * 36 * 96, 0),
        ("roi_adjustment", {}, 49 * 256 * 4, 256 * 4),
        ("roi_adjustment", {"axes": 3}, 49 * 256 * 6, 256 * 6),
        ("sampling_offsets", {"P": 16}, 49 * 256 * 32, 256 * 32),
        ("sampling_offsets", {"axes": 3}, 49 * 256 * 108, 256 * 108),
        ("mixing_generator", {}, 49 * (256 * 64 + 64 * (9216 + 1296)), 256 * 64 + 64 * 10_512),
        ("adaptive_mixing", {},
         49 * 689_152 + 49 * (36 * 9216 + 1296 * 96) + 49 * 3456 * 256, 689_152 + 3456 * 256),
        ("adaptive_mixing", {"mixing": "static"},
         49 * (36 * 9216 + 1296 * 96) + 49 * 3456 * 256, 3456 * 256),
        ("adaptive_mixing", {"mixing": "linear"}, 49 * 3456 * 256, 3456 * 256),
        ("token_attention", {"N": 9}, 9 * 4 * 65_536 + 2 * 81 * 256, 4 * 65_536),
        ("token_feed_forward", {"N": 9}, 9 * 8 * 65_536, 8 * 65_536),
        ("focusing_block", {},
         49 * 12 * 65_536 + 2 * 2401 * 256 + 49 * 256 * 76 + 49 * 689_152
         + 49 * (36 * 9216 + 1296 * 96) + 49 * 3456 * 256,
         12 * 65_536 + 256 * 76 + 689_152 + 3456 * 256),
        ("first_cortex_block", {"N": 1, "P": 1, "C": 4, "d": 64},
         12 * 4096 + 2 * 64 + 64 * 6 + 64 * 16 + 16 * 17 + 16 + 4 + 4 * 64,
         12 * 4096 + 64 * 6 + 64 * 16 + 16 * 17 + 4 * 64),
        ("cortex_block", {}, 49 * 12 * 512**2 + 2 * 49**2 * 512, 12 * 512**2),
        ("sparseformer_bridge", {}, 49 * 256 * 512, 256 * 512),
        ("sparseformer_head", {}, 512_000, 512_000),
    ],
)  # fmt: skip
def test_a_part_costs_what_its_layers_cost(name, given, macs, weights):
    assert both(name, **given) == (macs, weights)


# Whole networks.


GROUPS = (
    "stem",
    *(f"focusing.{part}" for part in (
        "attention_projections", "attention_products", "heads", "generator", "mixing", "output",
        "feed_forward")),
    "bridge",
    *(f"cortex.{part}" for part in (
        "attention_projections", "attention_products", "heads", "generator", "mixing", "output",
        "feed_forward")),
    "head",
)  # fmt: skip


@pytest.mark.parametrize(
    ("size", "millions"),
    [
        ("t", (177.02, 51.38, 4.92, 3.81, 135.07, 89.41, 173.41, 102.76, 6.42,
               411.04, 19.67, 1.91, 69.14, 22.35, 86.70, 822.08, 0.51)),
        ("s", (177.02, 104.86, 10.49, 6.23, 221.84, 116.79, 283.12, 209.72, 13.11,
               838.86, 41.94, 3.11, 114.20, 29.20, 141.56, 1677.72, 0.64)),
        ("b", (177.02, 191.10, 20.16, 9.46, 338.91, 147.81, 429.98, 382.21, 23.89,
               1911.03, 100.78, 4.73, 175.43, 36.95, 214.99, 3822.06, 0.77)),
    ],
)  # fmt: skip
def test_every_group_of_a_sparseformer(size, millions):
    found = parts(f"sparseformer_{size}", 2)
    assert tuple(found) == GROUPS
    assert tuple(round(macs / 1e6, 2) for macs in found.values()) == millions


@pytest.mark.parametrize(
    ("size", "macs", "weights", "parameters"),
    [
        ("t", 2_177_623_552, 31_422_240, 31_522_212),
        ("s", 3_990_381_568, 47_450_912, 47_575_056),
        ("b", 7_987_256_832, 80_906_016, 81_076_996),
    ],
)
def test_a_sparseformer_to_the_last_digit(size, macs, weights, parameters):
    """With biases, norms and learned tokens, the weights make up all parameters."""
    assert both(f"sparseformer_{size}") == (macs, weights)
    at = cost_model(f"sparseformer_{size}").resolved({})
    narrow, wide, written = at["d_f"], at["d_c"], 96**2 + 36**2
    standard = sum((2, 3, 1, 2, 4, 1))  # norm, queries to values, output; norm, both layers

    def sampling(width):
        """Three norms, generator, mixing, output, and the points to start from."""
        return 3 * 2 * width + width // 4 + written + 96 + 36 + width + 2 * 36

    rest = (
        96
        + at["N"] * (narrow + 4)
        + standard * narrow + sampling(narrow)
        + wide + 2 * wide
        + at["blocks"] * standard * wide + sampling(wide)
        + 2 * wide + 1000
    )  # fmt: skip
    assert weights + rest == parameters


def test_a_sparseformer_in_arithmetic():
    """T at 224x224: the stem, 4 runs of one block, the bridge, 8 blocks of which one samples."""
    n, matrices, mixed = 49, 96**2 + 36**2, 36 * 96**2 + 36**2 * 96

    def standard(width):
        return 12 * n * width**2 + 2 * n**2 * width

    def sampling(width):
        return n * (width * 76 + width**2 // 4 + width // 4 * matrices + mixed + 3456 * width)

    whole = (
        147 * 96 * 112**2
        + 4 * (standard(256) + sampling(256))
        + n * 256 * 512
        + 8 * standard(512) + sampling(512)
        + 512 * 1000
    )  # fmt: skip
    assert both("sparseformer_t")[0] == whole == 2_177_623_552


@pytest.mark.parametrize(
    ("name", "given", "giga"),
    [
        *(("sparseformer_t", {"N": n}, giga) for n, giga in (
            (9, 0.541), (16, 0.825), (25, 1.192), (36, 1.642), (64, 2.800), (81, 3.510))),
        *(("sparseformer_t", {"repeats": r}, giga) for r, giga in (
            (0, 1.617), (1, 1.757), (8, 2.738))),
        ("sparseformer_t", {"repeats": 0, "fixed_rois": 1}, 1.615),
        ("sparseformer_t", {"P": 16}, 1.941),
        ("sparseformer_t", {"P": 64}, 2.566),
        ("sparseformer_t", {"feature": "rgb"}, 1.465),
        ("sparseformer_t", {"feature": "vit8"}, 2.015),
        ("sparseformer_t", {"mixing": "linear"}, 1.862),
        ("sparseformer_t", {"mixing": "static"}, 1.973),
        ("sparseformer_b", {"H": 384}, 8.330),
        ("sparseformer_b", {"H": 512}, 8.735),
        ("sparseformer_b", {"H": 384, "N": 144}, 14.572),
        ("sparseformer_b", {"H": 384, "N": 196}, 19.833),
        *((f"video_sparseformer_{size}", {}, giga) for size, giga in (
            ("t", 23.065), ("s", 39.140), ("b", 74.970))),
        *(("video_sparseformer_t", {"n_t": n}, giga) for n, giga in (
            (1, 7.668), (4, 13.972), (16, 43.613))),
        *(("sparseformer_seg", {"N": n}, giga) for n, giga in (
            (49, 34.001), (256, 44.784), (400, 52.802))),
        ("sparseformer_augreg_b", {}, 3.778),
        ("sparseformer_augreg_l", {}, 11.343),
        ("sparseformer_clip_b", {}, 3.778),
        ("sparseformer_clip_l", {}, 14.823),
    ],
)  # fmt: skip
def test_a_network_of_the_papers_tables(name, given, giga):
    """Billions of full counts, to as many digits as were measured on the authors' own code."""
    digits = len(str(giga).partition(".")[2])
    assert round(both(name, **given)[0] / 1e9, digits) == giga


def test_a_clip_costs_its_frames_and_all_its_tokens_at_once():
    n, mixed = 3 * 9, 16 * 96**2 + 16**2 * 96
    matrices = 96**2 + 16**2

    def block(width):
        sampled = width * (6 + 3 * 16) + width**2 // 4 + width // 4 * matrices + mixed
        return 12 * n * width**2 + 2 * n**2 * width + n * (sampled + 16 * 96 * width)

    expected = 5 * 147 * 96 * 32**2 + block(256) + n * 256 * 512 + block(512)
    expected += 7 * (12 * n * 512**2 + 2 * n**2 * 512) + 512 * 400
    given = {"N": 9, "n_t": 3, "T": 5, "P": 16, "H": 64, "repeats": 1}
    assert both("video_sparseformer_t", **given)[0] == expected


def test_a_detector_adds_two_heads_to_its_body():
    """Some of the tokens: a linear classifier, and two layers that refine a region."""
    whole = parts("sparseformer_det", 1)
    assert whole["head"] == 100 * (640 * 92 + 640 * 640 + 640 * 4)
    body = parts("sparseformer_s", 1, N=400, H=800, W=1066)
    assert [whole[name] for name in ("stem", "focusing", "bridge", "cortex")] == [
        body[name] for name in ("stem", "focusing", "bridge", "cortex")
    ]


def test_a_segmenter_asks_tokens_from_a_quarter_of_the_image():
    head = (
        16_384 * 96 * 256 + 2 * 400 * 512 * 256 + 2 * 16_384 * 400 * 256
        + 16_384 * (9 * 256 * 256 + 9 * 256 * 512 + 512 * 150)
    )  # fmt: skip
    assert parts("sparseformer_seg", 1)["head"] == head
    assert parts("sparseformer_seg", 2, H=97, W=130)["head.query"] == 25 * 33 * 96 * 256


@pytest.mark.parametrize(
    ("part", "macs"),
    [
        ("stem", 147 * 64 * 112**2),
        ("focusing", 4 * 48 * (
            512 * 32 + 512 * 128 + 128 * (64**2 + 32 * 16)  # offsets, generator
            + 16 * 64**2 + 32 * 16 * 64 + 32 * 64 * 512 + 512**2  # mixing, output, position
            + 12 * 512**2 + 2 * 48 * 512 + 512**2 + 512 * 4)),  # the block, regions
        ("bridge", 48 * 512 * 1024),
        ("lifting", 48 * (
            1024 * 32 + 1024 * 128 + 128 * (64**2 + 32 * 16)
            + 16 * 64**2 + 32 * 16 * 64 + 32 * 64 * 1024 + 1024**2)),
        ("inherited", 16 * (12 * 49 * 1024**2 + 2 * 49**2 * 1024)),
        ("head", 1024 * 1000),
    ],
)  # fmt: skip
def test_a_bootstrapped_one_in_arithmetic(part, macs):
    """49 tokens in the inherited blocks, of which the class token comes last."""
    assert parts("sparseformer_augreg_l", 1)[part] == macs


# How they grow.


@pytest.mark.parametrize("size", SIZES)
def test_only_the_stem_depends_on_the_image(size):
    """The derivative of the whole by pixels is the stem's: 147/4·96 for one, and nothing else."""
    model = cost_model(f"sparseformer_{size}")
    terms = model.terms({"H": H, "W": W, "N": N, "P": P})
    assert terms[0].name == "stem"
    assert sympy.expand(macs_of(terms[1:])).free_symbols == {N, P}
    whole = sympy.expand(model.macs({"H": 2 * h, "W": 2 * w}))  # whole halves
    assert sympy.diff(whole, h) == 147 * 96 * w
    pixels = sympy.Symbol("A", positive=True)  # H·W = 4·h·w
    assert sympy.diff(whole.subs(w, pixels / (4 * h)), pixels) == Fraction(147 * 96, 4)


def test_sampling_counts_as_it_is_asked_to():
    """Free by convention; as printed N·P·C in each of five places; or four neighbours each."""
    free = both("sparseformer_t")[0]
    assert both("sparseformer_t", interpolation="printed")[0] - free == 5 * 49 * 36 * 96
    assert both("sparseformer_t", interpolation="bilinear")[0] - free == 5 * 4 * 49 * 36 * 96
    clip = both("video_sparseformer_t", interpolation="trilinear")[0]
    assert clip - both("video_sparseformer_t")[0] == 5 * 8 * 392 * 36 * 96


def test_the_formula_of_a_whole_network():
    text = str(costed(cost_model("sparseformer_t"), {}).formula)
    form = sympy.parse_expr(text, local_dict={"N": N, "P": P, "H": H, "W": W})
    stem = 14_112 * sympy.ceiling(H / 2) * sympy.ceiling(W / 2)
    rest = 10_240 * N**2 + 864 * N * P**2 + 196_608 * N * P + 32_118_784 * N + 512_000
    assert sympy.expand(form - stem - rest) == 0
    assert 10_240 == 4 * 2 * 256 + 8 * 2 * 512
    assert 864 == (4 * 256 + 512) // 4 + 5 * 96


# What is refused.


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("sparseformer_t", {"P": 35}, "P=35: points start as a square grid"),
        ("sparseformer_t", {"feature": "rgb", "C": 96}, "C=96: pixels have 3 channels"),
        ("sparseformer_t", {"feature": "vit8", "H": 100}, "multiples of 8"),
        ("sparseformer_t", {"d_f": 100}, "d_f=100: 64 heads .* d_f is a multiple of 64"),
        ("sparseformer_t", {"feature": "cnn"}, "expected one of conv, vit8, rgb, got 'cnn'"),
        (
            "sparseformer_t",
            {"mixing": "none"},
            "expected one of adaptive, static, linear, got 'none'",
        ),
        ("sparseformer_t", {"interpolation": "trilinear"}, "one of free, printed, bilinear"),
        ("sparseformer_t", {"N": 0}, "whole number from 1"),
        ("sparseformer_t", {"L": 16}, "no symbol 'L'"),
        ("video_sparseformer_t", {"n_t": 0}, "whole number from 1"),
        ("video_sparseformer_t", {"n_t": 8, "T": 4}, "n_t=8, T=4: no tube is shorter"),
        ("sparseformer_t", {"fixed_rois": 1}, "fixed_rois=1, repeats=4: .* with repeats=0"),
        ("focusing_block", {"d": 100}, "d is a multiple of 64"),
        ("mixing_generator", {"d": 6}, "d is a multiple of 4"),
        ("sparseformer_det", {"N": 64}, "detected=100, N=64: only tokens detect"),
        ("sparseformer_seg", {"feature": "vit8"}, "feature is conv"),
        ("sparseformer_clip_b", {"N": 1}, "whole number from 2"),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(name, given, said):
    with pytest.raises(BadOption, match=said):
        cost_model(name).macs(given)


def test_weights_are_those_of_each_layer_once():
    """A block that runs four times has its weights once; eight blocks have them eight times."""
    terms = {term.name: term for term in grouped(cost_model("sparseformer_t").terms({}), 2)}
    feed = terms["focusing.feed_forward"]
    assert (feed.macs, feed.weights) == (4 * 49 * 8 * 256**2, 8 * 256**2)
    feed = terms["cortex.feed_forward"]
    assert (feed.macs, feed.weights) == (8 * 49 * 8 * 512**2, 8 * 8 * 512**2)
    assert weights_of(terms.values()) == 31_422_240
