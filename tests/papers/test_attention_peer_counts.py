"""AA-, SASA- and LR-ResNets and SANs cost what their papers' rules make them cost.

Every count is written as arithmetic, stage by stage, from the rules and not from the modules.
"""

from pathlib import Path

import pytest
import torch
from counts_by_name import counted
from torch import nn

from vtbench.claims.suite.files import find
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload, freeze_options
from vtbench.papers.self_attention_networks.networks import SAN

SIDES = (56, 28, 14, 7)
FC = 2048 * 1000
CONV_STEM = 7 * 7 * 3 * 64 * 112**2


def norms(*widths):
    """A scale and a shift for every channel."""
    return 2 * sum(widths)


def bottlenecks(blocks, width, layer, weights, strided):
    """MACs and parameters of four layers of bottlenecks, less the layers in their middles.

    ``layer`` and ``weights`` are those of a middle, by width and side; ``strided`` the MACs of one
    that halves, by width and the side before it.
    """
    macs = parameters = 0
    c_in = 64
    for stage, (count, side) in enumerate(zip(blocks, SIDES, strict=True)):
        inner, out = width << stage, 256 << stage
        for index in range(count):
            halves = stage > 0 and index == 0
            before = 2 * side if halves else side
            macs += before**2 * c_in * inner + side**2 * inner * out
            macs += strided(inner, before) if halves else layer(inner, side)
            parameters += (
                c_in * inner + inner * out + weights(inner, side) + norms(inner, inner, out)
            )
            if index == 0:
                macs += side**2 * c_in * out
                parameters += c_in * out + norms(out)
            c_in = out
    return macs, parameters


# Stand-alone self-attention


def local_attention(width, side):
    """Queries, keys, values by 1x1; q·k, q·r and weights·values over 49 neighbours."""
    return side**2 * (3 * width**2 + 3 * 49 * width)


def local_attention_weights(width, _side):
    """Three matrices; of each head's width half is of 7 rows and half of 7 columns."""
    return 3 * width**2 + 7 * width


SASA = {26: (1, 2, 4, 1), 38: (2, 3, 5, 2), 50: (3, 4, 6, 3)}
# 16 places, 4 mixtures: embeddings of 16 numbers, then 4 matrices of 3 x 64 at every place.
STEM_ONCE = 16 * 16 * 4 + 16 * 4 * 3 * 64
ATTENTION_STEM = 224**2 * (3 * 3 * 64 + 2 * 16 * 64)


@pytest.mark.parametrize("depth", SASA)
def test_stand_alone_attention(depth):
    """It runs before the average that halves the map, so on four times the places."""
    macs, parameters = bottlenecks(
        SASA[depth], 64, local_attention, local_attention_weights, local_attention
    )
    record = counted(f"sasa_r{depth}")
    assert record.macs == macs + STEM_ONCE + ATTENTION_STEM + FC
    stem = 2 * 3 * 64 + 4 * 3 * 64 + (4 + 4 + 4) * 16 + norms(64)
    assert record.parameters.total == parameters + stem + FC + 1000
    record = counted(f"sasa_r{depth}", stem="convolution")
    assert record.macs == macs + CONV_STEM + FC
    assert record.parameters.total == parameters + 9408 + norms(64) + FC + 1000


@pytest.mark.parametrize(("depth", "printed"), [(26, 4.5), (38, 5.7), (50, 7.0)])
def test_what_its_paper_prints_with_a_convolutional_stem(depth, printed):
    """Table 1 there, in billions of operations, two to a MAC: only if heads read all channels."""
    full = counted(f"sasa_r{depth}", stem="convolution").macs
    assert round(2 * full / 1e9, 1) == printed
    split = counted(f"sasa_r{depth}", stem="convolution", projections="per_head").macs
    assert round(2 * split / 1e9, 1) < printed - 0.5


def test_matrices_of_a_heads_own_channels_are_an_eighth():
    full, split = counted("sasa_r26"), counted("sasa_r26", projections="per_head")
    squares = sum(count * (64 << stage) ** 2 for stage, count in enumerate(SASA[26]))
    assert full.parameters.total - split.parameters.total == 3 * squares * 7 // 8


# Local relation networks


def groups_of(width):
    """Of 8 channels each; the last one may be smaller."""
    return (width + 7) // 8


def local_relation(width, side, before=None):
    """Keys everywhere, queries where the stride leaves a place, 49 neighbours, the last 1x1."""
    groups = groups_of(width)
    prior = 49 * (2 * groups + groups**2)
    before = before or side
    return prior + before**2 * width * groups + side**2 * (width * groups + 49 * width + width**2)


def local_relation_weights(width, _side):
    """Queries, keys, the geometry prior with biases, the last 1x1."""
    groups = groups_of(width)
    return 2 * width * groups + 3 * groups + groups**2 + groups + width**2


LR_STEM = 224**2 * 3 * 64 + local_relation(64, 112, 224)
LR_STEM_WEIGHTS = 3 * 64 + norms(64) + local_relation_weights(64, 112) + norms(64)


