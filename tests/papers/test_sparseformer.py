"""SparseFormer for images: what it counts, where it starts, and that it is the paper's function."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import vtbench
from vtbench.count.count_workload import count_workload
from vtbench.data.stages import stage_work
from vtbench.data.workload import Workload
from vtbench.errors import BadOption, BadResolution
from vtbench.papers.sparseformer.networks.adaptive_mixing import Mixing
from vtbench.papers.sparseformer.networks.classifier import SparseFormer
from vtbench.papers.sparseformer.networks.early_features import (
    EarlyConvolution,
    PatchEmbedding,
    channel_normalised,
)
from vtbench.papers.sparseformer.networks.latent_transformers import (
    AttentionProducts,
    SelfAttention,
)
from vtbench.papers.sparseformer.networks.sampling import (
    adjusted,
    initial_rois,
    normalised,
    placed,
    restricted,
    sampled,
)

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {
    "tokens": 9, "width": 64, "cortex_width": 96, "repeats": 2, "blocks": 2, "points": 16,
    "channels": 16, "heads": 16, "num_classes": 10, "drop_path": 0.0,
}  # fmt: skip
KINDS = {
    "adaptive": {},
    "static": {"mixing": "static"},
    "linear": {"mixing": "linear"},
    "vit8": {"feature": "vit8"},
    "rgb": {"feature": "rgb", "channels": None},
    "no repeats": {"repeats": 0},
    "nil": {"repeats": 0, "fixed_rois": True},
    "cell": {"roi_size": "cell"},
    "whole": {"roi_size": "whole"},
    "tokens in no square": {"tokens": 7},
    "one token": {"tokens": 1},
}


def made(**options):
    torch.manual_seed(0)
    return SparseFormer(**SMALL | options)


def shaken(net):
    """A net that no initial zero makes simpler: every parameter moved at random."""
    torch.manual_seed(1)
    with torch.no_grad():
        for path, parameter in net.named_parameters():
            # RoIs stay where there is something to see.
            parameter.add_(torch.randn_like(parameter) * (0.02 if path.endswith("rois") else 0.1))
    return net


# Sizes of table 1: N, d_f, d_c, blocks of the cortex. C = 96, P = 36, four repeats, 224x224.
VARIANTS = {"t": (49, 256, 512, 8), "s": (64, 320, 640, 8), "b": (81, 384, 768, 10)}
C, P = 96, 36


def hand_counted(N, df, dc, blocks, C=C, P=P):
    """Multiply-adds of every stage, from its products."""

    def stages(d, repeats, reads):
        return {
            "attention": repeats * 4 * N * d * d,
            "products": repeats * 2 * N * N * d,
            "sampling": reads * N * d * (4 + 2 * P),
            "decoding.generator": reads * N * (d * d // 4 + d // 4 * (C * C + P * P)),
            "decoding.mixing": reads * N * (P * C * C + P * P * C),
            "decoding.output": reads * N * P * C * d,
            "feed_forward": repeats * 8 * N * d * d,
        }

    return {
        "stem": 3 * 7 * 7 * C * 112 * 112,
        "initial": 0,
        **{f"focusing.{name}": macs for name, macs in stages(df, 4, 4).items()},
        "bridge": N * df * dc,
        **{f"cortex.{name}": macs for name, macs in stages(dc, blocks, 1).items()},
        "head": dc * 1000,
    }


def counted_in_all(*sizes, **of_sampling):
    return sum(hand_counted(*sizes, **of_sampling).values())


def hand_weighed(N, df, dc, blocks):
    """Parameters of the stem, the initial tokens, each transformer, the bridge, the head."""

    def block(d):
        attention = 2 * d + 3 * d * d + 3 * d + d * d + d
        return attention + 2 * d + 4 * d * d + 4 * d + 4 * d * d + d

    def reading(d):
        heads = 2 * d + 4 * d + 2 * d + 2 * P * d + 2 * P
        generator = 2 * d + d * d // 4 + d // 4 + (d // 4 + 1) * (C * C + P * P)
        return heads + generator + C + P + P * C * d + d

    return {
        "stem": 3 * 7 * 7 * C + C,
        "initial": N * df + N * 4,
        "focusing": block(df) + reading(df),
        "bridge": df * dc + dc + 2 * dc,
        "cortex": blocks * block(dc) + reading(dc),
        "head": 2 * dc + 1000 * dc + 1000,
    }


@pytest.mark.parametrize(
    ("size", "macs", "parameters"),
    [
        ("t", 2_177_623_552, 31_522_212),
        ("s", 3_990_381_568, 47_575_056),
        ("b", 7_987_256_832, 81_076_996),
    ],
)
def test_stages_count_as_by_hand_and_sum_to_the_whole(size, macs, parameters):
    record = count_workload(Workload(model=f"sparseformer_{size}"))
    by_hand = hand_counted(*VARIANTS[size])
    counted = {work.stage: work.macs for work in stage_work(record)}
    assert counted == by_hand
    assert sum(by_hand.values()) == record.macs == macs
    assert record.complete
    weighed = hand_weighed(*VARIANTS[size])
    with torch.device("meta"):
        net = SparseFormer(
            **dict(zip(("tokens", "width", "cortex_width", "blocks"), VARIANTS[size], strict=True))
        )
    own = {
        name: sum(each.numel() for each in part.parameters()) for name, part in net.named_children()
    }
    assert own == weighed
    assert sum(own.values()) == parameters == record.parameters.total


# The rows of tables 3 and 4 that change a whole net, from the differences to SparseFormer-T.
FOCUSING = sum(
    macs for name, macs in hand_counted(*VARIANTS["t"]).items() if name.startswith("focusing")
)
GENERATORS = 4 * 49 * (256 * 64 + 64 * (96**2 + 36**2)) + 49 * (512 * 128 + 128 * (96**2 + 36**2))
MIXINGS = 5 * 49 * (36 * 96**2 + 36**2 * 96)
T = 2_177_623_552
STEM = 147 * 96 * 112 * 112


@pytest.mark.parametrize(
    ("options", "macs"),
    [
        ({"repeats": 0}, T - FOCUSING),
        ({"repeats": 8}, T + FOCUSING),
        ({"repeats": 1}, T - 3 * FOCUSING // 4),
        ({"repeats": 0, "fixed_rois": True}, T - FOCUSING - 49 * 512 * (4 + 2 * 36)),
        ({"mixing": "linear"}, T - GENERATORS - MIXINGS),
        ({"mixing": "static"}, T - GENERATORS),
        ({"feature": "vit8"}, T - STEM + 192 * 96 * 28 * 28),
        ({"feature": "rgb"}, counted_in_all(49, 256, 512, 8, C=3) - 147 * 3 * 112 * 112),
        ({"points": 16}, counted_in_all(49, 256, 512, 8, P=16)),
        ({"points": 64}, counted_in_all(49, 256, 512, 8, P=64)),
        ({"tokens": 9}, counted_in_all(9, 256, 512, 8)),
        ({"tokens": 81, "width": 384}, counted_in_all(81, 384, 512, 8)),
        ({"roi_size": "cell"}, T),
    ],
)
def test_ablations_count_what_they_leave_out(options, macs):
    with torch.device("meta"):
        net = SparseFormer(**options)
        assert vtbench.count(net, torch.empty(1, 3, 224, 224)).macs == macs


def test_only_the_stem_depends_on_the_image():
    """MACs less 147·C·⌈H/2⌉·⌈W/2⌉ are one number at every size."""
    with torch.device("meta"):
        net = SparseFormer()
        rest = {
            vtbench.count(net, torch.empty(1, 3, H, W)).macs
            - 147 * 96 * math.ceil(H / 2) * math.ceil(W / 2)
            for H, W in ((224, 224), (512, 512), (7, 7), (225, 97))
        }
    assert rest == {T - STEM}


def test_the_formula_says_so(vtbench):
    ended = vtbench("formula", "sparseformer_t", "-o", "blocks=1")
    assert ended.status == 0
    rest = T - STEM - 7 * (12 * 49 * 512**2 + 2 * 49**2 * 512)
    assert f"14112*B*ceiling(H/2)*ceiling(W/2) + {rest}*B" in ended.out


def test_points_start_as_a_grid_that_fills_the_roi():
    """Half of 5/6, by three deviations of √(1/12) each: ±0.4811 of a side."""
    net = SparseFormer(tokens=4, num_classes=10)
    nn.init.zeros_(net.cortex.sampling.points.linear.weight)
    nn.init.zeros_(net.focusing.sampling.points.linear.weight)
    rois, points = net.see(torch.randn(1, 3, 32, 32)).glimpses[0]
    offsets = (points - (rois[..., None, :2] + rois[..., None, 2:]) / 2) / 0.5
    reach = (5 / 12) / (3 * math.sqrt(1 / 12))
    assert math.isclose(reach, 0.4811, abs_tol=1e-4)
    row = torch.linspace(-reach, reach, 6)
    assert torch.allclose(offsets[0, 0, :6, 0], row, atol=1e-5)
    assert torch.allclose(offsets[0, 0, ::6, 1], row, atol=1e-5)
    assert torch.allclose(offsets[0, 0, :6, 1], row[:1], atol=1e-5)


@pytest.mark.parametrize("tokens", [1, 2, 7, 9, 49, 64, 81, 400])
@pytest.mark.parametrize("size", ["half", "cell", "whole"])
def test_rois_start_inside_the_image(tokens, size):
    rois = initial_rois(tokens, size)
    assert rois.shape == (tokens, 4)
    assert (rois >= 0).all()
    assert (rois <= 1 + 1e-6).all()
    squares = 0 if size == "whole" else math.isqrt(tokens) ** 2
    assert torch.equal(rois[squares:], torch.tensor([0.0, 0, 1, 1]).expand(tokens - squares, 4))


def test_initial_rois_by_hand():
    """Halves have their corners up to the middle, x slowest; cells tile."""
    assert initial_rois(4, "half").tolist() == [
        [0, 0, 0.5, 0.5], [0, 0.5, 0.5, 1], [0.5, 0, 1, 0.5], [0.5, 0.5, 1, 1],
    ]  # fmt: skip
    assert initial_rois(9, "half")[1].tolist() == [0, 0.25, 0.5, 0.75]
    assert initial_rois(16, "cell")[6].tolist() == [0.25, 0.5, 0.5, 0.75]
    assert initial_rois(1, "half").tolist() == [[0.25, 0.25, 0.75, 0.75]]
    assert initial_rois(1, "cell").tolist() == [[0, 0, 1, 1]]


def test_mixing_starts_the_same_for_all_tokens_and_xavier():
    net = made(points=36, channels=96)
    channel_weights, point_weights = net.cortex.decoding.generator(torch.randn(2, 9, 96))
    for weights, side in ((channel_weights, 96), (point_weights, 36)):
        assert torch.equal(weights, weights[:1, :1].expand_as(weights))
        bound = math.sqrt(6 / (2 * side))
        assert 0.95 * bound < weights.abs().max() <= bound


@torch.no_grad()
def test_weights_start_as_the_paper_says():
    net = SparseFormer()
    assert not net.focusing.sampling.adjustment.linear.weight.any()
    assert math.isclose(net.cortex.sampling.points.linear.weight.std(), 0.02, rel_tol=0.05)
    assert math.isclose(net.cortex.attention[3].qkv.weight.std(), 0.02, rel_tol=0.05)
    assert not net.cortex.attention[3].qkv.bias.any()
    assert not net.head.fc.bias.any()
    assert net.initial.embeddings.abs().max() <= 2
    assert math.isclose(net.initial.embeddings.std(), 0.88, rel_tol=0.05)  # 1, cut at 2
    assert torch.equal(net.focusing.decoding.generator.norm.weight, torch.full((256,), 256**-0.5))
    assert math.isclose(
        net.stem.conv.weight.std(), math.sqrt(2 / (96 * 49)), rel_tol=0.05
    )  # by what leaves a channel
    assert all(part.eps == 1e-6 for part in net.modules() if isinstance(part, nn.LayerNorm))
    assert [round(rate, 4) for rate in (*net.drops[0], *net.drops[1])] == [
        round(0.2 * entry / 11, 4) for entry in range(12)
    ]


def test_scaled_and_shifted_offsets_give_the_same_points():
    offsets = torch.randn(2, 3, 36, 2, dtype=torch.double)
    rois = torch.rand(2, 3, 4, dtype=torch.double)
    points = placed(normalised(offsets), rois)
    moved = 5 * offsets + torch.tensor([3.0, -7.0])
    assert torch.allclose(placed(normalised(moved), rois), points, atol=1e-6)


def test_points_are_eq_3_without_its_half():
    rois = torch.tensor([[[0.1, 0.2, 0.5, 0.8]]], dtype=torch.double)
    raw = torch.randn(1, 1, 4, 2, dtype=torch.double)
    points = placed(normalised(raw), rois)
    for axis, (centre, size) in enumerate(((0.3, 0.4), (0.5, 0.6))):
        o = raw[0, 0, :, axis]
        deviation = math.sqrt(((o - o.mean()) ** 2).sum() / 3)
        expected = centre + (o - o.mean()) / (3 * (deviation + 1e-7)) * size
        assert torch.allclose(points[0, 0, :, axis], expected)


def test_rois_move_by_their_old_size_and_scale_exponentially():
    rois = torch.tensor([[[0.6, 0.2, 0.2, 0.4]]])  # corners the wrong way round: size is absolute
    deltas = torch.tensor([[[0.5, -1.0, math.log(2), math.log(0.5)]]])
    # centre (0.4, 0.3), size (0.4, 0.2) -> centre (0.6, 0.1), size (0.8, 0.1)
    assert torch.allclose(adjusted(rois, deltas), torch.tensor([[[0.2, 0.05, 1.0, 0.15]]]))


def test_sampling_is_bilinear_with_zeros_outside():
    """A map whose value is its column plus ten times its row; pixel centres lie at halves."""
    height, width = 4, 6
    ramp = torch.arange(width) + 10.0 * torch.arange(height)[:, None]
    points = torch.tensor(
        [[0.5 / 6, 0.5 / 4], [2.5 / 6, 1.5 / 4], [3.0 / 6, 2.0 / 4], [6.0 / 6, 0.5 / 4], [1.5, 0.5]]
    )
    read = sampled(ramp[None, None], points[None, None])
    # The third lies between columns 2 and 3 and rows 1 and 2; the fourth is half outside.
    assert torch.allclose(read.flatten(), torch.tensor([0, 12, 17.5, 5 / 2, 0]), atol=1e-5)


def test_gradients_of_points_are_clamped_to_a_row_of_the_map():
    points = torch.zeros(3, requires_grad=True)
    restricted(points, 0.25).backward(torch.tensor([0.1, 7.0, -7.0]))
    assert points.grad.tolist() == pytest.approx([0.1, 0.25, -0.25])


@pytest.mark.parametrize("scale", [1.0, 1024.0])
def test_no_gradient_of_a_point_exceeds_the_bound_in_a_net(scale, monkeypatch):
    """1/8 at a map of 8 rows, times the scale of the loss; a steep map would give more."""
    net = shaken(made())
    net.set_loss_scale(scale)
    seen = []

    def spied(points, bound):
        # What passes the clamp; the points lead on to the RoIs of earlier stages as well.
        own = points.clone()
        own.register_hook(seen.append)
        return restricted(own, bound)

    monkeypatch.setattr("vtbench.papers.sparseformer.networks.sampling.restricted", spied)
    net(torch.randn(2, 3, 32, 48)).sum().mul(1e6 * scale).backward()
    assert len(seen) == 3  # two repeats and the cortex
    assert max(float(gradient.abs().max()) for gradient in seen) == scale / 8


def test_the_order_of_tokens_does_not_matter():
    net = shaken(made()).double().eval()
    image = torch.randn(2, 3, 32, 48, dtype=torch.double)
    with torch.no_grad():
        before = net(image)
        order = torch.randperm(9)
        net.initial.embeddings.copy_(net.initial.embeddings[order])
        net.initial.rois.copy_(net.initial.rois[order])
        assert torch.allclose(net(image), before, atol=1e-10)
        net.initial.rois.copy_(net.initial.rois[torch.randperm(9)])
        assert not torch.allclose(net(image), before, atol=1e-4)


def test_attention_is_written_out():
    """Head by head, with scores divided by the root of a head's width."""
    torch.manual_seed(0)
    attention = SelfAttention(64, heads=16).double()
    for parameter in attention.parameters():
        nn.init.normal_(parameter)
    tokens = torch.randn(2, 9, 64, dtype=torch.double)
    normed = F.layer_norm(tokens, (64,), attention.norm.weight, attention.norm.bias, 1e-6)
    query, key, value = F.linear(normed, attention.qkv.weight, attention.qkv.bias).chunk(3, dim=-1)
    heads = []
    for q, k, v in zip(*(each.chunk(16, dim=-1) for each in (query, key, value)), strict=True):
        weights = (torch.einsum("bqc,bkc->bqk", q, k) / math.sqrt(4)).softmax(-1)
        heads.append(torch.einsum("bqk,bkc->bqc", weights, v))
    expected = F.linear(torch.cat(heads, dim=-1), attention.out.weight, attention.out.bias)
    assert torch.allclose(attention(tokens, AttentionProducts()), expected)


