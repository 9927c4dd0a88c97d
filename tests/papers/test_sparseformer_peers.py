"""What SparseFormer's tables compare it with: exact counts, and the printed figures beside them."""

import functools
import math
from pathlib import Path

import pytest

from vtbench import models
from vtbench.claims.judge.conventions import measured
from vtbench.count.count_workload import count_workload
from vtbench.data.workload import Workload, freeze_options


@functools.cache
def counted(name, resolution=None, **options):
    asked = Workload(model=name, resolution=resolution, options=freeze_options(options))
    return count_workload(asked)


# Printed GMACs, the convention in which they come out, and printed millions of parameters.
PRINTED = {
    "resnet50": (4.1, "full", 26),
    "resnet101": (7.9, "full", 45),
    "regnety_8g": (8.0, "full", 39),
    "efficientnet_b3": (1.8, "full", 12),
    "deit_s": (4.6, "full", 22),
    "deit_b": (17.5, "full", 87),  # printed 86, cut off
    "swin_t": (4.5, "full", 28),  # printed 29
    "swin_s": (8.7, "full", 50),
    "perceiver": (707, "double", 45),
    "perceiver_io": (369, "double", 49),
    "detr_r50": (86, "full", None),
    "detr_dc5_r50": (187, "full", None),
    "upernet_swin_t": (236, "module_hooks", None),
    "timesformer": (196, "full", None),  # printed 121 million, cut off from 121.57
    "vivit_b_fe": (284, "full", 115),
    "video_swin_t": (88, "full", 28),
    "mvit_b": (71, "full", 37),
    "slowfast_r101": (106, "full", 54),
}
# Printed GMACs, and by how many per cent the text's reading misses them in every convention.
UNRESOLVED = {"mvit_s": (33, -9.3), "nl_i3d_r101": (359, 9.9)}


@pytest.mark.parametrize("name", PRINTED)
def test_the_printed_figure_comes_out_within_a_point_and_a_half_per_cent(name):
    """Or rounds to what is printed, where two digits leave more room than that."""
    printed, convention, millions = PRINTED[name]
    record = counted(name)
    assert record.complete
    giga = measured(record, "macs", convention) / 1e9
    rounds = round(giga, 1 if isinstance(printed, float) else 0) == printed
    assert rounds or abs(giga / printed - 1) < 0.015
    if millions is not None:
        assert round(record.parameters.total / 1e6) == millions


@pytest.mark.parametrize("name", UNRESOLVED)
def test_what_no_reading_of_the_text_gives_stays_unresolved(name):
    """No convention brings the count within 1.5 %, and none is chosen because it comes nearest."""
    printed, misses = UNRESOLVED[name]
    record = counted(name)
    assert record.complete
    assert round(100 * (record.macs / 1e9 / printed - 1), 1) == misses
    for convention in ("full", "module_hooks", "attention_missed", "fvcore_eval", "double"):
        giga = measured(record, "macs", convention) / 1e9
        assert abs(giga / printed - 1) > 0.015, convention


def test_the_page_about_them_prints_what_is_counted():
    page = Path(__file__).parents[2] / "docs" / "sparseformer_peers.md"
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    expected = [(*PRINTED[name][:2], name) for name in PRINTED]
    expected += [(UNRESOLVED[name][0], "unresolved", name) for name in UNRESOLVED]
    page_says = {(float(printed), how, name) for name, _, _, printed, how, _, _ in rows}
    assert page_says == set(expected)
    for name, _, _, printed, how, giga, ratio in rows:
        convention = "full" if how == "unresolved" else how
        ours = measured(counted(name), "macs", convention) / 1e9
        assert (giga, ratio) == (f"{ours:.3f}", f"{ours / float(printed):.3f}"), name


def attention(queries, keys, width):
    """Scores, and their use."""
    return 2 * queries * keys * width


def layer(tokens, width):
    """Query, key, value, output; a feed-forward part four times as wide; all look at all."""
    return 12 * tokens * width**2 + attention(tokens, tokens, width)


def conv(positions, c_in, c_out, kernel=1):
    return positions * c_in * c_out * kernel


def test_perceiver_is_its_closed_form():
    """8 cross-attentions over 224·224 pixels of 261 numbers, 48 layers over 512 latents."""
    n, d, m, c = 512, 1024, 224 * 224, 3 + 2 + 4 * 64
    cross = 2 * n * d * c + 2 * m * c**2 + attention(n, m, c) + 2 * n * d**2
    own = 4 * n * d**2 + attention(n, n, d) + 2 * n * d**2
    assert counted("perceiver").macs == 8 * cross + 8 * 6 * own + d * 1000
    # Cross-attentions two to eight share one set of weights, and so do the eight times six layers.
    weights = 2 * (2 * d * c + 2 * c**2 + 2 * d**2) + 6 * 6 * d**2 + d * 1000
    assert counted("perceiver").parameters.weights == weights