@pytest.mark.parametrize(
    ("depth", "blocks"), [(18, (2, 2, 2, 2)), (50, (3, 4, 6, 3)), (101, (3, 4, 23, 3))]
)
def test_local_relation_networks(depth, blocks):
    macs, parameters = bottlenecks(
        blocks, 100, local_relation, local_relation_weights,
        lambda width, before: local_relation(width, before // 2, before),
    )  # fmt: skip
    record = counted(f"lr_r{depth}")
    assert record.macs == macs + LR_STEM + FC
    assert record.parameters.total == parameters + LR_STEM_WEIGHTS + FC + 1000


def test_without_the_last_1x1_it_is_gone_from_bottlenecks_alone():
    with_it, without = counted("lr_r18"), counted("lr_r18", output_transform=False)
    squares = [2 * (100 << stage) ** 2 for stage in range(4)]
    assert with_it.parameters.total - without.parameters.total == sum(squares)
    assert with_it.macs - without.macs == sum(
        side**2 * square for side, square in zip(SIDES, squares, strict=True)
    )


def test_basic_blocks_of_local_relation_layers():
    """Two layers each, of the inner width, whose 1x1 changes the channels."""
    macs = LR_STEM + 800 * 1000
    c_in = 64
    for stage, side in enumerate(SIDES):
        width = 100 << stage
        for index in range(2):
            groups, halves = groups_of(c_in), stage > 0 and index == 0
            before = 2 * side if halves else side
            macs += 49 * (2 * groups + groups**2) + before**2 * c_in * groups
            macs += side**2 * (c_in * groups + 49 * c_in + c_in * width)
            macs += local_relation(width, side)
            macs += side**2 * c_in * width if index == 0 else 0
            c_in = width
    assert counted("lr_r18", block="basic").macs == macs


# Attention augmented ResNets

HEADS = 8


def shares(width, value_share=0.1):
    """d_k, at least 20 for each head, and d_v, in whole heads."""
    keys = max(20, int(width * 0.2 / HEADS)) * HEADS
    return keys, int(width * value_share / HEADS) * HEADS


def augmented(c_in, width, side, seen, **share):
    """A convolution of the other channels, and attention on a map of side ``seen``."""
    keys, values = shares(width, **share)
    places = seen**2
    attention = places * (c_in * (2 * keys + values) + values**2) + places**2 * (keys + values)
    # q times the embeddings of all distances of rows and of columns, head by head
    relative = 2 * places * keys * (2 * seen - 1)
    return side**2 * 9 * c_in * (width - values) + attention + relative


def augmented_weights(c_in, width, seen, **share):
    keys, values = shares(width, **share)
    attention = c_in * (2 * keys + values) + values**2 + 2 * (2 * seen - 1) * keys // HEADS
    return 9 * c_in * (width - values) + attention


def seen(side, pooled):
    """The 28x28 stage may see a map of half the side."""
    return 14 if side == 28 and pooled else side


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize(("depth", "blocks"), [(50, (3, 4, 6, 3)), (101, (3, 4, 23, 3))])
def test_attention_augmented_bottlenecks(depth, blocks, pooled):
    """None in the first stage. What halves the map is averaged before attention sees it."""

    def middle(width, side):
        if width == 64:
            return side**2 * 9 * width**2
        return augmented(width, width, side, seen(side, pooled))

    def weights(width, side):
        if width == 64:
            return 9 * width**2
        return augmented_weights(width, width, seen(side, pooled))

    macs, parameters = bottlenecks(
        blocks, 64, middle, weights, lambda width, before: middle(width, before // 2)
    )
    record = counted(f"aa_r{depth}", pooled=pooled)
    assert record.macs == macs + CONV_STEM + FC
    assert record.parameters.total == parameters + 9408 + norms(64) + FC + 1000


def test_attention_augmented_basic_blocks():
    """The first of two 3x3 is augmented; a quarter of its channels is attention's here."""
    macs, parameters = CONV_STEM + 512_000, 9408 + norms(64) + 513_000
    c_in = 64
    for stage, (count, side) in enumerate(zip((3, 4, 6, 3), SIDES, strict=True)):
        width = 64 << stage
        for index in range(count):
            if stage == 0:
                macs += 2 * side**2 * 9 * width**2
                parameters += 2 * 9 * width**2
            else:
                macs += augmented(c_in, width, side, side, value_share=0.25)
                macs += side**2 * 9 * width**2
                parameters += augmented_weights(c_in, width, side, value_share=0.25) + 9 * width**2
            parameters += norms(width, width)
            if stage and not index:
                macs += side**2 * c_in * width
                parameters += c_in * width + norms(width)
            c_in = width
    record = counted("aa_r34", value_share=0.25)
    assert (record.macs, record.parameters.total) == (macs, parameters)


# Self-attention networks

SAN_BLOCKS = {10: (2, 1, 2, 4, 1), 15: (3, 2, 3, 5, 2), 19: (3, 3, 4, 6, 3)}
SAN_STAGES = ((64, 3, 112), (256, 7, 56), (512, 7, 28), (1024, 7, 14), (2048, 7, 7))


def patchwise(width, kernel):
    """γ of one place: from it and k² neighbours to a weight for each neighbour and 8 channels."""
    groups, k2 = width // 32, kernel**2
    return (1 + k2) * width // 16 * groups + groups * groups * k2, groups + groups * k2


def pairwise(width, kernel):
    """γ of one place and one neighbour: C/16 and two of position, C/16, C/32."""
    reduced, groups = width // 16, width // 32
    return (reduced + 2) * reduced + reduced * groups, reduced + groups


@pytest.mark.parametrize("attention", ["patchwise", "pairwise"])
@pytest.mark.parametrize("depth", SAN_BLOCKS)
def test_self_attention_networks(depth, attention):
    macs, parameters = 224**2 * 3 * 64 + FC, 3 * 64 + norms(2048) + FC + 1000
    c_in = 64
    for count, (width, kernel, side) in zip(SAN_BLOCKS[depth], SAN_STAGES, strict=True):
        places = side**2
        macs += places * c_in * width
        parameters += norms(c_in) + c_in * width + width
        linear = width * (2 * width // 16 + width // 4) + width // 4 * width
        biases = 2 * width // 16 + width // 4 + width
        if attention == "patchwise":
            mapped, more = patchwise(width, kernel)
            mapping, mapped_weights = mapped, mapped + more
        else:
            mapped, more = pairwise(width, kernel)
            mapping = mapped * kernel**2 + 2 * 2  # the linear map of a place's coordinates
            mapped_weights = mapped + more + 2 * 2 + 2
        macs += count * places * (linear + mapping + kernel**2 * width // 4)
        parameters += count * (linear + biases + mapped_weights + norms(width // 4))
        c_in = width
    record = counted(f"san{depth}", attention=attention, norms="output")
    assert (record.macs, record.parameters.total) == (macs, parameters)


@pytest.mark.parametrize(
    ("depth", "attention", "size", "flops"),
    [
        (10, "patchwise", 11.8, 1.9), (15, "patchwise", 16.2, 2.6), (19, "patchwise", 20.5, 3.3),
        (10, "pairwise", 10.5, 2.2), (15, "pairwise", 14.1, 3.0), (19, "pairwise", 17.6, 3.8),
    ],
)  # fmt: skip
def test_what_the_paper_of_sans_prints(depth, attention, size, flops):
    """Sizes with norms everywhere; FLOPs by a counter of more than products.

    It adds two for an element that is normalised, one for each that a ReLU gives or a pool reads,
    and one for each bias.
    """
    with torch.device("meta"):
        net, image = SAN(depth=depth, attention=attention).eval(), torch.empty(1, 3, 224, 224)
    others = 0

    def add(module, given, out):
        nonlocal others
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            others += 2 * given[0].numel()
        elif isinstance(module, nn.ReLU):
            others += out.numel()
        elif isinstance(module, nn.MaxPool2d):
            others += given[0].numel()
        elif isinstance(module, nn.Conv1d | nn.Conv2d) and module.bias is not None:
            others += out.numel()

    for module in net.modules():
        module.register_forward_hook(add)
    net(image)
    record = counted(f"san{depth}", attention=attention)
    assert round(record.parameters.total / 1e6, 1) == size
    assert round((record.macs + others) / 1e9, 1) == flops
    assert round(record.macs / 1e9, 1) < flops


# Of all of them


@pytest.mark.parametrize(
    ("model", "once"),
    [
        ("sasa_r26", STEM_ONCE),
        # nine layers' priors: of the stem, and of two blocks in each of four stages
        ("lr_r18", 49 * sum(2 * g + g * g for g in (8, *2 * (13, 25, 50, 100)))),
        ("aa_r34", 0),
        ("san10", 0),
    ],
)
def test_a_batch_multiplies_all_but_what_depends_on_no_image(model, once):
    one, three = (
        count_workload(Workload(model=model, batch_size=batch, options=freeze_options({}))).macs
        for batch in (1, 3)
    )
    assert three == 3 * (one - once) + once


def test_linear_maps_of_coordinates_are_counted_once_for_a_batch():
    places = sum(
        count * side**2 for count, (_, _, side) in zip(SAN_BLOCKS[10], SAN_STAGES, strict=True)
    )
    one, three = (
        count_workload(
            Workload(
                model="san10", batch_size=batch, options=freeze_options({"attention": "pairwise"})
            )
        ).macs
        for batch in (1, 3)
    )
    assert three == 3 * (one - 4 * places) + 4 * places


def test_the_page_about_them_prints_what_is_counted_and_quoted():
    page = Path(__file__).parents[2] / "docs" / "visual_transformers_peers.md"
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    (suite,) = find(["vt_v3"])
    quoted = {claim.id.partition(".")[2]: claim for claim in suite.claims}
    for name, _, _, giga, millions, printed_macs, printed_params in rows:
        record = counted(name)
        assert f"{record.macs / 1e9:.3f}" == giga, name
        assert f"{record.parameters.total / 1e6:.2f}" == millions, name
        assert quoted[f"t1.{name}.macs"].workload.model == name
        assert quoted[f"t1.{name}.macs"].printed == printed_macs
        assert quoted[f"t1.{name}.params"].printed == printed_params
    assert len(rows) == 8
