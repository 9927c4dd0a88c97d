"""Weights from files: the names of both of the authors' codes, what does not fit, what is safe."""

from __future__ import annotations

import contextlib
import json
import pickle
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import vtbench
from vtbench import models
from vtbench.data.notice import Notice
from vtbench.data.workload import Workload, freeze_options
from vtbench.errors import BadInput, BadOption, UsageError
from vtbench.models.checkpoints import load, read
from vtbench.models.weight_files import identified
from vtbench.papers.sparseformer.networks.bootstrapped import BootstrappedSparseFormer
from vtbench.papers.sparseformer.networks.classifier import SparseFormer
from vtbench.papers.sparseformer.networks.early_features import channel_normalised
from vtbench.papers.sparseformer.networks.sampling import normalised
from vtbench.papers.sparseformer.networks.video import VideoSparseFormer

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"tokens": 4, "width": 64, "cortex_width": 128, "blocks": 2, "points": 4, "channels": 8}
OPTIONS = {**TINY, "heads": 16, "repeats": 2, "num_classes": 5}
IMAGE = torch.randn(2, 3, 48, 64, generator=torch.Generator().manual_seed(1))

# What a name here is in the files, for a block at layer {k}; written out, not derived.
V1_BLOCK = {
    "attention.{b}.norm": "layers.{k}.ln_attn",
    "attention.{b}.qkv.weight": "layers.{k}.attn.in_proj_weight",
    "attention.{b}.qkv.bias": "layers.{k}.attn.in_proj_bias",
    "attention.{b}.out": "layers.{k}.attn.out_proj",
    "feed_forward.{b}.norm": "layers.{k}.ffn.0",
    "feed_forward.{b}.widen": "layers.{k}.ffn.1",
    "feed_forward.{b}.narrow": "layers.{k}.ffn.3",
}
LIBRARY_BLOCK = {
    "attention.{b}.norm": "layers.{k}.norm1",
    "attention.{b}.qkv": "layers.{k}.attn.qkv",
    "attention.{b}.out": "layers.{k}.attn.proj",
    "feed_forward.{b}.norm": "layers.{k}.norm2",
    "feed_forward.{b}.widen": "layers.{k}.mlp.fc1",
    "feed_forward.{b}.narrow": "layers.{k}.mlp.fc2",
}
SAMPLING = {
    "sampling.adjustment.norm": "layers.{k}.roi_adjust_module.0",
    "sampling.adjustment.linear": "layers.{k}.roi_adjust_module.1",
    "sampling.points.norm": "layers.{k}.roi_offset_module.0",
    "sampling.points.linear.weight": "layers.{k}.roi_offset_module.1.weight",
    "sampling.points.linear.bias": "layers.{k}.roi_offset_bias",
    "decoding.generator.norm": "layers.{k}.adaptive_mixing.parameter_generator.0",
    "decoding.generator.reduce": "layers.{k}.adaptive_mixing.parameter_generator.1",
    "decoding.generator.expand": "layers.{k}.adaptive_mixing.parameter_generator.2",
    "decoding.mixing.channel_bias": "layers.{k}.adaptive_mixing.m_beta",
    "decoding.mixing.point_bias": "layers.{k}.adaptive_mixing.s_beta",
    "decoding.output": "layers.{k}.adaptive_mixing.out_proj",
}
OUTSIDE = {
    "stem.conv": "feat_extractor.conv1",
    "initial.embeddings": "initial_embedding.weight",
    "initial.rois": "initial_roi.weight",
    "bridge.linear": "layers.1.0",
    "bridge.norm": "layers.1.1",
}
HEADS = {
    "v1": {"head.norm": "head.norm", "head.fc": "head.classifier"},
    "library": {"head.norm": "norm", "head.fc": "proj"},
}
LOOKING = {
    "sampling.norm": "layers.{k}.roi_offset_module.0",
    "sampling.linear.weight": "layers.{k}.roi_offset_module.1.weight",
    "sampling.linear.bias": "layers.{k}.roi_offset_bias",
    "generator.norm": "layers.{k}.adaptive_mixing.parameter_generator.0",
    "generator.reduce": "layers.{k}.adaptive_mixing.parameter_generator.1",
    "generator.expand": "layers.{k}.adaptive_mixing.parameter_generator.2",
    "output": "layers.{k}.adaptive_mixing.out_proj",
    "position.norm": "layers.{k}.pe_transition.0",
    "position.linear": "layers.{k}.pe_transition.1",
}
ROI_HEAD = {
    "roi.norm": "layers.{k}.roi_adjust_module.0",
    "roi.hidden": "layers.{k}.roi_adjust_module.1",
    "roi.deltas": "layers.{k}.roi_adjust_module.3",
    "repeats": "layers.{k}.stage_embedding.weight",
}
BOOTSTRAPPED = {
    "stem.conv": "feat_extractor.conv1",
    "initial.embedding": "initial_embedding.weight",
    "initial.rois": "initial_roi.weight",
    "initial.class_token": "cls_embedding.weight",
    "bridge": "layers.1.0",
    **HEADS["library"],
}