def test_perceiver_io_is_its_closed_form():
    """One convolution and a pooling to 55·55 places of 322 numbers, read once.

    The library pools 112·112 by 3x3 with stride 2 and no padding.
    """
    n, d, m, c = 512, 1024, 55 * 55, 64 + 2 * (2 * 64 + 1)
    convolution = conv(112 * 112, 3, 64, 49)
    cross = 2 * n * d * c + 2 * m * c**2 + attention(n, m, c) + 2 * n * d**2
    own = 4 * n * d**2 + attention(n, n, d) + 2 * n * d**2
    decoder = 2 * d**2 + 2 * n * d**2 + attention(1, n, d) + 2 * d**2 + d * 1000
    assert counted("perceiver_io").macs == convolution + cross + 48 * own + decoder


@pytest.mark.parametrize(("name", "backbone"), [("detr_r50", 32), ("detr_dc5_r50", 16)])
def test_detr_is_its_backbone_and_its_transformer(name, backbone):
    """At 800x1133 the last map has 25x36 places, and 50x71 with the dilated stage."""
    s, q, d, f = math.ceil(800 / backbone) * math.ceil(1133 / backbone), 100, 256, 2048
    options = {} if backbone == 32 else {"output_stride": 16}
    trunk = counted("resnet50", resolution=(800, 1133), **options).macs - 2048 * 1000
    encoder = 6 * (4 * s * d**2 + attention(s, s, d) + 2 * s * d * f)
    own = 4 * q * d**2 + attention(q, q, d)
    other = 2 * q * d**2 + 2 * s * d**2 + attention(q, s, d)
    decoder = 6 * (own + other + 2 * q * d * f)
    heads = q * d * 92 + q * (2 * d**2 + 4 * d)
    assert counted(name).macs == trunk + conv(s, 2048, d) + encoder + decoder + heads


