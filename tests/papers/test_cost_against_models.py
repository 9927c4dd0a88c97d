"""Cost models against the models themselves, written apart: stage by stage, to the last digit.

Neither knows the other. A formula that agrees with the dispatcher's count in every stage, over
sizes, token counts and ablations, is evidence for both.
"""

from __future__ import annotations

import pytest
import sympy

from vtbench.count.count_workload import count_workload
from vtbench.count.symbolic import block_form
from vtbench.data.cost import cost_model, grouped, macs_of, weights_of
from vtbench.data.cost.closed import lettered
from vtbench.data.record import Record
from vtbench.data.workload import Workload, freeze_options
from vtbench.papers.visual_transformers.networks.nonlocal_block import nonlocal_block
from vtbench.papers.visual_transformers.networks.v3 import vt_transformer
from vtbench.report.breakdown import breakdown

SHAPES = (None, (97, 333), (64, 160))
"""The model's own size, and two that no stride divides or that are not square."""


def counted(name: str, options: dict, resolution: tuple[int, int] | None) -> Record:
    return count_workload(
        Workload(model=name, options=freeze_options(options), resolution=resolution)
    )


def macs_by_stage(record: Record) -> list[int]:
    """MACs of the model's direct children, in the order in which they run."""
    stages: dict[str, int] = {}
    for row in record.rows:
        if row.macs:
            stage = row.module.partition(".")[0]
            stages[stage] = stages.get(stage, 0) + row.macs
    return list(stages.values())


def agree(name: str, options: dict, resolution: tuple[int, int] | None, **given: int) -> None:
    """What options and image say to the formula; ``given`` are switches that have another word."""
    model = cost_model(name)
    told = {key: value for key, value in options.items() if key not in given}
    terms = model.terms({**model.values_for(told.items(), resolution), **given})
    record = counted(name, options, resolution)
    assert record.complete
    assert [stage.macs for stage in grouped(terms, depth=1)] == macs_by_stage(record)
    assert macs_of(terms) == record.macs
    assert weights_of(terms) == record.parameters.weights


@pytest.mark.parametrize("resolution", SHAPES)
@pytest.mark.parametrize("layers", [18, 34, 50, 101])
def test_resnets(layers, resolution):
    agree(f"resnet{layers}", {}, resolution)


@pytest.mark.parametrize("tokens", [2, 4, 6, 8, 16, 64])
@pytest.mark.parametrize("resolution", SHAPES)
@pytest.mark.parametrize("layers", [18, 34, 50, 101])
def test_vt_resnets_over_sizes_and_tokens(layers, resolution, tokens):
    options = {"tokens": tokens}
    agree(f"vt_r{layers}", options, resolution)


@pytest.mark.parametrize(
    "options", [{"groups": 16}, {"kqv_groups": 1}, {"kqv_groups": 4}, {"token_width": 512}], ids=str
)
@pytest.mark.parametrize("layers", [18, 34, 50])
def test_vt_resnets_over_groups_and_widths(layers, options):
    """At C_T = C the projector needs no convolution of the values."""
    agree(f"vt_r{layers}", options, None)


@pytest.mark.parametrize("tokens", [4, 6, 10, 16])
@pytest.mark.parametrize(
    "options",
    [
        {"transformer": "none"},
        {"position": False},
        {"dynamic": False},
        {"dynamic": False, "position": False, "transformer": "none"},
    ],
    ids=str,
)
@pytest.mark.parametrize("layers", [18, 34, 50])
def test_ablations(layers, options, tokens):
    """Without dynamic tokenization tokens add up; the larger half of an odd number is kept."""
    off = {"transformer": 0} if "transformer" in options else {}
    agree(f"vt_r{layers}", {**options, "tokens": tokens}, None, **off)


@pytest.mark.parametrize("tokens", [7, 16])
@pytest.mark.parametrize("resolution", [None, (97, 160)])
@pytest.mark.parametrize("tokenizer", ["filter", "recurrent", "kmeans", "pooling"])
@pytest.mark.parametrize("layers", [18, 34])
def test_tokenizers_of_the_later_version(layers, tokenizer, resolution, tokens):
    options = {"tokens": tokens, "tokenizer": tokenizer}
    agree(f"vt_v4_r{layers}", options, resolution)


@pytest.mark.parametrize(
    "options",
    [
        {"transformer": "none"},
        {"transformer": "graphconv", "tokens": 12},
        {"projector": False},
        {"tokenizer": "kmeans", "kmeans_iters": 1},
        {"tokenizer": "kmeans", "kmeans_iters": 5},
        {"kqv_groups": 8},
    ],
    ids=str,
)
@pytest.mark.parametrize("layers", [18, 34])
def test_ablations_of_the_later_version(layers, options):
    agree(f"vt_v4_r{layers}", options, None)


@pytest.mark.parametrize("tokens", [None, 4, 10, 32])
@pytest.mark.parametrize("resolution", [None, (65, 200)])
@pytest.mark.parametrize("layers", [18, 34, 101])
def test_the_advanced_recipe(layers, resolution, tokens):
    options = {} if tokens is None else {"tokens": tokens}
    agree(f"vt_v4_adv_r{layers}", options, resolution)


