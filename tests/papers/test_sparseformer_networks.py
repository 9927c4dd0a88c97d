"""SparseFormers for clips, detection, segmentation and bootstrapped ones are networks.

They compute, train, are compiled as one graph and saved. Small sizes throughout.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vtbench import models
from vtbench.count.count_workload import count_workload
from vtbench.data import catalog
from vtbench.data.workload import Workload
from vtbench.papers.sparseformer.networks.bootstrapped import BootstrappedSparseFormer
from vtbench.papers.sparseformer.networks.detector import SparseFormerDetector
from vtbench.papers.sparseformer.networks.segmenter import SparseFormerSegmenter
from vtbench.papers.sparseformer.networks.video import VideoSparseFormer

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"tokens": 5, "width": 64, "cortex_width": 128, "blocks": 2, "points": 4, "channels": 8,
         "repeats": 2, "num_classes": 5}  # fmt: skip
NETS = {
    "video": lambda: VideoSparseFormer(**SMALL, heads=16, inflation=2, frames=4, drop_path=0.0),
    "det": lambda: SparseFormerDetector(**SMALL, heads=16, detected=3, drop_path=0.0),
    "seg": lambda: SparseFormerSegmenter(**SMALL, heads=16, dense_channels=16, drop_path=0.0),
    "bootstrapped": lambda: BootstrappedSparseFormer(**SMALL),
    "clip": lambda: BootstrappedSparseFormer(**SMALL, activation="quick_gelu", head_bias=False),
}


def made(name):
    """A net whose zero-initialised weights are drawn too, so that every part acts."""
    torch.manual_seed(0)
    net = NETS[name]()
    with torch.no_grad():
        for key, parameter in net.named_parameters():
            if key != "initial.rois":
                parameter.add_(0.02 * torch.randn_like(parameter))
    return net.eval()


def given(name, batch=2):
    generator = torch.Generator().manual_seed(1)
    time = (4,) if name == "video" else ()
    return torch.randn((batch, 3, *time, 48, 40), generator=generator)


def parts(out):
    return [out] if isinstance(out, torch.Tensor) else list(out)


@pytest.mark.parametrize("name", NETS)
def test_a_gradient_reaches_every_parameter(name):
    """But for biases of keys, which drop out of a softmax, and what batch norm takes out."""
    net = made(name)
    sum((part * torch.randn_like(part)).sum() for part in parts(net(given(name)))).backward()
    without = [
        key
        for key, parameter in net.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert without == []
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


@pytest.mark.parametrize("name", NETS)
def test_a_few_steps_lower_the_loss(name):
    net = made(name).train()
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    inputs = given(name, 4)
    targets = [torch.randn_like(part) for part in parts(net(inputs))]
    losses = []
    for _ in range(8):
        loss = sum(
            (part - target).square().mean()
            for part, target in zip(parts(net(inputs)), targets, strict=True)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]


@pytest.mark.parametrize("name", NETS)
def test_images_of_a_batch_do_not_see_each_other(name):
    net, inputs = made(name), given(name)
    together = parts(net(inputs))
    alone = parts(net(inputs[1:]))
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[1:], other, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0][0], together[0][1])


@pytest.mark.parametrize("name", NETS)
def test_a_saved_net_computes_the_same(name, tmp_path):
    net, inputs = made(name), given(name)
    torch.save(net.state_dict(), tmp_path / "net.pth")
    torch.manual_seed(9)
    other = NETS[name]().eval()
    other.load_state_dict(torch.load(tmp_path / "net.pth", weights_only=True))
    for one, same in zip(parts(net(inputs)), parts(other(inputs)), strict=True):
        assert torch.equal(one, same)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bf16", "fp16"])
@pytest.mark.parametrize("name", NETS)
def test_half_precision_is_near_full(name, dtype):
    """Weights in half precision, and autocast; coordinates stay fp32 in both."""
    net, inputs = made(name), given(name)
    expected = parts(net(inputs))
    with torch.autocast("cpu", dtype=dtype):
        near = parts(net(inputs))
    half = parts(net.to(dtype)(inputs.to(dtype)))
    for one, cast, halved in zip(expected, near, half, strict=True):
        scale = one.abs().max()
        assert (cast.float() - one).abs().max() < 0.1 * scale
        assert (halved.float() - one).abs().max() < 0.1 * scale


@pytest.mark.parametrize("name", NETS)
def test_one_graph_without_breaks(name):
    net, inputs = made(name), given(name)
    torch._dynamo.reset()
    explained = torch._dynamo.explain(net)(inputs)
    assert (explained.graph_count, explained.graph_break_count) == (1, 0)


@pytest.mark.parametrize("name", ["video", "bootstrapped"])
def test_gradients_of_points_are_bounded_where_the_code_bounds_them(name):
    """SparseFormer clamps to a row of the map, 1/12 here; the library does not."""
    net, inputs = made(name), given(name)
    bounded = name == "video"
    kept = []

    def keep(part, given, points):
        points.register_hook(kept.append)

    (net.focusing.sampling.points if bounded else net.focusing.sampling).register_forward_hook(keep)
    (1e4 * net(inputs).square().sum()).backward()
    most = max(grad.abs().max().item() for grad in kept)
    assert (most <= 1 / 12 + 1e-7) is bounded


@pytest.mark.parametrize("name", [entry.name for entry in catalog.entries("sparseformer_")])
def test_stages_of_the_catalogue_are_parts_of_the_net(name):
    """A stage that named nothing would silently be empty."""
    built = models.build(Workload(model=name))
    paths = {path for path, _ in built.module.named_modules()}
    assert set(built.stages) <= paths
    assert set(built.head) <= paths


def test_the_page_of_sparseformers_lists_what_is_counted():
    page = (Path(__file__).parents[2] / "docs" / "sparseformer.md").read_text()
    rows = [re.findall(r"[^|]+", line) for line in page.splitlines() if line.startswith("| `")]
    listed = {row[0].strip(" `"): (row[3].strip(), row[4].strip()) for row in rows}
    assert list(listed) == [entry.name for entry in catalog.entries("sparseformer_")]
    for name, (macs, params) in listed.items():
        record = count_workload(Workload(model=name))
        assert (f"{record.macs:,}", f"{record.parameters.total:,}") == (macs, params)