def test_mixing_is_written_out():
    torch.manual_seed(0)
    mixing = Mixing(channels=6, points=4).double()
    nn.init.normal_(mixing.channel_bias)
    nn.init.normal_(mixing.point_bias)
    x = torch.randn(2, 3, 4, 6, dtype=torch.double)
    M_c = torch.randn(2, 3, 6, 6, dtype=torch.double)
    M_s = torch.randn(2, 3, 4, 4, dtype=torch.double)
    y = F.gelu(torch.einsum("bnpi,bnio->bnpo", x, M_c) + mixing.channel_bias)
    z = F.gelu(torch.einsum("bnoi,bnic->bnoc", M_s, y) + mixing.point_bias[:, None])
    assert torch.allclose(mixing(x, M_c, M_s), z)


def test_early_convolution_is_written_out():
    torch.manual_seed(0)
    stem = EarlyConvolution(8).double()
    image = torch.randn(2, 3, 30, 33, dtype=torch.double)
    x = F.conv2d(F.pad(image, (3, 3, 3, 3)), stem.conv.weight, stem.conv.bias, stride=2).relu()
    x = F.pad(x, (1, 1, 1, 1), value=-math.inf).unfold(2, 3, 2).unfold(3, 3, 2).amax((-1, -2))
    assert x.shape == (2, 8, 8, 9)
    mean = x.mean(1, keepdim=True)
    variance = ((x - mean) ** 2).sum(1, keepdim=True) / 7
    assert torch.allclose(stem(image), (x - mean) / (variance + 1e-7).sqrt())