@pytest.mark.parametrize("tokens", [2, 8, 10])
@pytest.mark.parametrize("resolution", SHAPES)
@pytest.mark.parametrize("layers", [18, 34, 50, 101])
def test_vt_resnets_as_printed(layers, resolution, tokens):
    agree(f"vt_r{layers}", {"reading": "literal", "tokens": tokens}, resolution)


@pytest.mark.parametrize(
    "options",
    [
        {"groups": 4},
        {"kqv_groups": 1},
        {"token_width": 512},
        {"heads": 4},
        {"transformer": "none"},
        {"position": False},
        {"dynamic": False},
        {"dynamic": False, "position": False, "transformer": "none", "groups": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("layers", [18, 34, 50])
def test_options_of_vt_resnets_as_printed(layers, options):
    """At C_T = C the projector keeps its convolution of the values; heads weigh in the code."""
    off = {"transformer": 0} if "transformer" in options else {}
    agree(f"vt_r{layers}", {**options, "reading": "literal"}, None, **off)


@pytest.mark.parametrize("tokens", [7, 16])
@pytest.mark.parametrize("resolution", SHAPES)
@pytest.mark.parametrize("tokenizer", ["filter", "recurrent", "kmeans", "pooling"])
@pytest.mark.parametrize("layers", [18, 34])
def test_the_later_version_as_printed(layers, tokenizer, resolution, tokens):
    options = {"reading": "literal", "tokens": tokens, "tokenizer": tokenizer}
    agree(f"vt_v4_r{layers}", options, resolution)


@pytest.mark.parametrize(
    "options",
    [
        {"transformer": "none"},
        {"transformer": "graphconv", "tokens": 12},
        {"projector": False},
        {"projector": False, "tokenizer": "filter"},
        {"tokenizer": "kmeans", "kmeans_iters": 1},
        {"kqv_groups": 8},
        {"groups": 4},
        {"token_width": 512},
    ],
    ids=str,
)
@pytest.mark.parametrize("layers", [18, 34])
def test_options_of_the_later_version_as_printed(layers, options):
    """At C_T = C nothing widens or narrows tokens."""
    agree(f"vt_v4_r{layers}", {**options, "reading": "literal"}, None)


@pytest.mark.parametrize("options", [{}, {"tokens": 5}, {"kqv_groups": 8, "groups": 16}], ids=str)
@pytest.mark.parametrize("resolution", [None, (65, 200)])
@pytest.mark.parametrize("layers", [18, 34, 101])
def test_the_advanced_recipe_as_printed(layers, resolution, options):
    agree(f"vt_v4_adv_r{layers}", {**options, "reading": "literal"}, resolution)


@pytest.mark.parametrize("resolution", [None, (473, 473), (97, 333), (100, 64)])
@pytest.mark.parametrize("layers", [50, 101])
@pytest.mark.parametrize(
    ("pyramid", "options"),
    [
        ("fpn", {}),
        ("fpn", {"num_classes": 20}),
        ("vt_fpn", {}),
        ("vt_fpn", {"tokens": 5, "kqv_groups": 1, "groups": 4, "num_classes": 20}),
        ("vt_fpn", {"reading": "literal"}),
        ("vt_fpn", {"reading": "literal", "tokens": 5, "kqv_groups": 1, "groups": 4}),
    ],
    ids=str,
)
def test_segmenters(pyramid, options, layers, resolution):
    agree(f"{pyramid}_r{layers}", options, resolution)


def same(form: str, name: str, **settings: int) -> bool:
    """Whether a traced form is the cost model's, symbol by symbol."""
    model = cost_model(name)
    letters = lettered(model, model.resolved(settings))
    traced = sympy.parse_expr(form, local_dict=letters)
    return bool(sympy.expand(traced - model.macs(letters)) == 0)


@pytest.mark.parametrize("groups", [1, 8])
def test_the_printed_formula_is_the_trace_of_the_transformer(groups):
    """Width and tokens are symbols of the trace too: 3·C_T²·L + 1.5·L²·C_T comes out by itself."""
    form = block_form(
        lambda L, CT: vt_transformer(tokens=L, width=CT, heads=2, kqv_groups=groups),
        {"L": 16, "CT": 64},
        {"CT": 16},
    )
    assert same(form.wide, "vt_transformer", kqv_groups=groups)


def test_the_printed_formula_is_the_trace_of_the_nonlocal_block():
    """Over a square map whose side is a symbol, HW is its square."""
    form = block_form(lambda S, C: nonlocal_block(size=S, width=C), {"S": 7, "C": 64}, {"C": 2})
    side, channels = sympy.symbols("S C", integer=True, positive=True)
    formula = cost_model("nonlocal_block").macs({"HW": side**2, "C": channels})
    traced = sympy.parse_expr(form.wide, local_dict={"S": side, "C": channels})
    assert sympy.expand(traced - formula) == 0


@pytest.mark.parametrize(("tokens", "width"), [(8, 512), (16, 1024), (49, 512)])
def test_the_transformer_alone(tokens, width):
    given = {"L": tokens, "CT": width}
    record = counted("vt_transformer", {"tokens": tokens, "width": width}, None)
    assert cost_model("vt_transformer").macs(given) == record.macs


@pytest.mark.parametrize("size", [(7, 7), (14, 14), (5, 9)])
def test_the_nonlocal_block_alone(size):
    given = {"HW": size[0] * size[1], "C": 512}
    assert cost_model("nonlocal_block").macs(given) == counted("nonlocal_block", {}, size).macs


def agree_in_parts(name: str, resolution: tuple[int, int] | None = None, **options) -> None:
    """Every part that the formula tells apart is what the dispatcher saw there; and the weights."""
    model = cost_model(name)
    given = model.values_for(options.items(), resolution)
    record = counted(name, options, resolution)
    assert record.complete
    stages = [part.macs for part in breakdown(record, "stage") if part.macs]
    terms = (grouped(model.terms(given), depth) for depth in (1, model.depth))
    assert stages in [[term.macs for term in each] for each in terms]
    assert model.macs(given) == record.macs
    assert model.weights(given) == record.parameters.weights


@pytest.mark.parametrize("resolution", [*SHAPES, (223, 512)])
@pytest.mark.parametrize("size", ["t", "s", "b"])
def test_sparseformers_over_sizes(size, resolution):
    agree_in_parts(f"sparseformer_{size}", resolution)


@pytest.mark.parametrize("points", [4, 64])
@pytest.mark.parametrize("repeats", [0, 1, 8])
@pytest.mark.parametrize("tokens", [2, 50, 144])
def test_sparseformers_over_tokens_repeats_and_points(tokens, repeats, points):
    agree_in_parts("sparseformer_t", (64, 96), tokens=tokens, repeats=repeats, points=points)


@pytest.mark.parametrize("repeats", [0, 2])
@pytest.mark.parametrize("mixing", ["adaptive", "static", "linear"])
@pytest.mark.parametrize("feature", ["conv", "vit8", "rgb"])
def test_sparseformers_over_features_and_mixing(feature, mixing, repeats):
    agree_in_parts(
        "sparseformer_s", (64, 96), feature=feature, mixing=mixing, repeats=repeats, tokens=9
    )


@pytest.mark.parametrize(
    "options",
    [
        {"channels": 32},
        {"width": 128, "cortex_width": 192, "blocks": 1},
        {"fixed_rois": True, "repeats": 0},
        {"num_classes": 10},
    ],
    ids=str,
)
def test_sparseformers_over_widths(options):
    agree_in_parts("sparseformer_t", None, **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"inflation": 1}, {"inflation": 3, "frames": 7, "tokens": 9, "points": 16},
     {"repeats": 0, "inflation": 4, "frames": 4}, {"mixing": "static", "frames": 8}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("size", ["t", "b"])
def test_video_sparseformers(size, options):
    agree_in_parts(f"video_sparseformer_{size}", (96, 65), **options)


@pytest.mark.parametrize("resolution", [None, (801, 667)])
@pytest.mark.parametrize("options", [{}, {"tokens": 121, "detected": 30, "num_classes": 21}])
def test_a_detector(options, resolution):
    agree_in_parts("sparseformer_det", resolution, **options)


@pytest.mark.parametrize("resolution", [None, (97, 130)])
@pytest.mark.parametrize("options", [{}, {"tokens": 49, "dense_channels": 64, "num_classes": 19}])
def test_a_segmenter(options, resolution):
    agree_in_parts("sparseformer_seg", resolution, **options)


@pytest.mark.parametrize(
    "options",
    [{}, {"tokens": 2, "repeats": 1}, {"points": 36}, {"points": 4, "channels": 32, "tokens": 82}],
    ids=str,
)
@pytest.mark.parametrize("name", ["augreg_b", "augreg_l", "clip_b", "clip_l"])
def test_bootstrapped_sparseformers(name, options):
    agree_in_parts(f"sparseformer_{name}", (223, 160), **options)


@pytest.mark.parametrize("side", [192, 256, 512])
@pytest.mark.parametrize("name", ["vit_b", "deit_t", "deit_s", "swin_t", "swin_s"])
def test_networks_that_read_every_pixel(name, side):
    """Built for other sizes, they have the same weights; library models, so whole counts."""
    record = counted(name, {}, (side, side))
    model = cost_model(name)
    assert (model.macs({"H": side}), model.weights({"H": side})) == (
        record.macs, record.parameters.weights,
    )  # fmt: skip


@pytest.mark.parametrize("sides", [(224, 352), (128, 480)])
def test_a_swin_whose_image_is_not_square(sides):
    agree_in_parts("swin_t", sides)


@pytest.mark.parametrize("resolution", [None, (97, 64)])
@pytest.mark.parametrize("options", [{}, {"tokens": 32, "cross_attends": 1, "layers": 2}])
def test_a_perceiver(options, resolution):
    agree_in_parts("perceiver", resolution, **options)
