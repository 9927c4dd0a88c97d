"""VT-ResNets count what their papers' figures add up to: weights and MACs, by net, stage, layer.

Weights are those of convolutions and linear layers. Figures are at 224x224 and batch 1.
"""

import msgspec
import pytest
import torch
from counts_by_name import counted
from torch.utils.flop_counter import FlopCounterMode

from vtbench import models
from vtbench.count.count_workload import RunSettings, count_workload
from vtbench.data.workload import Workload, freeze_options
from vtbench.report.breakdown import breakdown


def stage_macs(record):
    return {part.name: part.macs for part in breakdown(record, "stage")}


EXACT = [
    ("vt_r18", 16, 12_764_608, 1_586_670_592),
    ("vt_r18", 8, 12_762_560, 1_517_389_312),
    ("vt_r34", 8, 18_019_904, 3_151_505_408),
    ("vt_r34", 16, 18_021_952, 3_217_354_752),
    ("vt_r50", 4, 21_388_864, 3_412_345_856),
    ("vt_r50", 8, 21_392_960, 3_456_002_048),
    ("vt_r101", 4, 40_328_768, 7_124_567_040),
    ("vt_r101", 8, 40_332_864, 7_168_223_232),
    ("vt_v4_r18", 16, 11_637_952, 1_578_950_656),
    ("vt_v4_r34", 16, 21_836_992, 3_299_008_512),
    ("vt_v4_adv_r18", 16, 11_716_032, 1_569_893_376),
    ("vt_v4_adv_r34", 16, 19_201_600, 3_236_229_120),
    ("vt_v4_adv_r101", 4, 41_508_416, 7_129_285_632),
]


@pytest.mark.parametrize(("name", "tokens", "weights", "macs"), EXACT)
def test_every_net_is_its_exact_integers(name, tokens, weights, macs):
    record = counted(name, tokens=tokens)
    assert (record.parameters.weights, record.macs) == (weights, macs)
    assert record.complete


@pytest.mark.parametrize(
    ("name", "like", "tokens"),
    [
        ("vt_r18", "vt_r18", 8), ("vt_r34", "vt_r34", 8),
        ("vt_r50", "vt_r50", 8), ("vt_r101", "vt_r101", 8),
        ("vt_r18_l16", "vt_r18", 16), ("vt_r34_l16", "vt_r34", 16),
        ("vt_r50_l4", "vt_r50", 4), ("vt_r101_l4", "vt_r101", 4),
    ],
)  # fmt: skip
def test_a_preset_is_its_net_with_other_tokens(name, like, tokens):
    assert counted(name).macs == counted(like, tokens=tokens).macs


# All parameters, norms, the classifier's bias and the norms of stages 1 to 4 included.
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("vt_r18_l16", 12_799_400), ("vt_r34", 18_077_544),
        ("vt_r50_l4", 21_477_992), ("vt_r101_l4", 40_470_120),
    ],
)  # fmt: skip
def test_norms_stand_where_the_count_of_all_parameters_has_them(name, parameters):
    assert counted(name).parameters.total == parameters


# Stages 1 to 4, which are ResNet's own: weights and MACs.
STAGES_1_TO_4 = {
    18: (2_778_304, 1_402_519_552),
    34: (8_160_448, 3_020_996_608),
    50: (8_512_704, 3_277_897_728),
    101: (27_452_608, 6_990_118_912),
}


@pytest.mark.parametrize("depth", STAGES_1_TO_4)
def test_stages_are_the_papers_and_sum_to_the_net(depth):
    record = counted(f"vt_r{depth}")
    by_stage = stage_macs(record)
    weights, macs = STAGES_1_TO_4[depth]
    assert sum(by_stage[name] for name in ("conv1", "layer1", "layer2", "layer3")) == macs
    assert by_stage["fc"] == 1024 * 1000
    assert by_stage["layer4"] == record.macs - macs - 1024 * 1000
    baseline = stage_macs(counted(f"resnet{depth}"))
    assert [by_stage[f"layer{n}"] for n in (1, 2, 3)] == [baseline[f"layer{n}"] for n in (1, 2, 3)]
    net = models.build(Workload(model=f"vt_r{depth}")).module
    trunk = sum(
        parameter.numel()
        for name, parameter in net.named_parameters()
        if parameter.dim() == 4 and not name.startswith("layer4")
    )
    assert trunk == weights