def test_the_norm_of_the_map_is_fp32_at_least():
    assert channel_normalised(torch.randn(1, 4, 2, 2).half()).dtype == torch.float32
    assert channel_normalised(torch.randn(1, 4, 2, 2).double()).dtype == torch.float64


def test_patches_keep_their_places():
    stem = PatchEmbedding(8)
    image = torch.randn(1, 3, 16, 24)
    patch = image[0, :, 8:16, 16:24].flatten()
    x = stem.conv.weight.flatten(1) @ patch + stem.conv.bias
    expected = (x - x.mean()) / (x.var() + 1e-7).sqrt()
    assert torch.allclose(stem(image)[0, :, 1, 2], expected, atol=1e-5)


def test_every_stage_tells_where_it_looked():
    net = shaken(made()).eval()
    seen = net.see(torch.randn(2, 3, 32, 48))
    assert [tuple(glimpse.rois.shape) for glimpse in seen.glimpses] == 3 * [(2, 9, 4)]
    assert [tuple(glimpse.points.shape) for glimpse in seen.glimpses] == 3 * [(2, 9, 16, 2)]
    assert torch.equal(seen.rois, seen.glimpses[-1].rois)
    assert seen.feature_map.shape == (2, 16, 8, 12)
    # The first look is the same for all images, the second is not.
    assert torch.equal(seen.glimpses[0].points[0], seen.glimpses[0].points[1])
    assert not torch.allclose(seen.glimpses[1].points[0], seen.glimpses[1].points[1])


