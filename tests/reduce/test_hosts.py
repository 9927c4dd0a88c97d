"""The networks that methods work on, what else is asked of them, and what is refused."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest
import timm
import torch
from timm.models.vision_transformer import Attention, Block
from torch import nn

from vtbench import reduce
from vtbench.errors import BadOption, ModelError

SMALL = {"img_size": 64, "depth": 3, "num_classes": 5}
HOSTS: dict[str, tuple[str, dict[str, Any]]] = {
    "register tokens, pooled": ("vit_wee_patch16_reg1_gap_256", SMALL),
    "distillation token": ("deit_tiny_distilled_patch16_224", SMALL),
    "DINOv2": ("vit_small_patch14_dinov2", {**SMALL, "img_size": 56}),
    "DINOv2 with registers": ("vit_small_patch14_reg4_dinov2", {**SMALL, "img_size": 56}),
    "CLIP": ("vit_base_patch32_clip_quickgelu_224", {**SMALL, "img_size": 128}),
    "SigLIP, attention pool": ("vit_base_patch16_siglip_224", SMALL),
    "class token, pooled": ("vit_tiny_patch16_224", {**SMALL, "global_pool": "avg"}),
    "DeiT III": ("deit3_small_patch16_224", SMALL),
    "norms of queries and keys": (
        "vit_tiny_patch16_224",
        {**SMALL, "qk_norm": True, "scale_attn_norm": True, "init_values": 0.1},
    ),
    "not square": ("vit_tiny_patch16_224", {**SMALL, "img_size": (64, 96)}),
    "any image": ("vit_tiny_patch16_224", {**SMALL, "dynamic_img_size": True}),
}
IMAGES = {"not square": (64, 96), "any image": (96, 160), "CLIP": (128, 128)}
METHODS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "evit": ({"keep_rate": 1.0}, {"keep_rate": 0.5, "blocks": [1]}),
    "tome": ({"r": 0}, {"r": 1}),
}


def small(name: str = "vit_tiny_patch16_224", **options: Any) -> Any:
    torch.manual_seed(0)
    return timm.create_model(name, **{**SMALL, **options}).eval()


def image(height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.manual_seed(1))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("host", HOSTS)
def test_hosts(host, method):
    name, options = HOSTS[host]
    side = options["img_size"]
    model = small(name, **options).double()
    batch = image(*IMAGES.get(host, (side, side))).double()
    before = model(batch)
    identity, cut = METHODS[method]
    if method == "evit" and model.cls_token is None:
        with pytest.raises(BadOption, match="attention of the class token"):
            reduce.evit(model, **cut)
        return
    with getattr(reduce, method)(model, **identity) as reduced:
        assert (reduced(batch) - before).abs().max() < 1e-10
    with getattr(reduce, method)(model, **cut) as reduced:
        assert (reduced(batch) - before).abs().max() > 1e-9
    assert torch.equal(model(batch), before)


class Wrapped(nn.Module):
    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower
        self.other = nn.Linear(5, 2)

    def forward(self, x):
        return self.other(self.tower(x))


def test_a_network_within_another():
    model, batch = Wrapped(small()), image()
    before = model(batch)
    with reduce.tome(model, r=1) as reduced:
        assert reduced is model
        assert not torch.equal(model(batch), before)
    assert torch.equal(model(batch), before)


def test_two_networks_within_another():
    model = nn.ModuleDict({"left": small(), "right": small()})
    with pytest.raises(ModelError, match="2 vision transformers; give one of them: left, right"):
        reduce.tome(model)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("eva02_tiny_patch14_224", "its blocks are EvaBlock"),
        ("beit_base_patch16_224", "its blocks are Block"),
        ("vit_small_patch16_18x2_224", "its blocks are ParallelThingsBlock"),
        ("vit_dlittle_patch16_reg1_gap_256", "Block with DiffAttention"),
        ("resnet18", "patches in its `patch_embed`. It was tested"),
    ],
)
def test_networks_of_other_blocks(name, said):
    with torch.device("meta"):
        model = timm.create_model(name)
    with pytest.raises(ModelError, match=said):
        reduce.tome(model)


@pytest.mark.parametrize("part", ["block", "attention"])
def test_a_block_that_this_timm_changed(part):
    model = small()
    block = model.blocks[1]
    (block if part == "block" else block.attn).gate = nn.Linear(192, 192)
    with pytest.raises(ModelError, match=r"block 1 has other parts .*\(gate\)|Block 1 has other"):
        reduce.tome(model)
    assert all(type(each) is Block for each in model.blocks)


def test_a_second_method_is_refused_and_the_first_stays():
    model, batch = small(), image()
    reduction = reduce.tome(model, r=1)
    before = model(batch)
    with pytest.raises(ModelError, match="reduced already"):
        reduce.evit(model)
    assert torch.equal(model(batch), before)
    assert reduction.undo() is reduction.undo() is model


@pytest.mark.parametrize("method", METHODS)
def test_it_is_saved_and_loaded_whole(method):
    model, batch = small(), image()
    getattr(reduce, method)(model, **METHODS[method][1])
    expected, file = model(batch), io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for loaded in (torch.load(file, weights_only=False), pickle.loads(pickle.dumps(model))):  # noqa: S301
        assert torch.equal(loaded(batch), expected)


def test_weights_are_loaded_into_the_network_with_a_method_and_without():
    model, other = small(), small()
    weights = {name: each + 1 for name, each in model.state_dict().items()}
    with reduce.tome(other, r=1):
        other.load_state_dict(weights)
    model.load_state_dict(weights)
    assert torch.equal(other(image()), model(image()))


@pytest.mark.parametrize("method", METHODS)
def test_a_copy_keeps_the_method_if_the_original_loses_it(method):
    model, batch = small(), image()
    before = model(batch)
    reduction = getattr(reduce, method)(model, **METHODS[method][1])
    expected, copied = model(batch), copy.deepcopy(reduction)
    reduction.undo()
    assert torch.equal(model(batch), before)
    assert torch.equal(copied.model(batch), expected)
    assert torch.equal(copied.undo()(batch), before)
    assert torch.equal(model(batch), before)
    assert type(model.blocks[0].attn) is type(copied.model.blocks[0].attn) is Attention
    assert vars(model).keys() == vars(small()).keys()


def test_features_and_lists_of_tokens():
    model, batch = small(), image()
    with reduce.tome(model, r=1):
        final = model.forward_features(batch)
        assert final.shape == (2, 14, 192)
        assert torch.equal(model.forward_head(final), model(batch))
        x, several = model.forward_intermediates(batch, output_fmt="NLC")
        assert torch.equal(x, final)
        assert [each.shape[1] for each in several] == [15, 14, 13]
        last, tokens = model.forward_intermediates(
            batch, [1], True, stop_early=True, output_fmt="NLC", intermediates_only=True
        )[0]
        assert (last.shape[1], tokens.shape[1]) == (14, 1)
        assert [each.shape[1] for each in model.get_intermediate_layers(batch, 2)] == [14, 13]
        # an unfinished pass leaves nothing behind
        assert torch.equal(model.forward_features(batch), final)


def test_maps_of_tokens_are_refused():
    model, batch = small(), image()
    with reduce.tome(model, r=1):
        for asked in (
            lambda: model.forward_intermediates(batch),
            lambda: model.get_intermediate_layers(batch, reshape=True),
        ):
            with pytest.raises(ModelError, match="lie on no grid"):
                asked()
    assert model.forward_intermediates(batch)[1][0].shape == (2, 192, 4, 4)


def test_gradient_checkpoints_are_refused():
    model, batch = small(), image()
    with reduce.tome(model, r=1):
        with torch.no_grad():
            expected = model(batch)
        model.set_grad_checkpointing()
        with pytest.raises(ModelError, match="Switch it off"):
            model(batch)
        with torch.no_grad():
            assert torch.equal(model(batch), expected)
        model.set_grad_checkpointing(False)
        model(batch).sum().backward()


def test_masks_are_refused():
    with reduce.tome(small(), r=1) as model, pytest.raises(ModelError, match="no attention mask"):
        model(image(), attn_mask=torch.ones(17, 17, dtype=torch.bool))