def at(part: str, block: int, layer: int, names: dict[str, str]) -> dict[str, str]:
    return {
        f"{part}.{ours.format(b=block)}": theirs.format(k=layer) for ours, theirs in names.items()
    }


def layout(kind: str) -> dict[str, str]:
    """Our names and theirs for OPTIONS: focusing, bridge, and two cortex blocks."""
    block = V1_BLOCK if kind == "v1" else LIBRARY_BLOCK
    return {
        **OUTSIDE,
        **HEADS[kind],
        **at("focusing", 0, 0, {**block, **SAMPLING}),
        **at("cortex", 0, 2, {**block, **SAMPLING}),
        **at("cortex", 1, 3, block),
    }


def bootstrapped_layout() -> dict[str, str]:
    """Focusing, bridge, the look at full width, and two inherited blocks."""
    single = {ours.replace(".{b}", ""): theirs for ours, theirs in LIBRARY_BLOCK.items()}
    return {
        **BOOTSTRAPPED,
        **at("focusing", 0, 0, {**single, **LOOKING, **ROI_HEAD}),
        **at("lifting", 0, 2, LOOKING),
        **at("inherited", 0, 3, LIBRARY_BLOCK),
        **at("inherited", 1, 4, LIBRARY_BLOCK),
    }


def as_theirs(net: nn.Module, names: dict[str, str]) -> dict[str, torch.Tensor]:
    """A state dict as their code would have written it."""
    theirs = {}
    for name, tensor in net.state_dict().items():
        stem, _, last = name.rpartition(".")
        theirs[names[name] if name in names else f"{names[stem]}.{last}"] = tensor.clone()
    return theirs