def test_fixed_rois_never_move():
    net = shaken(made(repeats=0, fixed_rois=True))
    seen = net.see(torch.randn(1, 3, 32, 32))
    assert torch.equal(seen.rois[0], initial_rois(9, "half"))
    assert not any("rois" in path for path, _ in net.named_parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_reaches_every_parameter(kind):
    net = shaken(made(**KINDS[kind])).double()
    out = net(torch.randn(2, 3, 32, 48, dtype=torch.double))
    (out * torch.randn_like(out)).sum().backward()
    for path, parameter in net.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
        # Alone, a token attends to itself whatever its query and key.
        assert parameter.grad.any() or (kind == "one token" and "attention" in path), path


@pytest.mark.parametrize("kind", ["adaptive", "static", "nil"])
def test_a_few_steps_lower_the_loss(kind):
    net = made(**KINDS[kind] | {"drop_path": 0.1}).train()
    image, classes = torch.randn(8, 3, 32, 32), torch.arange(8)
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.003)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(image), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < 0.8 * losses[0]


def test_rois_learn_where_to_look():
    """A bright square in one place: after a few steps the RoIs have moved."""
    net = made(drop_path=0.0).train()
    image = torch.zeros(4, 3, 32, 32)
    image[:2, :, 4:12, 4:12] = 3.0
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(net(image), torch.tensor([0, 0, 1, 1])).backward()
        optimizer.step()
    assert not torch.equal(net.initial.rois.detach(), initial_rois(9, "half"))
    assert net.focusing.sampling.adjustment.linear.weight.any()


