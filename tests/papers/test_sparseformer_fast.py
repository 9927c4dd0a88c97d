"""The fast path of SparseFormer is the plain one's function, and forgets what weights outdate."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import vtbench
from vtbench.papers.sparseformer.networks.classifier import SparseFormer
from vtbench.papers.sparseformer.networks.fast import inference
from vtbench.papers.sparseformer.networks.fast.forward import attended_values
from vtbench.papers.sparseformer.networks.fast.inference import attended_values_in_powers_of_2
from vtbench.papers.sparseformer.networks.fast.row_sampling import (
    bordered,
    gathered,
    pooled,
    rows_of,
    taps,
)
from vtbench.papers.sparseformer.networks.sampling import sampled

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {
    "tokens": 9, "width": 64, "cortex_width": 96, "repeats": 2, "blocks": 2, "points": 16,
    "channels": 16, "heads": 16, "num_classes": 10, "drop_path": 0.0,
}  # fmt: skip
KINDS = {
    "default": {},
    "no repeats": {"repeats": 0},
    "one repeat": {"repeats": 1},
    "vit8": {"feature": "vit8"},
    "rgb": {"feature": "rgb", "channels": None},
    "library's norms": {"norms": "library"},
    "one token": {"tokens": 1},
    "whole": {"roi_size": "whole"},
}


def pair(dtype=torch.float32, spread=0.1, **options):
    """A plain and a fast net of the same weights, none of which is at its start."""
    torch.manual_seed(0)
    options = SMALL | options
    plain, fast = SparseFormer(**options), SparseFormer(path="fast", **options)
    with torch.no_grad():
        for path, parameter in plain.named_parameters():
            deviation = 0.02 if path.endswith("rois") else spread
            parameter.add_(torch.randn_like(parameter) * deviation)
    fast.load_state_dict(plain.state_dict())
    return plain.to(dtype).eval(), fast.to(dtype).eval()


def images(batch=3, height=32, width=48, dtype=torch.float32):
    generator = torch.Generator().manual_seed(2)
    return torch.randn(batch, 3, height, width, generator=generator).to(dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "with gradients"])
def test_it_is_the_plain_function_in_double_precision(kind, frozen):
    plain, fast = pair(torch.double, **KINDS[kind])
    image = images(dtype=torch.double)
    with torch.set_grad_enabled(not frozen):
        expected, scores = plain(image), fast(image)
    assert (fast.fast.cache is not None) == frozen
    assert expected.std() > 0.05
    assert torch.allclose(scores, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [(7, 7), (33, 97), (224, 160)])
def test_it_is_so_at_any_size(size):
    plain, fast = pair(torch.double)
    image = images(2, *size, dtype=torch.double)
    with torch.no_grad():
        assert float((fast(image) - plain(image)).abs().max()) < 1e-10


@pytest.mark.parametrize("drop_path", [0.0, 0.5])
def test_gradients_are_the_plain_path_s_in_training_too(drop_path):
    """With the same seed, the same samples leave out the same branches."""
    plain, fast = pair(torch.double, drop_path=drop_path)
    image = images(dtype=torch.double).requires_grad_()
    towards = torch.randn(3, 10, dtype=torch.double)
    gradients = []
    for net in (plain.train(), fast.train()):
        torch.manual_seed(3)
        gradients.append(
            torch.autograd.grad((net(image) * towards).sum(), [image, *net.parameters()])
        )
    for one, other in zip(*gradients, strict=True):
        assert float((one - other).abs().max()) < 1e-10 * max(1.0, float(one.abs().max()))


def test_logits_of_sparseformer_t_differ_by_less_than_a_hundred_thousandth():
    """In fp32, with packed weights; a net whose zero weights are drawn, logits of about one."""
    plain, fast = pair(spread=0.02, **SparseFormerT)
    image = images(2, 224, 224)
    with torch.inference_mode():
        expected, scores = plain(image), fast(image)
    assert fast.fast.cache.packs
    assert 0.2 < expected.std() < 5
    assert float((scores - expected).abs().max()) < 1e-5


SparseFormerT = {
    "tokens": 49, "width": 256, "cortex_width": 512, "repeats": 4, "blocks": 8, "points": 36,
    "channels": 96, "heads": 64, "num_classes": 1000,
}  # fmt: skip


def test_what_it_tells_is_the_caller_s_to_change():
    net, image = SparseFormer(**SMALL, path="fast").eval(), torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        first = net.see(image)[3][0][1].clone()
        net.see(image)[3][0][1].add_(1.0)
        assert torch.equal(net.see(image)[3][0][1], first)


def test_it_tells_where_it_looked():
    plain, fast = pair(torch.double)
    image = images(dtype=torch.double)
    with torch.no_grad():
        expected, seen = plain.see(image), fast.see(image)
    assert torch.allclose(seen.tokens, expected.tokens, atol=1e-10)
    assert torch.allclose(seen.feature_map, expected.feature_map, atol=1e-10)
    assert torch.allclose(seen.rois, expected.rois, atol=1e-10)
    assert len(seen.glimpses) == len(expected.glimpses) == 3
    for glimpse, other in zip(seen.glimpses, expected.glimpses, strict=True):
        assert torch.allclose(glimpse.rois, other.rois, atol=1e-10)
        assert torch.allclose(glimpse.points, other.points, atol=1e-10)


@pytest.mark.parametrize("mode", ["autocast", "weights"])
def test_bf16_is_as_near_to_fp32_as_the_plain_path(mode):
    plain, fast = pair(spread=0.05)
    image = images()
    with torch.no_grad():
        exact = plain(image)
        if mode == "autocast":
            with torch.autocast("cpu", torch.bfloat16):
                near, expected = fast(image), plain(image)
        else:
            near, expected = (net.bfloat16()(image.bfloat16()) for net in (fast, plain))
    assert near.dtype == expected.dtype == torch.bfloat16
    assert (near - exact).norm() < 2 * (expected - exact).norm() + 0.01 * exact.norm()


def test_fp16_and_autocast_after_fp32_run():
    plain, fast = pair()
    image = images()
    with torch.no_grad():
        exact = fast(image)
        with torch.autocast("cpu", torch.bfloat16):
            assert fast(image).dtype == torch.bfloat16
        assert torch.equal(fast(image), exact)
        half = fast.half()(image.half())
        assert (half.float() - exact).norm() < 0.05 * exact.norm()
    assert torch.allclose(exact, plain(image), atol=1e-4)


def changed_by_an_optimizer(net, image):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(image).sum().backward()
    optimizer.step()


def changed_by_loading(net, image):
    state = net.state_dict()
    net.load_state_dict({path: tensor * 1.1 for path, tensor in state.items()})


def changed_in_place(net, image):
    with torch.no_grad():
        net.cortex.attention[0].qkv.weight.mul_(1.5)


def changed_initial_tokens(net, image):
    with torch.no_grad():
        net.initial.embeddings.add_(0.3)


def changed_the_stem(net, image):
    with torch.no_grad():
        net.stem.conv.weight.mul_(-1)


def replaced_a_parameter(net, image):
    layer = net.cortex.feed_forward[1].narrow
    layer.weight = nn.Parameter(layer.weight.detach() * 2)


def replaced_data_twice(net, image):
    """The second might be given the memory of the first; its address would tell of nothing."""
    weight = net.focusing.decoding.generator.expand.weight
    values = weight.detach() * 2
    weight.data = weight.data.clone()
    weight.data = values


def rounded_by_precisions(net, image):
    net.bfloat16()
    net.float()


def changed_behind_torch(net, image):
    """In place through .data, of which torch keeps no version; eval() forgets."""
    net.bridge.linear.weight.data.mul_(2)
    net.eval()


@pytest.mark.parametrize(
    "change",
    [
        changed_by_an_optimizer, changed_by_loading, changed_in_place, changed_initial_tokens,
        changed_the_stem, replaced_a_parameter, replaced_data_twice, rounded_by_precisions,
        changed_behind_torch,
    ],
)  # fmt: skip
def test_what_is_kept_is_worked_out_anew_when_weights_change(change):
    plain, fast = pair()
    image = images()
    with torch.no_grad():
        before = fast(image)
        kept = fast.fast.cache
        assert torch.equal(fast(image), before)
        assert fast.fast.cache is kept
    change(fast, image)
    plain.load_state_dict(fast.state_dict())
    with torch.no_grad():
        after, expected = fast(image), plain(image)
    assert not torch.allclose(after, before, atol=1e-4)
    assert torch.allclose(after, expected, atol=1e-4)
    assert fast.fast.cache is not kept


def test_constants_are_of_one_size_and_batch():
    """Other sizes, other batches and the first again, in turn."""
    plain, fast = pair()
    with torch.no_grad():
        for shape in ((3, 32, 48), (1, 32, 48), (3, 48, 32), (2, 40, 40), (3, 32, 48)):
            image = images(*shape)
            assert torch.allclose(fast(image), plain(image), atol=1e-4)
            assert len(fast.fast.cache.kept) == 1


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5])
def test_parts_of_a_batch_sum_to_it(batch, monkeypatch):
    """Two images at once, where a last one may be left over."""
    monkeypatch.setattr(inference, "THREADS_PER_IMAGE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    plain, fast = pair(torch.double)
    image = images(batch, dtype=torch.double)
    with torch.no_grad():
        assert torch.allclose(fast(image), plain(image), atol=1e-10)
        assert torch.allclose(fast.see(image).tokens, plain.see(image).tokens, atol=1e-10)
        smaller = images(1, dtype=torch.double)
        assert torch.allclose(fast(smaller), plain(smaller), atol=1e-10)


def test_copies_and_pickles_start_without_what_was_kept():
    plain, fast = pair()
    image = images()
    with torch.no_grad():
        expected = fast(image)
        for other in (copy.deepcopy(fast), pickle.loads(pickle.dumps(fast))):  # noqa: S301 - ours
            assert other.fast.cache is None
            assert torch.equal(other(image), expected)
            assert other.fast.cache is not fast.fast.cache
    assert list(fast.state_dict()) == list(plain.state_dict())


def test_inference_tensors_keep_nothing():
    """They do not tell of changes."""
    with torch.inference_mode():
        plain, fast = pair()
        assert torch.allclose(fast(images()), plain(images()), atol=1e-4)
        assert fast.fast.cache is None


def test_who_watches_operators_sees_torch_s_own():
    """Counted on values, nothing is unknown; the last linear layer of the cortex takes one row."""
    plain, fast = pair()
    with torch.no_grad():
        fast(images())
        counts = []
        for net in (plain, fast):
            with vtbench.counting(net) as count:
                net(images())
            counts.append(count)
    assert counts[0].complete
    assert counts[1].complete
    assert counts[1].macs == counts[0].macs - 3 * (9 - 1) * 4 * 96**2
    assert vtbench.count(fast, images()).macs == counts[1].macs


@pytest.mark.parametrize("training", [False, True])
def test_one_graph_without_breaks(training):
    _, fast = pair(drop_path=0.2)
    torch._dynamo.reset()
    explained = torch._dynamo.explain(fast.train(training))(images())
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)


def test_compiled_it_computes_the_same():
    plain, fast = pair()
    torch._dynamo.reset()
    with torch.no_grad():
        compiled = torch.compile(fast, fullgraph=True, backend="aot_eager")(images())
        assert torch.allclose(compiled, plain(images()), atol=1e-4)


@pytest.mark.parametrize("size", [(8, 12), (7, 12), (8, 5), (2, 2)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_pooling_by_rows_is_pooling(size, dtype):
    x = torch.randn(2, 6, *size, dtype=dtype).to(memory_format=torch.channels_last)
    whole = F.max_pool2d(x, 3, stride=2, padding=1).relu().permute(0, 2, 3, 1)
    broken = x.clone()
    broken[0, 1, 1, 1] = torch.nan
    nans = pooled(broken.permute(0, 2, 3, 1), in_place=False).isnan()
    assert nans.any()
    assert torch.equal(pooled(broken.permute(0, 2, 3, 1), in_place=True).isnan(), nans)
    assert torch.equal(pooled(x.permute(0, 2, 3, 1), in_place=False), whole)
    assert torch.equal(pooled(x.permute(0, 2, 3, 1), in_place=True), whole)


def test_a_border_of_zeros_lies_around_a_map():
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(bordered(x, in_place=True), bordered(x, in_place=False))


def test_rows_are_read_as_grid_sample_reads_a_map():
    """Inside, on the edges, half outside, far outside."""
    torch.manual_seed(0)
    rows = rows_of(nn.Identity(), torch.randn(2, 5, 6, 4, dtype=torch.double), {})
    points = torch.rand(2, 3, 7, 2, dtype=torch.double) * 3 - 1
    edges = torch.tensor([[0, 0], [1, 1], [-0.5 / 4, 0.5], [1 + 0.5 / 4, 1 + 0.5 / 6], [9, -9]])
    points[:, 0, :5] = edges.double()
    read = gathered(rows, *taps(rows.grid, points.transpose(-1, -2)))
    expected = sampled(rows.feature_map(), points)
    assert torch.allclose(read.view_as(expected), expected)
    assert expected.abs().amax(-1).eq(0).any()


def test_points_that_are_no_numbers_read_something_and_do_not_crash():
    rows = rows_of(nn.Identity(), torch.randn(1, 5, 6, 4), {})
    points = torch.full((1, 1, 2, 4), float("nan"))
    points[..., 1] = float("inf")
    points[..., 2] = -float("inf")
    assert gathered(rows, *taps(rows.grid, points)).shape == (4, 5)


@pytest.mark.parametrize("scale", [1.0, 30.0, 1000.0])
def test_attention_in_powers_of_2_is_attention(scale):
    """Also where scores are so large that they need the maximum taken off."""
    torch.manual_seed(0)
    qkv = torch.randn(2, 9, 3 * 32) * scale**0.5
    expected, took = attended_values(qkv, 8), attended_values_in_powers_of_2(qkv, 8)
    assert took.isfinite().all()
    assert torch.allclose(took, expected, atol=1e-4 * scale)
    query, key, value = (
        part.unflatten(-1, (8, 4)).transpose(1, 2) for part in qkv.chunk(3, dim=-1)
    )
    attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    assert torch.allclose(expected, attended, atol=1e-4 * scale)


def test_scores_that_are_no_numbers_stay_so():
    qkv = torch.randn(1, 9, 3 * 32)
    qkv[0, 0, 0] = float("nan")
    assert attended_values_in_powers_of_2(qkv, 8).isnan().any()
