"""Bootstrapped SparseFormers: exact costs, the order of a block, and what is theirs alone."""

from __future__ import annotations

import math

import pytest
import torch
from counts_by_name import counted

from vtbench.data.stages import stage_work
from vtbench.errors import BadOption
from vtbench.papers.sparseformer.networks.bootstrapped import (
    BootstrappedSparseFormer,
    QuickFeedForward,
)
from vtbench.papers.sparseformer.networks.bootstrapped_sampling import WideningMixing, position_code
from vtbench.papers.sparseformer.networks.sampling import sampled

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"tokens": 5, "width": 64, "cortex_width": 128, "blocks": 2, "points": 4, "channels": 8,
         "repeats": 2, "num_classes": 7}  # fmt: skip
P, P_MIXED, C, HIDDEN = 16, 32, 64, 128


def small(**options):
    torch.manual_seed(0)
    return BootstrappedSparseFormer(**{**SMALL, **options}).eval()


def look(d):
    """Offsets, generator, mixing, output, code of the position: MACs of one token."""
    return (d*2*P + d*HIDDEN + HIDDEN*(C**2 + P_MIXED*P) + P*C**2 + P_MIXED*P*C
            + P_MIXED*C*d + d*d)  # fmt: skip


def look_parameters(d):
    generator = 2 * d + d * HIDDEN + HIDDEN + (HIDDEN + 1) * (C**2 + P_MIXED * P)
    return (2*d + d*2*P + 2*P) + generator + (P_MIXED*C*d + d) + (2*d + d*d + d)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "N", "d_f", "d_c", "blocks", "written", "bias", "gmac", "millions"),
    [
        ("augreg_b", 49, 384, 768, 8, 1000, 1, 3.778, 64.19),
        ("augreg_l", 49, 512, 1024, 16, 1000, 1, 11.343, 212.43),
        ("clip_b", 49, 384, 768, 8, 512, 0, 3.778, 63.81),
        ("clip_l", 64, 512, 1024, 16, 768, 0, 14.823, 212.19),
    ],
)
def test_macs_and_parameters_by_arithmetic(  # noqa: PLR0917 - the sizes of one network
    name, N, d_f, d_c, blocks, written, bias, gmac, millions
):
    """The class token is one of N; four repeats share their weights, but for an embedding each."""
    record = counted(f"sparseformer_{name}")
    n = N - 1
    focusing = n * (look(d_f) + 12 * d_f**2 + d_f * (d_f + 4)) + 2 * n**2 * d_f
    inherited = blocks * (12 * N * d_c**2 + 2 * N**2 * d_c)
    macs = (147 * C * 112**2 + 4 * focusing + n * d_f * d_c + n * look(d_c) + inherited
            + d_c * written)  # fmt: skip
    assert record.macs == macs
    assert round(macs / 1e9, 3) == gmac
    block = lambda d: 12 * d**2 + 13 * d  # noqa: E731 - weights, biases and two norms
    roi = 2 * d_f + d_f * (d_f + 1) + 4 * d_f
    params = (C * 148 + n * 4 + d_f + d_c + look_parameters(d_f) + block(d_f) + roi + 4 * d_f
              + d_f * d_c + d_c + look_parameters(d_c) + blocks * block(d_c)
              + 2 * d_c + d_c * written + bias * written)  # fmt: skip
    assert record.parameters.total == params
    assert round(params / 1e6, 2) == millions
    assert record.complete


def test_augreg_large_by_part():
    """What the authors' library was measured to have, in millions."""
    work = {}
    for stage in stage_work(counted("sparseformer_augreg_l")):
        part = stage.stage.partition(".")[0]
        macs, weights = work.get(part, (0, 0))
        work[part] = macs + stage.macs, weights + stage.weights
    measured = {"stem": 118.0, "bridge": 25.2, "lifting": 191.9, "head": 1.0}
    for part, macs in measured.items():
        assert round(work[part][0] / 1e6, 1) == macs
    assert work["focusing"][0] / 1e6 == pytest.approx(1063.6, abs=0.06)
    assert work["inherited"][0] / 16 / 1e6 == pytest.approx(621.5, abs=0.06)
    assert round(work["lifting"][1] / 1e6, 2) == 3.91
    assert round(work["bridge"][1] / 1e6, 2) == 0.53
    assert round(work["inherited"][1] / 16 / 1e6, 2) == 12.60


def test_only_the_stem_depends_on_the_image():
    records = [counted("sparseformer_augreg_b", size) for size in ((128, 160), (384, 384))]
    stems = [147 * C * 64 * 80, 147 * C * 192 * 192]
    assert records[0].macs - stems[0] == records[1].macs - stems[1]


def test_position_code_by_hand():
    """Angles π·corner·128^(i/(d/4-1)); sines of the even ones, then cosines of the odd."""
    rois = torch.tensor([[[0.1, 0.2, 0.6, 0.9]]])
    found = position_code(rois, 16)[0, 0]
    for place, corner in enumerate((0.1, 0.2, 0.6, 0.9)):
        angles = [math.pi * corner * 128 ** (step / 3) for step in range(4)]
        expected = [math.sin(angles[0]), math.sin(angles[2]), math.cos(angles[1]),
                    math.cos(angles[3])]  # fmt: skip
        assert found[4 * place : 4 * place + 4].tolist() == pytest.approx(expected, abs=1e-4)