def test_stochastic_depth_drops_whole_samples_and_nothing_while_evaluating():
    net = made().cortex
    tokens = torch.ones(4000, 3, 2)
    mask = net.mask(tokens, 0.25)
    assert mask.shape == (4000, 1, 1)
    assert mask.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert math.isclose(float((mask == 0).float().mean()), 0.25, abs_tol=0.03)
    assert net.mask(tokens, 0.0) is None
    assert net.eval().mask(tokens, 0.25) is None


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_does_not_depend_on_what_else_is_in_the_batch(kind):
    net = shaken(made(**KINDS[kind])).double().eval()
    image = torch.randn(3, 3, 32, 48, dtype=torch.double)
    with torch.no_grad():
        together, alone = net(image), net(image[1:2])
    assert together.isfinite().all()
    assert torch.allclose(together[1:2], alone, atol=1e-9)
    assert not torch.allclose(together[:1], alone, atol=1e-3)


def test_weights_saved_are_weights_loaded():
    net, other = shaken(made()).eval(), made(points=16).eval()
    image = torch.randn(1, 3, 48, 32)
    with torch.no_grad():
        assert not torch.allclose(net(image), other(image))
        other.load_state_dict(net.state_dict())
        assert torch.equal(net(image), other(image))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_runs_and_is_near(dtype):
    net = shaken(made()).eval()
    image = torch.randn(2, 3, 48, 32)
    with torch.no_grad():
        exact = net(image)
        with torch.autocast("cpu", dtype):
            cast = net(image)
        half = net.to(dtype)(image.to(dtype))
    assert half.dtype == dtype
    for near in (half, cast):
        assert near.isfinite().all()
        assert (near.float() - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("training", [False, True])
def test_one_graph_without_breaks(training):
    net = made(drop_path=0.2).train(training)
    torch._dynamo.reset()
    explained = torch._dynamo.explain(net)(torch.randn(2, 3, 48, 32))
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)