def randomised(net: nn.Module) -> nn.Module:
    """Zero-initialised weights too: at their start mixing and RoIs do not depend on tokens."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name != "initial.rois":
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return net.eval()


@pytest.fixture(scope="module")
def net() -> SparseFormer:
    torch.manual_seed(0)
    return randomised(SparseFormer(**OPTIONS))


@pytest.mark.parametrize("kind", ["v1", "library"])
@pytest.mark.parametrize("wrapped", ["plain", "model", "module."])
def test_both_layouts_give_the_same_logits(net, kind, wrapped, tmp_path):
    theirs = as_theirs(net, layout(kind))
    if wrapped == "model":
        theirs = {"model": theirs, "epoch": 299, "optimizer": {"lr": 0.1}}
    elif wrapped == "module.":
        theirs = {f"module.{name}": tensor for name, tensor in theirs.items()}
    torch.save(theirs, tmp_path / "sf.pth")
    other = SparseFormer(**OPTIONS).eval()
    with pytest.warns(Notice) if wrapped == "model" else contextlib.nullcontext():
        load(other, tmp_path / "sf.pth", "it")
    assert torch.equal(other(IMAGE), net(IMAGE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("initial_roi.weight", "token_roi.weight"),
        ("initial_embedding.weight", "token_embedding.weight"),
        ("layers.0.adaptive_mixing.out_proj.weight", "layers.0.adaptive_mixing.tuo_proj.weight"),
    ],
)
def test_earlier_names_of_v1_are_known(net, old, new, tmp_path):
    theirs = as_theirs(net, layout("v1"))
    theirs[new] = theirs.pop(old)
    torch.save(theirs, tmp_path / "sf.pth")
    other = SparseFormer(**OPTIONS).eval()
    load(other, tmp_path / "sf.pth", "it")
    assert torch.equal(other(IMAGE), net(IMAGE))


def test_the_library_s_file_of_a_v1_model_may_keep_the_head_s_names(net, tmp_path):
    names = {**layout("library"), **HEADS["v1"]}
    torch.save(as_theirs(net, names), tmp_path / "sf.pth")
    other = SparseFormer(**OPTIONS).eval()
    load(other, tmp_path / "sf.pth", "it")
    assert torch.equal(other(IMAGE), net(IMAGE))


def test_bootstrapped_layout_gives_the_same_logits(tmp_path):
    options = {**TINY, "repeats": 2, "num_classes": 5}
    torch.manual_seed(0)
    net = randomised(BootstrappedSparseFormer(**options))
    torch.save(as_theirs(net, bootstrapped_layout()), tmp_path / "sf.pth")
    other = BootstrappedSparseFormer(**options).eval()
    load(other, tmp_path / "sf.pth", "it")
    assert torch.equal(other(IMAGE), net(IMAGE))


def test_own_names_and_safetensors(net, tmp_path):
    save_file(net.state_dict(), tmp_path / "own.safetensors")
    save_file(as_theirs(net, layout("v1")), tmp_path / "v1.safetensors")
    for file in ("own.safetensors", "v1.safetensors"):
        other = SparseFormer(**OPTIONS).eval()
        load(other, tmp_path / file, "it")
        assert torch.equal(other(IMAGE), net(IMAGE))


def test_an_image_checkpoint_is_inflated_for_clips(net, tmp_path):
    """Every segment holds the image's tokens; frames that are all alike give the image's scores."""
    torch.save(as_theirs(net, layout("v1")), tmp_path / "sf.pth")
    video = VideoSparseFormer(**OPTIONS, inflation=1, frames=3).eval()
    load(video, tmp_path / "sf.pth", "it")
    still = IMAGE[:, :, None].expand(-1, -1, 3, -1, -1)
    torch.testing.assert_close(video(still), net(IMAGE), atol=1e-5, rtol=1e-5)
    video = VideoSparseFormer(**OPTIONS, inflation=3, frames=3).eval()
    load(video, tmp_path / "sf.pth", "it")
    tubes = video.initial.rois.detach()
    assert torch.equal(tubes[:, :2], net.initial.rois[:, :2].repeat(3, 1))
    assert tubes[:, 2].tolist() == pytest.approx([0.0] * 4 + [1 / 3] * 4 + [2 / 3] * 4)
    assert tubes[:, 5].tolist() == pytest.approx([1 / 3] * 4 + [2 / 3] * 4 + [1.0] * 4)
    assert torch.equal(video.initial.embeddings[4:8], net.initial.embeddings)
    linear = video.focusing.sampling.points.linear
    assert not linear.weight.view(4, 3, 64)[:, 2].any()
    assert torch.equal(
        linear.bias.view(4, 3)[:, :2], net.focusing.sampling.points.linear.bias.view(4, 2)
    )


def test_a_video_checkpoint_has_a_kernel_one_frame_deep(tmp_path):
    torch.manual_seed(0)
    net = randomised(VideoSparseFormer(**OPTIONS, inflation=2, frames=2))
    theirs = as_theirs(net, layout("library"))
    theirs["feat_extractor.conv1.weight"] = theirs["feat_extractor.conv1.weight"].unsqueeze(2)
    torch.save(theirs, tmp_path / "video.pth")
    other = VideoSparseFormer(**OPTIONS, inflation=2, frames=2).eval()
    load(other, tmp_path / "video.pth", "it")
    clip = torch.stack([IMAGE, IMAGE.flip(0)], dim=2)
    assert torch.equal(other(clip), net(clip))


def test_every_key_that_does_not_fit_is_named(net, tmp_path):
    theirs = as_theirs(net, layout("v1"))
    theirs["optimizer.step"] = torch.zeros(1)
    theirs["layers.3.gate.weight"] = torch.zeros(1)
    del theirs["layers.0.roi_offset_bias"], theirs["head.norm.weight"]
    theirs["head.classifier.weight"] = torch.zeros(7, 128)
    torch.save(theirs, tmp_path / "sf.pth")
    with pytest.raises(BadInput) as raised:
        load(SparseFormer(**OPTIONS), tmp_path / "sf.pth", "sparseformer_t")
    assert str(raised.value) == (
        f"The weights {str(tmp_path / 'sf.pth')!r} do not fit sparseformer_t: missing are "
        "focusing.sampling.points.linear.bias, head.norm.weight; foreign are optimizer.step, "
        "layers.3.gate.weight; of another size is head.fc.weight (7x128, not 5x128)."
    )


class Bomb:
    def __reduce__(self):
        return (print, ("it ran",))


def test_what_is_in_a_file_is_not_run(tmp_path, capsys):
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps({"model": Bomb()}))
    torch.save({"model": Bomb()}, tmp_path / "zip.pth")
    for file in ("bomb.pth", "zip.pth"):
        with pytest.raises(BadInput, match="nothing in them was run"):
            read(tmp_path / file)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.pth", b"", "cannot be read"),
        ("torn.safetensors", b"\x10", "cannot be read"),
        ("text.pth", b"hello", "cannot be read"),
    ],
)
def test_files_that_hold_no_weights(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        read(tmp_path / name)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(BadInput, match="are not a state_dict, which holds tensors by name"):
        read(tmp_path / "list.pth")


def test_norms_of_the_library_are_another_function_of_the_same_weights(net, tmp_path):
    """Biased variance of the map, 1e-5 added to it and to the deviations of offsets, no clamp."""
    x = torch.randn(1, 8, 3, 3, dtype=torch.double)
    variance = ((x - x.mean(1, keepdim=True)) ** 2).sum(1, keepdim=True) / 8
    expected = (x - x.mean(1, keepdim=True)) / torch.sqrt(variance + 1e-5)
    torch.testing.assert_close(channel_normalised(x, "library"), expected)
    torch.testing.assert_close(
        channel_normalised(x, "v1"),
        (x - x.mean(1, keepdim=True)) / torch.sqrt(variance * 8 / 7 + 1e-7),
    )
    offsets = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3e-5, 3e-5]], dtype=torch.double)
    deviation = (((1e-5) ** 2 * 2 + (2e-5) ** 2) / 2) ** 0.5
    got = normalised(offsets, 1e-5)[2, 0].item()
    assert got == pytest.approx(2e-5 / (3 * (deviation + 1e-5)), rel=1e-9)

    torch.save(as_theirs(net, layout("library")), tmp_path / "sf.pth")
    other = SparseFormer(**OPTIONS, norms="library").eval()
    load(other, tmp_path / "sf.pth", "it")
    difference = (other(IMAGE) - net(IMAGE)).abs().max()
    assert 1e-5 < difference < net(IMAGE).abs().max()
    with pytest.raises(BadOption, match="norms is one of v1, library, not 'v2'"):
        SparseFormer(norms="v2")


@pytest.mark.parametrize("kind", ["image", "clip"])
def test_one_layer_norm_of_the_library_has_another_epsilon(kind):
    """The one before the generator, 1e-5; v1 has 1e-6 everywhere."""
    made = SparseFormer if kind == "image" else VideoSparseFormer
    for norms, others in (("v1", {1e-6}), ("library", {1e-5})):
        found = {True: set(), False: set()}
        for path, part in made(**OPTIONS, norms=norms).named_modules():
            if isinstance(part, nn.LayerNorm):
                found[path.endswith("decoding.generator.norm")].add(part.eps)
        assert found == {True: others, False: {1e-6}}


def test_the_generator_of_the_library_by_hand():
    """On tokens so small that the epsilon is what divides them."""
    net = SparseFormer(**OPTIONS, norms="library").double()
    generator = net.cortex.decoding.generator
    nn.init.normal_(generator.expand.weight)
    tokens = 1e-3 * torch.randn(1, 4, 128, dtype=torch.double)
    centred = tokens - tokens.mean(-1, keepdim=True)
    normed = centred / ((centred**2).mean(-1, keepdim=True) + 1e-5).sqrt()
    hidden = generator.reduce(normed * generator.norm.weight + generator.norm.bias)
    channel, point = generator(tokens)
    made = torch.cat([channel.flatten(2), point.flatten(2)], dim=-1)
    torch.testing.assert_close(made, generator.expand(hidden))


def test_a_record_says_which_file_and_what_was_in_it(net, tmp_path):
    file = tmp_path / "sf.pth"
    torch.save(as_theirs(net, layout("v1")), file)
    workload = Workload(
        model="sparseformer_t",
        resolution=(48, 64),
        options=freeze_options(OPTIONS),
        weights=str(file),
    )
    built = models.build(workload, real=True)
    assert torch.equal(built.module(IMAGE), net(IMAGE))
    assert built.workload.weights == identified(str(file))
    assert re.fullmatch(re.escape(str(file)) + "@sha256:[0-9a-f]{16}", built.workload.weights)
    count = vtbench.count("sparseformer_t", resolution=(48, 64), options=OPTIONS, weights=str(file))
    assert count.record.workload.weights == built.workload.weights
    with pytest.raises(UsageError, match="weights: expected the name of a file, got 3"):
        vtbench.count("sparseformer_t", weights=3)
    file.write_bytes(b"other")
    with pytest.raises(BadInput, match="changed after it was named"):
        models.build(built.workload)


def test_weights_of_a_library_s_model(tmp_path):
    """Any model takes a state dict of its own names."""
    import timm

    torch.manual_seed(3)
    net = timm.create_model("resnet10t", num_classes=3).eval()
    torch.save({"state_dict": net.state_dict()}, tmp_path / "r.pth")
    workload = Workload(
        model="timm:resnet10t",
        resolution=(64, 64),
        options=(("num_classes", 3),),
        weights=str(tmp_path / "r.pth"),
    )
    built = models.build(workload, real=True)
    image = torch.randn(1, 3, 64, 64)
    assert torch.equal(built.module(image), net(image))


SMALL = [f"--option={key}={value}" for key, value in OPTIONS.items()]


def test_weights_on_the_command_line(vtbench, net, tmp_path):
    """For one model among several; and the whole answer stays a count of the same MACs."""
    file = tmp_path / "sf.pth"
    torch.save(as_theirs(net, layout("v1")), file)
    asked = ["macs", "sparseformer_t", "sparseformer_s", *SMALL, "--resolution", "48x64"]
    ended = vtbench(*asked, "--weights", f"sparseformer_t={file}", "--format", "json")
    assert ended.status == 0
    first, second = json.loads(ended.out)["results"]
    assert first["workload"]["weights"] == identified(str(file))
    assert second["workload"]["weights"] is None
    assert first["macs"] == second["macs"]


def test_files_that_do_not_fit_end_the_command(vtbench, net, tmp_path):
    file = tmp_path / "sf.pth"
    torch.save(as_theirs(net, layout("v1")), file)
    ended = vtbench("macs", "sparseformer_t", *SMALL, "-o", "blocks=3", "--weights", str(file))
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.count("\n") == 1
    assert "cortex.attention.2.norm.weight, " in ended.err
    ended = vtbench("macs", "sparseformer_t", "--weights", "nowhere.pth")
    assert (ended.status, ended.err) == (
        2,
        "vtbench: The weights 'nowhere.pth' cannot be read: no such file or directory.\n",
    )
    ended = vtbench("throughput", "sparseformer_t", "--weights", f"swin_t={file}")
    assert ended.status == 2
    assert "for the model 'swin_t', which is not among the models that you named" in ended.err