@pytest.mark.parametrize(
    ("name", "baseline", "ratio"),
    [
        ("vt_r18_l16", "resnet18", "2.24"), ("vt_r34", "resnet34", "4.96"),
        ("vt_r50_l4", "resnet50", "6.07"), ("vt_r101_l4", "resnet101", "6.07"),
    ],
)  # fmt: skip
def test_stage_5_is_cheaper_than_the_baselines_by(name, baseline, ratio):
    theirs, ours = (stage_macs(counted(model))["layer4"] for model in (baseline, name))
    assert f"{theirs / ours:.2f}" == ratio


# Table 3 of v3 and tables 2 to 8 of v4: millions of weights and of MACs, as a second count of the
# same structure gave them. kmeans_iters=1 is what the printed figures of clustering add up to.
TABLES = [
    ("vt_r18", {"tokens": 16}, "12.765", "1586.67"),
    ("vt_r18", {"tokens": 16, "transformer": "none"}, "8.570", "1518.78"),
    ("vt_r18", {"tokens": 16, "position": False}, "12.687", "1585.73"),
    ("vt_r18", {"tokens": 16, "dynamic": False}, "12.216", "1607.82"),
    ("vt_r34", {"tokens": 16}, "18.022", "3217.35"),
    ("vt_r34", {"tokens": 16, "transformer": "none"}, "17.236", "3203.59"),
    ("vt_r34", {"tokens": 16, "position": False}, "17.905", "3216.11"),
    ("vt_r34", {"tokens": 16, "dynamic": False}, "16.924", "3245.86"),
    ("vt_r34", {}, "18.020", "3151.51"),
    ("vt_r50_l4", {}, "21.389", "3412.35"),
    ("vt_r101_l4", {}, "40.329", "7124.57"),
    ("vt_v4_adv_r18", {}, "11.716", "1569.89"),
    ("vt_v4_adv_r34", {}, "19.202", "3236.23"),
    ("vt_v4_adv_r101", {}, "41.508", "7129.29"),
    ("vt_v4_r18", {}, "11.638", "1578.95"),
    ("vt_v4_r34", {}, "21.837", "3299.01"),
    ("vt_v4_r18", {"tokenizer": "pooling"}, "11.028", "1549.84"),
    ("vt_v4_r34", {"tokenizer": "pooling"}, "20.637", "3245.55"),
    ("vt_v4_r18", {"tokenizer": "kmeans", "kmeans_iters": 1}, "11.634", "1579.75"),
    ("vt_v4_r34", {"tokenizer": "kmeans", "kmeans_iters": 1}, "21.833", "3299.81"),
    ("vt_v4_r18", {"tokenizer": "filter"}, "11.089", "1564.14"),
    ("vt_v4_r34", {"tokenizer": "filter"}, "20.739", "3269.39"),
    ("vt_v4_r18", {"transformer": "none"}, "8.492", "1527.83"),
    ("vt_v4_r34", {"transformer": "none"}, "17.118", "3222.33"),
    ("vt_v4_r18", {"transformer": "graphconv"}, "8.493", "1528.36"),
    ("vt_v4_r34", {"transformer": "graphconv"}, "17.119", "3223.12"),
    ("vt_v4_r18", {"tokens": 32}, "11.642", "1710.97"),
    ("vt_v4_r18", {"tokens": 64}, "11.650", "1979.74"),
    ("vt_v4_r34", {"tokens": 32}, "21.841", "3514.13"),
    ("vt_v4_r34", {"tokens": 64}, "21.849", "3951.45"),
    ("vt_v4_r18", {"projector": False}, "9.328", "1497.23"),
    ("vt_v4_r34", {"projector": False}, "17.331", "3158.04"),
]