def test_compiled_it_computes_the_same():
    net = shaken(made()).eval()
    image = torch.randn(2, 3, 48, 32)
    torch._dynamo.reset()
    with torch.no_grad():
        compiled = torch.compile(net, fullgraph=True, backend="aot_eager")(image)
        assert torch.allclose(compiled, net(image), atol=1e-5)


@pytest.mark.parametrize("size", [(7, 7), (17, 40), (225, 33)])
def test_sizes_that_divide_by_nothing_run(size):
    with torch.no_grad():
        out = made().eval()(torch.randn(1, 3, *size))
    assert out.shape == (1, 10)
    assert out.isfinite().all()


def test_decay_is_for_all_but_rois_biases_and_norms():
    net = made()
    decayed = {
        path
        for path, parameter in net.named_parameters()
        if parameter.ndim > 1 and path not in net.no_weight_decay()
    }
    assert "initial.embeddings" in decayed
    assert "initial.rois" not in decayed
    assert "cortex.decoding.output.weight" in decayed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tokens": 0}, "tokens must be at least 1, not 0"),
        ({"blocks": 0}, "blocks must be at least 1"),
        ({"points": 30}, "points=30 is not a square grid"),
        ({"points": 1}, "points=1 is not a square grid"),
        ({"repeats": -1}, "repeats must be at least 0, not -1"),
        ({"repeats": 2, "fixed_rois": True}, "fixed_rois=True and repeats=2 contradict"),
        ({"feature": "rgb", "channels": 96}, "feature=rgb and channels=96 contradict"),
        ({"feature": "resnet"}, "feature is one of conv, vit8, rgb, not 'resnet'"),
        ({"channels": 1}, "channels must be at least 2"),
        ({"mixing": "mlp"}, "mixing is one of adaptive, static, linear"),
        ({"roi_size": "tiny"}, "roi_size is one of half, cell, whole"),
        ({"norms": "v2"}, "norms is one of v1, library"),
        ({"path": "quick"}, "path is one of plain, fast"),
        ({"path": "fast", "mixing": "static"}, "path=fast works only with adaptive mixing"),
        ({"path": "fast", "repeats": 0, "fixed_rois": True}, "path=fast works only with adaptive"),
        ({"width": 100}, "width=100 is not a multiple of 64"),
        ({"heads": 3}, "width=256 is not a multiple of 3"),
        ({"drop_path": 1.0}, "drop_path must be at least 0 and below 1, not 1.0"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(options, said):
    with torch.device("meta"), pytest.raises(BadOption, match=said) as raised:
        SparseFormer(**options)
    assert str(raised.value).endswith(".")


@pytest.mark.parametrize(
    ("options", "size", "said"),
    [
        ({}, (6, 224), "An image of 6x224 is smaller than the 7x7 kernel"),
        ({"path": "fast"}, (224, 6), "An image of 224x6 is smaller than the 7x7 kernel"),
        ({"feature": "vit8"}, (60, 64), "An image of 60x64 cannot be cut into patches of 8x8"),
        ({"feature": "vit8"}, (4, 4), "An image of 4x4 cannot be cut into patches of 8x8"),
    ],
)
def test_images_that_are_too_small_are_refused_in_a_sentence(options, size, said):
    with torch.device("meta"), pytest.raises(BadResolution, match=said):
        SparseFormer(**options)(torch.empty(1, 3, *size))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "tokens=0"), "tokens must be at least 1"),
        (("-o", "points=35"), "not a square grid"),
        (("--resolution", "5"), "smaller than the 7x7 kernel"),
        (("-o", "path=fast", "-o", "mixing=linear"), "path=fast works only with adaptive mixing"),
    ],
)
def test_the_command_line_says_it_in_one_sentence_and_ends_with_2(vtbench, arguments, said):
    ended = vtbench("macs", "sparseformer_t", *arguments)
    assert ended.status == 2
    assert said in ended.err
    assert "Traceback" not in ended.err
