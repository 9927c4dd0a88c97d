"""The literal reading of Visual Transformers weighs and costs what the papers print.

Layers are written out from the listings of v3 and the equations of v4, with their weights and the
positions that they run on. Figures are at 224x224 and batch 1.
"""

import pytest
import torch
from counts_by_name import counted
from torch.utils.flop_counter import FlopCounterMode

from vtbench import models
from vtbench.data.workload import Workload, freeze_options
from vtbench.report.breakdown import breakdown

U = 1024 * 1024
"""C_T squared."""


# What the whole nets weigh and cost.


@pytest.mark.parametrize(
    ("name", "weights", "macs"),
    [
        ("vt_r18", 10_418_332, 1_498_333_212), ("vt_r34", 19_312_397, 3_152_684_512),
        ("vt_r50", 25_698_061, 3_506_742_752), ("vt_r101", 44_637_965, 7_218_963_936),
        ("vt_v4_r18", 14_427_328, 1_705_009_152), ("vt_v4_r34", 25_314_496, 3_465_568_256),
        # Table 8 is one of these nets too, as far as the text goes.
        ("vt_v4_adv_r18", 14_427_328, 1_705_009_152), ("vt_v4_adv_r34", 25_314_496, 3_465_568_256),
        ("vt_v4_adv_r101", 46_318_784, 7_882_301_440),
    ],
)  # fmt: skip
def test_a_net_as_printed_is_its_exact_integers(name, weights, macs):
    record = counted(name, reading="literal")
    assert (record.parameters.weights, record.macs) == (weights, macs)
    assert record.complete


@pytest.mark.parametrize("name", ["vt_r18", "vt_r101", "vt_v4_r34", "vt_v4_adv_r101"])
def test_the_fitted_reading_is_the_default(name):
    here, there = counted(name), counted(name, reading="fitted")
    assert (here.macs, here.parameters) == (there.macs, there.parameters)


STAGES_1_TO_4 = {
    18: (2_778_304, 1_402_519_552), 34: (8_160_448, 3_020_996_608),
    50: (8_512_704, 3_277_897_728), 101: (27_452_608, 6_990_118_912),
}  # fmt: skip


