"""What holds for every method of token reduction, whatever its rule."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from reduced_hosts import small as plain
from timm.models.vision_transformer import Attention, Block

from vtbench import reduce
from vtbench.data.reduction_methods import methods_there
from vtbench.errors import BadOption, ModelError
from vtbench.reduce.attach import places

IDENTITY: dict[str, dict[str, Any] | None] = {
    "atc": {"keep_rate": 1.0},
    "ats": None,  # evenly spaced samples: which they are depends on the image
    "avit": {"shift": -1e9},  # nothing halts before the last block
    "cropr": None,  # one token goes even at r=0, as released
    "dct": {"ratio": 1.0},
    "diffrate": {"prune": [20] * 4, "merge": [20] * 4},
    "dpcknn": {"keep_rate": 1.0},
    "dtem": {"r": 0},
    "dtps": {"keep_rate": 1.0},
    "dynamicvit": {"keep_rate": 1.0},
    "evit": {"keep_rate": 1.0},
    "evovit": {"keep_rate": 1.0},
    "fpet": None,  # it halves the patches, or is not there
    "gridpool": {"stride": 1},
    "gtp": {"r": 0},
    "kmedoids": {"keep_rate": 1.0},
    "ltmp": {"theta_m": 1, "theta_p": 0},
    "mctf": {"r": 0},
    "patchmerger": None,  # learned
    "pitome": {"ratio": 1.0},
    "ppt": {"r": 0},
    "random": {"keep_rate": 1.0},
    "sinkhorn": None,  # learned
    "sit": None,  # learned
    "sparsifiner": {"keep_rate": 1.0},
    "stvit": None,  # learned
    "tofu": {"ratio": 1.0},
    "tokenlearner": None,  # learned
    "tome": {"r": 0},
    "tomesd": {"ratio": 0.0},
    "topk": {"keep_rate": 1.0},
}
"""Options with which a method is the network itself; None if there are none."""
SETTINGS: dict[str, dict[str, Any]] = {
    "ats": {"keep_rate": 1.0},
    "avit": {"shift": -3.0},
    "cropr": {"r": 2},
    "diffrate": {"prune": [16, 13, 11, 8], "merge": [14, 11, 9, 7]},
    "dtem": {"r": 2},
    "gtp": {"r": 2},
    "ltmp": {"theta_m": 0.4, "theta_p": 0.0575},
    "mctf": {"r": 2},
    "ppt": {"r": 3},
    "stvit": {"semantic": 4},
    "tofu": {"ratio": 0.8},
    "tome": {"r": 2},
}
"""Options that fit 16 patches of noise, if the method's own do not."""
BY_IMAGE = {"ats", "avit", "ltmp"}
"""Methods that leave as many tokens as the image asks for; what they say is the most."""
NEEDS_CLASS_TOKEN = {"ats", "avit", "diffrate", "evit", "evovit", "ppt", "topk"}
CONSTANT = ("score.bias", "mix.bias", "maps.bias")
"""Parameters that add the same to all that a softmax is taken over, so that nothing learns them."""
HARD = {"dtem", "ltmp"}
"""Methods whose learned parts decide only, so that no gradient of an inference reaches them."""
DRAWN = {"random"}
"""Methods whose result is drawn, so that a batch is not its images one by one."""

METHODS = [name for name in methods_there() if name in IDENTITY]


def applied(method: str, model: torch.nn.Module) -> Any:
    return getattr(reduce, method)(model, **SETTINGS.get(method, {}))


def small(*name: str, **options: Any) -> Any:
    """A small host whose attention is far from even."""
    model = plain(*name, **options)
    for block in model.blocks:  # type: ignore[union-attr]
        block.attn.qkv.weight.data *= 20
    return model


