"""VideoSparseFormer: tubes, trilinear sampling, inflated tokens, and exact costs."""

from __future__ import annotations

import pytest
import torch
from counts_by_name import counted

from vtbench.data.stages import stage_work
from vtbench.errors import BadInput, BadOption
from vtbench.papers.sparseformer.networks.sampling import (
    RoIAdjustment,
    SamplingPoints,
    initial_rois,
    normalised,
    restricted,
    sampled,
)
from vtbench.papers.sparseformer.networks.video import VideoSparseFormer, tubes

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"tokens": 4, "width": 64, "cortex_width": 128, "blocks": 2, "points": 4, "channels": 8,
         "heads": 16, "repeats": 2, "num_classes": 5}  # fmt: skip
P, C, SIDE = 36, 96, 224 // 2


def small(**options):
    torch.manual_seed(0)
    return VideoSparseFormer(**{**SMALL, "inflation": 2, "frames": 4, **options}).eval()


def block(N, d):
    """Attention, products, heads of three axes, generator, mixing, output, feed-forward."""
    return (4*N*d**2, 2*N**2*d, N*d*(6 + 3*P), N*(d*d//4 + d//4*(C**2 + P**2)),
            N*(P*C**2 + P**2*C), N*P*C*d, 8*N*d**2)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "tokens", "focusing", "cortex", "layers", "params"),
    [
        ("t", 49, 256, 512, 8, 31_333_632),
        ("s", 64, 320, 640, 8, 47_373_184),
        ("b", 81, 384, 768, 10, 80_880_736),
    ],
)
def test_macs_and_parameters_by_arithmetic(name, tokens, focusing, cortex, layers, params):
    """32 frames, each token 8 times; every group is a stage."""
    N, d_f, d_c = 8 * tokens, focusing, cortex
    record = counted(f"video_sparseformer_{name}")
    work = {stage.stage: stage.macs for stage in stage_work(record)}
    stem = 32 * 147 * C * SIDE**2
    looks = [4 * part for part in block(N, d_f)]
    attention, products, heads, generator, mixing, output, feed = block(N, d_c)
    once = [layers * attention, layers * products, heads, generator, mixing, output, layers * feed]
    assert work["stem"] == stem
    assert [work[f"focusing.{part}"] for part in STAGES] == looks
    assert work["bridge"] == N * d_f * d_c
    assert [work[f"cortex.{part}"] for part in STAGES] == once
    assert work["head"] == d_c * 400
    assert record.macs == stem + sum(looks) + N * d_f * d_c + sum(once) + d_c * 400
    assert record.parameters.total == params
    assert record.complete


STAGES = ("attention", "products", "sampling", "decoding.generator", "decoding.mixing",
          "decoding.output", "feed_forward")  # fmt: skip


def test_parameters_of_t_by_arithmetic():
    """Those of the image network with 400 classes, third axes, and a row for every copy."""
    image, d_f, d_c = 31_522_212, 256, 512
    classes = -600 * (d_c + 1)
    heads = 2 * (d_f + d_c) + P * (d_f + d_c) + 2 * P
    tokens = 8 * 49 * (d_f + 6) - 49 * (d_f + 4)
    assert counted("video_sparseformer_t").parameters.total == image + classes + heads + tokens


@pytest.mark.parametrize(("inflation", "macs"), [(1, 7.668), (4, 13.972), (16, 43.613)])
def test_the_rows_of_table_6(inflation, macs):
    """Full MACs; the paper prints others, which no convention gives for 16."""
    record = counted("video_sparseformer_t", inflation=inflation)
    assert round(record.macs / 1e9, 3) == macs


def test_only_the_stem_costs_more_for_more_pixels_and_frames():
    least = counted("video_sparseformer_t", frames=16, inflation=8, resolution=(112, 160))
    most = counted("video_sparseformer_t", frames=32, inflation=8)
    stems = [next(s.macs for s in stage_work(r) if s.stage == "stem") for r in (least, most)]
    assert stems == [16 * 147 * C * 56 * 80, 32 * 147 * C * 112 * 112]
    assert least.macs - stems[0] == most.macs - stems[1]


def test_tubes_tile_time_without_overlap():
    rois = initial_rois(9, "half")
    found = tubes(rois, 4)
    assert found.shape == (36, 6)
    for part in range(4):
        segment = found[9 * part : 9 * part + 9]
        assert torch.equal(segment[:, :2], rois[:, :2])
        assert torch.equal(segment[:, 3:5], rois[:, 2:])
        assert segment[:, 2].tolist() == [part / 4] * 9
        assert segment[:, 5].tolist() == [(part + 1) / 4] * 9


def test_points_start_in_a_grid_in_the_middle_of_their_tube():
    """In space they span 0.4811 of a side to either side: 5/12 over three deviations of 1/√12."""
    net = small(points=36)
    seen = net.see(torch.randn(1, 3, 4, 32, 32))
    first = seen.glimpses[0]
    low, high = first.rois.chunk(2, dim=-1)
    within = (first.points - ((low + high) / 2)[..., None, :]) / (high - low)[..., None, :]
    assert within[..., 2].abs().max() == 0
    assert len(seen.glimpses) == 3
    torch.manual_seed(0)
    points = SamplingPoints(64, 36, axes=3)
    points.initialise()
    torch.nn.init.zeros_(points.linear.weight)
    spread = points(torch.randn(1, 1, 64), torch.tensor([[[0.0, 0.0, 0.0, 1.0, 1.0, 1.0]]]))
    spread = (spread - 0.5)[0, 0]
    assert spread[:, 0].max().item() == pytest.approx(5 / 12 / (3 * (1 / 12) ** 0.5), abs=1e-5)
    assert spread[:, 1].min().item() == pytest.approx(-0.48113, abs=1e-5)
    assert torch.equal(spread[:, 2], torch.zeros(36))