def test_mixing_has_one_gelu_after_both_products():
    x, channel, point = torch.randn(1, 2, 4, 3), torch.randn(1, 2, 3, 3), torch.randn(1, 2, 6, 4)
    expected = torch.nn.functional.gelu(torch.einsum("bnqp,bnpc,bncd->bnqd", point, x, channel))
    torch.testing.assert_close(WideningMixing()(x, channel, point), expected)


def test_points_outside_read_the_border():
    maps = torch.arange(6.0).view(1, 1, 2, 3)
    outside = torch.tensor([[[[-1.0, -1.0], [2.0, 2.0]]]])
    assert sampled(maps, outside, outside="border").flatten().tolist() == [0.0, 5.0]
    assert sampled(maps, outside).flatten().tolist() == [0.0, 0.0]


def test_a_block_samples_before_it_moves_its_rois():
    """The first look is where the net starts, each repeat moves them, the last look stays there."""
    net = small()
    torch.nn.init.normal_(net.focusing.roi.deltas.weight, std=0.05)
    seen = net.see(torch.randn(2, 3, 48, 48))
    assert len(seen.glimpses) == 3
    start = net.initial.rois.detach().expand(2, -1, -1)
    assert torch.equal(seen.glimpses[0].rois, start)
    assert not torch.equal(seen.glimpses[1].rois, start)
    assert torch.equal(seen.glimpses[2].rois, seen.rois)
    assert seen.tokens.shape == (2, 5, 128)
    assert seen.glimpses[0].points.shape == (2, 4, 4, 2)


def test_an_inverted_roi_is_looked_at_in_a_mirror_until_it_is_adjusted():
    """Its size is negative where points are placed, and taken without sign where RoIs move."""
    net, image = small(), torch.randn(1, 3, 48, 48)
    net.initial.rois.data[:] = torch.tensor([0.2, 0.1, 0.8, 0.5])
    upright = net.see(image)
    net.initial.rois.data[:] = torch.tensor([0.8, 0.1, 0.2, 0.5])  # x1 and x2 change places
    inverted = net.see(image)
    first, second = upright.glimpses[0].points, inverted.glimpses[0].points
    torch.testing.assert_close(second[..., 0], 1.0 - first[..., 0])
    torch.testing.assert_close(second[..., 1], first[..., 1])
    assert not torch.allclose(second[..., 0], first[..., 0], atol=0.1)
    assert torch.equal(inverted.glimpses[0].rois[0, 0], torch.tensor([0.8, 0.1, 0.2, 0.5]))
    torch.testing.assert_close(inverted.glimpses[1].rois, upright.glimpses[1].rois)
    torch.testing.assert_close(inverted.rois, upright.rois)


def test_the_head_reads_the_class_token_alone():
    net = small()
    seen = net.see(torch.randn(1, 3, 48, 48))
    changed = seen.tokens.clone()
    changed[:, 1:] += 1
    assert torch.equal(net.head(changed), net.head(seen.tokens))
    net.initial.class_token.data += 1
    assert not torch.equal(net.head(net.inherited(changed)), net.head(changed))


def test_only_rois_tell_tokens_apart():
    """Equal RoIs give equal tokens; the order of RoIs does not matter."""
    net, image = small(), torch.randn(1, 3, 48, 48)
    before = net(image)
    net.initial.rois.data = net.initial.rois.data[torch.tensor([2, 0, 3, 1])]
    torch.testing.assert_close(net(image), before, atol=1e-5, rtol=1e-5)
    net.initial.rois.data[:] = torch.tensor([0.1, 0.2, 0.7, 0.8])
    tokens = net.see(image).tokens[0, 1:]
    torch.testing.assert_close(tokens, tokens[:1].expand(4, -1), atol=1e-5, rtol=1e-5)


def test_mixing_starts_unconditional_and_points_in_a_grid():
    net = small()
    channel, point = net.focusing.generator(torch.randn(1, 4, 64))
    assert (channel.shape, point.shape) == ((1, 4, 8, 8), (1, 4, 32, 4))
    assert torch.equal(channel[0, :1].expand(4, -1, -1), channel[0])
    seen = net.see(torch.randn(1, 3, 48, 48)).glimpses[0]
    low, high = seen.rois.chunk(2, dim=-1)
    within = (seen.points - low[..., None, :]) / (high - low)[..., None, :]
    torch.testing.assert_close(within, within[:, :1].expand(-1, 4, -1, -1))


def test_clip_s_blocks_have_their_own_activation_and_all_norms_the_library_s_epsilon():
    net = small(activation="quick_gelu", head_bias=False)
    assert net.head.fc.bias is None
    assert {type(part) for part in net.inherited.feed_forward} == {QuickFeedForward}
    norms = [part for part in net.modules() if isinstance(part, torch.nn.LayerNorm)]
    assert {norm.eps for norm in norms} == {1e-5}
    part = net.inherited.feed_forward[0]
    x = torch.randn(1, 2, 128)
    hidden = part.widen(part.norm(x))
    torch.testing.assert_close(part(x), part.narrow(hidden * torch.sigmoid(1.702 * hidden)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tokens": 1}, "must be at least 2, not 1 and 8"),
        ({"channels": 1}, "must be at least 2, not 5 and 1"),
        ({"width": 100}, "width must be a multiple of 64, the width of a head, not 100"),
        ({"points": 15}, "points=15 is not a square grid"),
        ({"repeats": 0}, "repeats must be at least 1"),
        ({"activation": "relu"}, "activation is one of gelu, quick_gelu, not 'relu'"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(options, said):
    with pytest.raises(BadOption, match=said):
        BootstrappedSparseFormer(**{**SMALL, **options})