def images(count: int = 2, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(count, 3, 64, 64, generator=torch.manual_seed(1)).to(dtype)


def out(model: Any, image: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(2)
    return model(image)


def test_every_method_is_in_the_table():
    assert set(methods_there()) <= set(IDENTITY)


@pytest.mark.parametrize("method", [name for name in METHODS if IDENTITY[name] is not None])
def test_a_setting_is_the_network_itself(method):
    model, image = small().double(), images(dtype=torch.float64)
    before = model(image)
    with getattr(reduce, method)(model, **IDENTITY[method]) as reduced:
        assert (out(reduced, image) - before).abs().max() < 1e-10


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "host",
    ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "vit_wee_patch16_reg1_gap_256"],
)
def test_each_block_leaves_what_it_says_behind_the_prefix(method, host):
    model = small(host)
    if model.cls_token is None and method in NEEDS_CLASS_TOKEN:
        with pytest.raises(BadOption, match="class token"):
            applied(method, model)
        return
    reduction = applied(method, model)
    found: list[int] = []
    for block in model.blocks:
        block.register_forward_hook(lambda _, __, x: found.append(x.shape[1]))
    out(model, images(1))
    said = [each + model.num_prefix_tokens for each in reduction.lengths]
    if method in BY_IMAGE:
        assert all(here <= most for here, most in zip(found, said, strict=True))
    else:
        assert found == said


@pytest.mark.parametrize("method", METHODS)
def test_the_prefix_is_never_lost(method):
    """Class and distillation token stand first: a head of theirs sees what it saw."""
    model = small("deit_tiny_distilled_patch16_224")
    reduction = applied(method, model)
    for place in places(reduction, images()):
        assert place.shape == (2, 16)
        assert ((place >= 2) | (place == -1)).all()


@pytest.mark.parametrize("method", [name for name in METHODS if name not in DRAWN])
def test_an_image_does_not_depend_on_its_batch(method):
    model, batch = small().double(), images(3, torch.float64)
    with applied(method, model) as reduced:
        together = reduced(batch)
        one_by_one = torch.cat([reduced(each[None]) for each in batch])
    assert (together - one_by_one).abs().max() < 1e-10


@pytest.mark.parametrize("method", METHODS)
def test_gradients_reach_patches_and_learned_parts(method):
    model, batch = small().train(), images()
    with applied(method, model) as reduced:
        batch.requires_grad_()
        out(reduced, batch)[:, 0].sum().backward()
        assert batch.grad.abs().sum() > 0
        for name, weight in reduced.named_parameters():
            learned = ".reduction." in name and not name.endswith(CONSTANT)
            if learned and method not in HARD:
                assert weight.grad is not None, name
                assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(method, dtype):
    batch = images()
    with applied(method, small()) as reduced:
        with torch.autocast("cpu", dtype):
            assert out(reduced, batch).isfinite().all()
        assert out(reduced.to(dtype), batch.to(dtype)).isfinite().all()
    with applied(method, small().to(dtype)) as reduced:
        result = out(reduced, batch.to(dtype))
        assert result.dtype == dtype
        assert result.isfinite().all()


@pytest.mark.parametrize("method", METHODS)
def test_it_compiles_to_one_graph(method):
    batch = images()
    with applied(method, small()) as reduced, torch.no_grad():
        expected = out(reduced, batch)
        torch._dynamo.reset()
        compiled = torch.compile(reduced, fullgraph=True, backend="eager")
        assert torch.allclose(out(compiled, batch), expected, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_it_is_undone_bit_for_bit(method):
    model, batch = small(), images()
    before, names = model(batch), list(model.state_dict())
    with applied(method, model) as reduced:
        assert [name for name in reduced.state_dict() if ".reduction." not in name] == names
        copied = copy.deepcopy(reduced)
        assert torch.equal(out(copied, batch), out(reduced, batch))
        with pytest.raises(ModelError, match="reduced already"):
            getattr(reduce, method)(reduced)
    assert torch.equal(model(batch), before)
    assert list(model.state_dict()) == names
    assert all(type(block) is Block and type(block.attn) is Attention for block in model.blocks)


@pytest.mark.parametrize("method", METHODS)
def test_an_option_that_is_not_there_is_refused(method):
    model = small()
    with pytest.raises(BadOption, match=f"{method} has no option 'nonsense'"):
        getattr(reduce, method)(model, nonsense=1)
    assert type(model.blocks[0]) is Block