def test_offsets_keep_the_laws_of_shift_and_scale_on_every_axis():
    offsets = torch.randn(2, 5, 9, 3, dtype=torch.double)
    shifted = 3.5 * offsets + torch.tensor([7.0, -2.0, 0.25])
    torch.testing.assert_close(normalised(shifted), normalised(offsets), atol=1e-6, rtol=1e-6)


def test_offsets_that_are_equal_stay_finite_and_so_do_their_gradients():
    offsets = torch.zeros(1, 1, 4, 3, requires_grad=True)
    found = normalised(offsets)
    found.square().sum().backward()
    assert torch.equal(found, torch.zeros(1, 1, 4, 3))
    assert offsets.grad.isfinite().all()


def test_sampling_is_trilinear():
    """A map that is linear on every axis is read exactly, at pixel = point·side - 1/2."""
    T, H, W = 4, 6, 8
    t, y, x = torch.meshgrid(torch.arange(T), torch.arange(H), torch.arange(W), indexing="ij")
    maps = torch.stack([x + 10 * y + 100 * t, t.float()]).double()[None]
    points = torch.tensor(
        [[[[0.5, 0.5, 0.5], [0.3, 0.7, 0.6]], [[0.2, 0.4, 0.25], [2.0, 0.5, 0.5]]]]
    )
    found = sampled(maps, points.double())
    assert found.shape == (1, 2, 2, 2)
    assert found[0, 0, 0].tolist() == pytest.approx([3.5 + 10 * 2.5 + 100 * 1.5, 1.5])
    assert found[0, 0, 1].tolist() == pytest.approx([1.9 + 10 * 3.7 + 100 * 1.9, 1.9], abs=1e-5)
    assert found[0, 1, 0].tolist() == pytest.approx([1.1 + 10 * 1.9 + 100 * 0.5, 0.5], abs=1e-5)
    assert found[0, 1, 1].tolist() == [0.0, 0.0]


def test_tubes_are_adjusted_on_three_axes():
    adjustment = RoIAdjustment(8, axes=3)
    tube = torch.tensor([[0.0, 0.2, 0.5, 0.4, 0.4, 1.0]])
    deltas = torch.tensor([[0.5, 0.0, -0.5, 0.0, 0.6931472, 0.0]])
    moved = adjustment(tube, deltas)[0].tolist()
    assert moved == pytest.approx([0.2, 0.1, 0.25, 0.6, 0.5, 0.75])


def test_the_gradient_of_points_is_at_most_a_row_of_the_map_on_every_axis():
    points = torch.rand(1, 2, 4, 3, requires_grad=True)
    kept = []
    points.register_hook(kept.append)
    maps = 1000 * torch.randn(1, 3, 4, 16, 8)
    sampled(maps, restricted(points, 1 / maps.shape[-2])).sum().backward()
    assert kept[0].abs().max().item() == pytest.approx(1 / 16)


def test_every_frame_goes_through_the_stem_by_itself():
    net = small()
    clip = torch.randn(2, 3, 4, 32, 48)
    maps = net.mapped(clip)
    assert maps.shape == (2, 8, 4, 8, 12)
    for frame in range(4):
        torch.testing.assert_close(maps[:, :, frame], net.stem(clip[:, :, frame]))


def test_order_of_tokens_does_not_matter_and_time_does():
    net = small()
    torch.nn.init.normal_(net.initial.embeddings)
    clip = torch.randn(1, 3, 4, 32, 32)
    before = net(clip)
    assert (net(clip.flip(2)) - before).abs().max() > 1e-3
    order = torch.randperm(8)
    for table in (net.initial.embeddings, net.initial.rois):
        table.data = table.data[order]
    torch.testing.assert_close(net(clip), before, atol=1e-5, rtol=1e-5)


def test_longer_clips_are_seen_whole():
    """Tubes are in units of the clip, so frames past those that the model asks for are seen too."""
    net, clip = small(), torch.randn(1, 3, 8, 32, 32)
    changed = clip.clone()
    changed[:, :, 4:] += 1
    assert (net(changed) - net(clip)).abs().max() > 1e-4


def test_clips_that_do_not_fit_are_refused_in_a_sentence(vtbench):
    with pytest.raises(BadInput, match="A clip of 3 frames is shorter than the 4 that"):
        small()(torch.randn(1, 3, 3, 32, 32))
    with pytest.raises(BadInput, match="five sides, batch x 3 x frames x height x width, not 1x3x"):
        small()(torch.randn(1, 3, 32, 32))
    with pytest.raises(BadOption, match="inflation=8 and frames=4 contradict"):
        small(inflation=8)
    ended = vtbench("macs", "video_sparseformer_t", "--input", "image=1x3x16x64x64")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        "vtbench: video_sparseformer_t: A clip of 16 frames is shorter than the 32 that the model "
        "is made for; give a longer one, or the option frames.\n"
    )
    ended = vtbench("macs", "video_sparseformer_t", "-o", "frames=4")
    assert (ended.status, ended.out) == (2, "")
    assert "inflation=8 and frames=4 contradict" in ended.err


def test_the_clip_has_as_many_frames_as_asked():
    record = counted("video_sparseformer_t", frames=8, resolution=(64, 96))
    assert record.workload.resolution == (64, 96)
    stem = next(s.macs for s in stage_work(record) if s.stage == "stem")
    assert stem == 8 * 147 * C * 32 * 48