@pytest.mark.parametrize(("name", "options", "weights", "macs"), TABLES)
def test_every_row_of_the_tables_comes_out(name, options, weights, macs):
    """Pooling tokenizers are counted by the papers at their input: HW·f in every block."""
    record = counted(name, **options)
    total = record.macs
    if options.get("tokenizer") == "pooling":
        blocks = {"vt_v4_r18": 2, "vt_v4_r34": 3}[name]
        pooled = 196 * (256 + (blocks - 1) * 512)
        ops = [row for row in record.rows if "adaptive_avg_pool2d" in row.op]
        assert sum(row.elements_in for row in ops) == pooled
        total += pooled
    assert f"{record.parameters.weights / 1e6:.3f}" == weights
    assert f"{total / 1e6:.2f}" == macs
    assert record.complete


# Names of a layer, then its weights and the positions that it runs on.
def _v3_layers(f, C, L, groups, first, last):
    CT, HW = 1024, 196
    new = L if first else L // 2
    layers = {
        "tokenizer.extraction.value.conv": (f * f // (f // 64), HW),
        "tokenizer.extraction.position.conv.conv": (196 * 32, new),
        "tokenizer.extraction.token.conv": ((f + 32) * CT, new),
        "transformer.key.conv": (CT * CT // 2 // groups, L),
        "transformer.query.conv": (CT * CT // 2 // groups, L),
        "transformer.value.conv": (CT * CT // groups, L),
        "transformer.feed_forward.conv": (CT * CT, L),
    }
    if first:
        layers["tokenizer.coefficients"] = (f * L, HW)
    else:
        layers["tokenizer.query.conv"] = (CT * f, L // 2)
        layers["tokenizer.key.conv"] = (f * f // (f // 64), HW)
    if not last:
        layers["projector.query.conv"] = (f * C // (C // 64), HW)
        layers["projector.key.conv"] = (CT * C, L)
        if CT != C:
            layers["projector.value.conv"] = (CT * C, L)
        if f != C:
            layers["projector.adjust.conv"] = (f * C, HW)
    return layers


# The same, typed out: the figures of the layer table.
BLOCK_0_OF_R34 = {
    "tokenizer.coefficients": 256 * 8, "tokenizer.extraction.value.conv": 16_384,
    "tokenizer.extraction.position.conv.conv": 6_272, "tokenizer.extraction.token.conv": 294_912,
    "projector.query.conv": 16_384, "projector.key.conv": 524_288,
    "projector.value.conv": 524_288, "projector.adjust.conv": 131_072,
    "transformer.feed_forward.conv": 1_048_576,
}  # fmt: skip
BLOCK_1_OF_R34 = {
    "tokenizer.query.conv": 524_288, "tokenizer.key.conv": 32_768,
    "tokenizer.extraction.value.conv": 32_768, "tokenizer.extraction.token.conv": 557_056,
    "projector.query.conv": 32_768, "projector.key.conv": 524_288,
    "projector.value.conv": 524_288,
}  # fmt: skip
BLOCK_1_OF_R50 = {
    "tokenizer.query.conv": 1_048_576, "tokenizer.key.conv": 65_536,
    "tokenizer.extraction.value.conv": 65_536, "tokenizer.extraction.token.conv": 1_081_344,
    "projector.query.conv": 65_536, "projector.key.conv": 1_048_576,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "f", "C", "L", "typed"),
    [
        ("vt_r34", 256, 512, 8, {0: BLOCK_0_OF_R34, 1: BLOCK_1_OF_R34}),
        ("vt_r50_l4", 1024, 1024, 4, {1: BLOCK_1_OF_R50}),
    ],
)
def test_every_layer_of_the_stage_has_its_weights_and_macs(name, f, C, L, typed):
    """The layers listed are all there are, and the products beside them are as many."""
    net = models.build(Workload(model=name)).module
    record = counted(name)
    rows = {row.module: row for row in record.rows if row.op.startswith("aten.conv")}
    found = {
        path.removesuffix(".weight"): parameter.numel()
        for path, parameter in net.named_parameters()
        if path.startswith("layer4") and parameter.dim() > 1
    }
    expected = {}
    products = 0
    for index in range(3):
        first, last = index == 0, index == 2
        width = f if first else C
        for layer, (weights, positions) in _v3_layers(width, C, L, 8, first, last).items():
            expected[f"layer4.{index}.{layer}"] = weights
            assert rows[f"layer4.{index}.{layer}"].macs == weights * positions
            assert typed.get(index, {}).get(layer, weights) == weights
        read = 196 * width * (L if first else L // 2)
        products += read if first else 2 * read
        products += 3 * 1024 * L * L // 2
        products += 0 if last else 2 * 196 * C * L
    assert found == expected
    matmuls = [r for r in record.rows if r.kind == "matmul" and r.module.startswith("layer4")]
    assert sum(row.macs for row in matmuls) == products


def test_tokens_grow_without_dynamic_tokenization():
    """Every later block keeps half of the tokens and adds 16: 16, 24, 28."""
    record = counted("vt_r34", tokens=16, dynamic=False)
    rows = {row.module: row.macs for row in record.rows if row.op.startswith("aten.conv1d")}
    feeds = [rows[f"layer4.{index}.transformer.feed_forward.conv"] for index in range(3)]
    assert feeds == [1024 * 1024 * tokens for tokens in (16, 24, 28)]
    assert counted("vt_r34", tokens=16, tokenizer="static").macs == record.macs


def test_kmeans_costs_one_product_per_iteration():
    counts = [counted("vt_v4_r18", tokenizer="kmeans", kmeans_iters=n).macs for n in (0, 1, 3)]
    assert counts[1] - counts[0] == 196 * 256 * 16
    assert counts[2] - counts[0] == 3 * 196 * 256 * 16
    assert counted("vt_v4_r18", tokenizer="kmeans").macs == counts[2]


@pytest.mark.parametrize(("size", "hw"), [((96, 160), 6 * 10), ((225, 97), 15 * 7)])
def test_other_sizes_change_what_runs_on_pixels_and_nothing_else(size, hw):
    """Positions are encoded on 14x14 at every size."""
    at_224, here = counted("vt_r34"), counted("vt_r34", resolution=size)
    for row, other in zip(at_224.rows, here.rows, strict=True):
        assert (row.module, row.op) == (other.module, other.op)
        if row.op == "aten.conv2d.default" and row.module.startswith("layer4"):
            assert other.macs * 196 == row.macs * hw
        if row.op in ("aten.conv1d.default", "aten.linear.default"):
            assert other.macs == row.macs


CROSS_CHECKED = [
    ("vt_r18_l16", (224, 224), {}),
    ("vt_r34", (160, 96), {"dynamic": False}),
    ("vt_r50", (97, 333), {"position": False, "groups": 16}),
    ("vt_v4_r34", (224, 224), {"tokenizer": "kmeans"}),
    ("vt_v4_r18", (64, 64), {"tokenizer": "pooling", "tokens": 12}),
    ("vt_v4_adv_r101", (224, 224), {}),
    ("vt_fpn_r50", (473, 473), {"position": True}),
    ("fpn_r101", (200, 300), {}),
    ("nonlocal_block", (9, 5), {"heads": 4}),
    ("resnet50_cbam", (224, 224), {}),
]


@pytest.mark.parametrize(("name", "size", "options"), CROSS_CHECKED)
def test_the_count_is_that_of_an_independent_counter(name, size, options):
    workload = Workload(model=name, resolution=size, options=freeze_options(options))
    built = models.build(workload)
    with torch.no_grad(), FlopCounterMode(display=False) as theirs:
        built.module(*built.args, **built.kwargs)
    assert count_workload(workload).macs * 2 == theirs.get_total_flops()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vt_r18", {}),
        ("vt_v4_r18", {"tokenizer": "kmeans"}),
        ("vt_v4_r18", {"tokenizer": "pooling"}),
    ],
)
def test_shapes_alone_and_values_give_one_number(name, options):
    """Nothing that is counted depends on values, nor on the mode."""
    size = Workload(model=name, resolution=(48, 64), options=freeze_options(options))
    on_shapes = count_workload(size)
    assert on_shapes.road == "meta"
    assert count_workload(size, settings=RunSettings(road="real")).macs == on_shapes.macs
    training = msgspec.structs.replace(size, mode="train", batch_size=2)
    assert count_workload(training).macs == 2 * on_shapes.macs