def v3_layers(C, L, first):
    """Layer of a block as listings 1 to 4 have it -> its weights and the positions it runs on."""
    new, heads = (L, 1) if first else (L // 2, 16)
    layers = {
        "tokenizer.value": (C * C // 16, 196),
        "tokenizer.position.halve": (9 * heads * heads, 49 * new),
        "tokenizer.position.merge": (heads, 49 * new),
        "tokenizer.position.pos_conv": (49 * 49, new),
        "tokenizer.token": ((C + 49) * 1024, new),
        "transformer.key": (U // 2 // 8, L),
        "transformer.query": (U // 2 // 8, L),
        "transformer.value": (U // 8, L),
        "transformer.feed_forward": (U, L),
        "projector.query": (C * C // 16, 196),
        "projector.key": (1024 * C, L),
        "projector.value": (1024 * C, L),
    }
    if first:
        return layers | {"tokenizer.coefficients": (C * L, 196)}
    return layers | {"tokenizer.query": (1024 * C, new), "tokenizer.key": (C * C // 16, 196)}


def v4_layers(C, L, first):
    """Layer of a block as equations 1 to 5 have it -> its weights and the positions it runs on."""
    layers = {
        "transformer.key": (U // 2, L),
        "transformer.query": (U // 2, L),
        "transformer.feed_forward1": (U, L),
        "transformer.feed_forward2": (U, L),
        "projector.query": (C * C, 196),
        "projector.key": (1024 * C, L),
    }
    layers |= {"tokenizer.coefficients": (C * L, 196)} if first else {
        "tokenizer.query": (1024 * C, L)}  # fmt: skip
    if C != 1024:
        layers |= {"tokenizer.widen": (C * 1024, L), "projector.narrow": (1024 * C, L)}
    return layers


def v3_products(C, L, first):
    """Tokens drawn, scores and their use among tokens, and back onto the map."""
    drawn = 196 * C * L if first else 2 * 196 * C * L // 2
    return drawn + 3 * 1024 * L * L // 2 + 2 * 196 * C * L


def v4_products(C, L, first):
    return (1 if first else 2) * 196 * C * L + 3 * 1024 * L * L // 2 + 2 * 196 * C * L


V3, V4 = (v3_layers, v3_products), (v4_layers, v4_products)


@pytest.mark.parametrize(
    ("name", "depth", "f", "C", "printed"),
    [
        ("vt_r18", 18, 256, 512, V3), ("vt_r34", 34, 256, 512, V3),
        ("vt_r50", 50, 1024, 1024, V3), ("vt_r101", 101, 1024, 1024, V3),
        ("vt_v4_r18", 18, 256, 512, V4), ("vt_v4_r34", 34, 256, 512, V4),
        ("vt_v4_adv_r101", 101, 1024, 1024, V4),
    ],
)  # fmt: skip
def test_every_layer_is_one_that_is_printed(name, depth, f, C, printed):
    """The layers listed are all there are, and add up to the net with its products."""
    (layers, products), blocks = printed, 2 if depth == 18 else 3
    L = 8 if printed is V3 else 16
    expected = {"layer4.0.adjust": (f * C, 196)} if f != C else {}
    for index in range(blocks):
        for layer, cost in layers(C, L, index == 0).items():
            expected[f"layer4.{index}.{layer}"] = cost
    workload = Workload(model=name, options=freeze_options({"reading": "literal"}))
    found = {
        path.removesuffix(".weight"): parameter.numel()
        for path, parameter in models.build(workload).module.named_parameters()
        if path.startswith("layer4")
    }
    assert found == {layer: weights for layer, (weights, _) in expected.items()}
    record = counted(name, reading="literal")
    trunk, macs = STAGES_1_TO_4[depth]
    assert record.parameters.weights == trunk + sum(found.values()) + 1024 * 1000
    assert record.macs == (
        macs + sum(weights * positions for weights, positions in expected.values())
        + sum(products(C, L, index == 0) for index in range(blocks)) + 1024 * 1000
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vt_r18", {}), ("vt_r50", {"dynamic": False}), ("vt_r34", {"position": False}),
        ("vt_v4_r18", {}), ("vt_v4_r18", {"tokenizer": "kmeans"}),
        ("vt_v4_r34", {"tokenizer": "pooling", "tokens": 12}), ("vt_v4_r18", {"projector": False}),
    ],
)  # fmt: skip
def test_the_count_is_that_of_an_independent_counter(name, options):
    workload = Workload(
        model=name, resolution=(97, 160), options=freeze_options({**options, "reading": "literal"})
    )
    built = models.build(workload)
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        built.module(*built.args, **built.kwargs)
    asked = counted(name, (97, 160), reading="literal", **options)
    assert asked.macs * 2 == theirs.get_total_flops()


@pytest.mark.parametrize("depth", [50, 101])
def test_vt_fpn_as_printed_is_the_sum_of_its_listings(depth):
    """All four maps are brought to 256 channels, but for the one that has them already."""
    pixels, widths = [200 * 304, 100 * 152, 50 * 76, 25 * 38], [256, 512, 1024, 2048]
    adjusted = sum(p * width * 256 for p, width in zip(pixels, widths, strict=True) if width != 256)
    # coefficients, value in 16 groups, their product; query in 16 groups, 32 tokens asked and taken
    on_pixels = 256 * 8 + 256 * 16 + 256 * 8 + 256 * 16 + 2 * 256 * 32
    coded = 49 * (9 + 1) + 49 * 49  # the 3x3 and the 1x1 at 49 positions, and the code
    on_tokens = 4 * 8 * (coded + (256 + 49) * 1024) + 4 * 32 * 2 * 1024 * 256
    transformer = 32 * (2 * U // 8 + U) + 3 * 32**2 * 1024 // 2
    record = counted(f"vt_fpn_r{depth}", reading="literal")
    (found,) = (part.macs for part in breakdown(record, "stage") if part.name == "fpn")
    assert found == adjusted + sum(pixels) * on_pixels + on_tokens + transformer


def test_without_dynamic_tokenization_every_block_draws_all_its_tokens_anew():
    """Section 5.2: all the dynamic tokenization is replaced with static."""
    record = counted("vt_r34", reading="literal", dynamic=False)
    rows = {row.module: row.macs for row in record.rows if row.op.startswith("aten.conv1d")}
    feeds = [rows[f"layer4.{index}.transformer.feed_forward"] for index in range(3)]
    assert feeds == [U * 8] * 3