def test_upernet_is_its_closed_form():
    """Swin-T on windows of 7x7, for which 128, 64, 32 and 16 are padded to 133, 70, 35 and 21."""
    swin = conv(128**2, 3, 96, 16)
    stages = zip((96, 192, 384, 768), (2, 2, 6, 2), (128, 64, 32, 16), strict=True)
    products = 0
    for width, blocks, side in stages:
        padded = (7 * math.ceil(side / 7)) ** 2
        products += blocks * attention(padded, 49, width)
        swin += blocks * (4 * padded * width**2 + 8 * side**2 * width**2)
        swin += conv((side // 2) ** 2, 4 * width, 2 * width) if side > 16 else 0
    pyramid = sum(conv(scale**2, 768, 512) for scale in (1, 2, 3, 6))
    pyramid += conv(16**2, 768 + 4 * 512, 512, 9)
    levels = ((96, 128), (192, 64), (384, 32))
    laterals = sum(conv(side**2, width, 512) + conv(side**2, 512, 512, 9) for width, side in levels)
    fused = conv(128**2, 4 * 512, 512, 9) + conv(128**2, 512, 150)
    hooks = swin + pyramid + laterals + fused
    record = counted("upernet_swin_t")
    assert record.macs == hooks + products
    assert measured(record, "macs", "module_hooks") == hooks


def test_the_auxiliary_head_of_upernet_is_what_training_adds():
    """3x3 on the map at 1/16, 384 to 256 channels, and its classifier."""
    record = counted("upernet_swin_t", auxiliary_head=True)
    aside = conv(32**2, 384, 256, 9) + conv(32**2, 256, 150)
    assert record.macs - counted("upernet_swin_t").macs == aside


def test_timesformer_is_its_closed_form():
    """Every patch looks through 8 frames, then every frame at its 196 patches."""
    t, n, d = 8, 196, 768
    time = 5 * t * n * d**2 + n * attention(t, t, d)
    space = 4 * t * (n + 1) * d**2 + t * attention(n + 1, n + 1, d)
    feed_forward = 8 * (t * n + 1) * d**2
    patches = conv(t * n, 3, d, 16 * 16)
    assert counted("timesformer").macs == patches + 12 * (time + space + feed_forward) + d * 400


@pytest.mark.parametrize("frames", [32, 16])
def test_vivit_is_its_closed_form(frames):
    """12 layers over the 14·14 tubelets of each step, 4 over the steps, with a class token each."""
    steps, n, d = frames // 2, 197, 768
    tubelets = steps * conv(196, 3, d, 2 * 16 * 16)
    macs = tubelets + steps * 12 * layer(n, d) + 4 * layer(steps + 1, d) + d * 400
    assert counted("vivit_b_fe", frames=frames).macs == macs


@pytest.mark.parametrize("frames", [32, 16])
def test_video_swin_is_its_closed_form(frames):
    """Windows of 8x7x7 over frames/2 steps of 56², 28², 14² and 7² places."""
    steps = frames // 2
    macs = conv(steps * 56**2, 3, 96, 2 * 4 * 4) + 768 * 400
    stages = zip((96, 192, 384, 768), (2, 2, 6, 2), (56, 28, 14, 7), strict=True)
    for width, blocks, side in stages:
        n = steps * side**2
        macs += blocks * (12 * n * width**2 + attention(n, 8 * 7 * 7, width))
        macs += conv(n // 4, 4 * width, 2 * width) if side > 7 else 0
    assert counted("video_swin_t", frames=frames).macs == macs


def mvit_macs(stages, kernel, side):
    """Blocks whose queries, keys and values are pooled by depthwise 3x3x3 convolutions.

    Queries halve their sides in the first block of a later stage; the last block of a stage widens
    in its feed-forward part, and its residual by a layer of its own.
    """
    time, one = 8, 1
    macs = conv(time * side**2, 3, stages[0][0], kernel)
    for stage, (width, blocks, stride) in enumerate(stages):
        for index in range(blocks):
            halves = stage > 0 and index == 0
            queries = side // 2 if halves else side
            n, q, k = (time * s**2 for s in (side, queries, side // stride))
            macs += 3 * (n + one) * width**2 + 2 * conv(k, 1, width, 27)
            macs += conv(q, 1, width, 27) if halves else 0
            macs += attention(q + one, k + one, width) + (q + one) * width**2
            widens = index == blocks - 1 and stage < len(stages) - 1
            out = stages[stage + 1][0] if widens else width
            macs += (q + one) * (4 * width**2 + 4 * width * out + (width * out if widens else 0))
            side = queries
    return macs + stages[-1][0] * 400


def test_mvit_b_is_its_closed_form_and_torchvisions_model():
    stages = ((96, 1, 8), (192, 2, 4), (384, 11, 2), (768, 2, 1))
    assert counted("mvit_b").macs == mvit_macs(stages, 3 * 7 * 7, 56)
    ours, theirs = (
        models.build(Workload(model=name)).module for name in ("mvit_b", "torchvision:mvit_v1_b")
    )
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (ours, theirs)]
    assert shapes[0] == shapes[1]


def test_mvit_s_is_its_closed_form():
    """Patches of 8x8; 3, 7 and 6 blocks from 128 channels."""
    stages = ((128, 3, 4), (256, 7, 2), (512, 6, 1))
    assert counted("mvit_s").macs == mvit_macs(stages, 3 * 8 * 8, 28)


def bottleneck(c_in, planes, time, positions, stride):
    """MACs on a map of so many positions before the stride: the 3x3 has it, and the shortcut."""
    after = positions // stride**2
    shortcut = conv(after, c_in, 4 * planes) if c_in != 4 * planes else 0
    spatial = conv(after, planes, planes, 9) + conv(after, planes, 4 * planes)
    return conv(positions, c_in, planes, time) + spatial + shortcut


def test_slowfast_is_its_closed_form():
    """8 slow frames and 32 fast ones of 256x256, res2 to res5 of 3, 4, 23 and 3 blocks."""
    macs = conv(8 * 128**2, 3, 64, 7 * 7) + conv(32 * 128**2, 3, 8, 5 * 7 * 7)
    slow, fast, side = 64, 8, 64
    for stage, blocks in enumerate((3, 4, 23, 3)):
        macs += conv(8 * side**2, fast, 2 * fast, 5)
        slow += 2 * fast
        for index in range(blocks):
            stride = 2 if stage and index == 0 else 1
            reach = 3 if index < 6 else 1
            planes = 64 << stage
            macs += bottleneck(slow, planes, reach if stage > 1 else 1, 8 * side**2, stride)
            macs += bottleneck(fast, planes // 8, reach, 32 * side**2, stride)
            slow, fast, side = 4 * planes, planes // 2, side // stride
    record = counted("slowfast_r101")
    assert record.macs == macs + (2048 + 256) * 400


def test_nonlocal_i3d_is_its_closed_form():
    """128 frames of 256x256: conv1 leaves 64 of them, pool1 32, pool2 16."""
    macs = conv(64 * 128**2, 3, 64, 5 * 7 * 7)
    width, side = 64, 64
    for stage, blocks in enumerate((3, 4, 23, 3)):
        frames = 16 if stage else 32
        for index in range(blocks):
            stride = 2 if stage and index == 0 else 1
            reach = 1 if index % 2 else 3
            macs += bottleneck(width, 64 << stage, reach, frames * side**2, stride)
            width, side = 256 << stage, side // stride
            if index in {1: (1, 3), 2: (1, 3, 5)}.get(stage, ()):
                n = frames * side**2
                macs += 4 * n * width * width // 2 + attention(n, n // 4, width // 2)
    assert counted("nl_i3d_r101").macs == macs + 2048 * 400
