"""Skipping the initialisation: on meta only, restored always, and never seen in a model."""

from __future__ import annotations

import importlib
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

from vtbench import errors
from vtbench.data.workload import Workload
from vtbench.models import build, unfilled
from vtbench.models.placement import META, in_mode, on_meta

timm = pytest.importorskip("timm", reason="timm is not installed")

ARCHITECTURES = [
    "resnet18", "vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224", "efficientnet_b0",
    "swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "convnext_atto", "regnety_002",
    "mixer_s32_224", "xcit_nano_12_p16_224", "levit_128s", "maxvit_pico_rw_256", "pvt_v2_b0",
    "mobilenetv3_small_050", "beit_base_patch16_224", "volo_d1_224", "halonet26t", "nf_resnet26",
]  # fmt: skip


def snapshot() -> dict[str, object]:
    """Everything that the skip replaces, as it is now."""
    found: dict[str, object] = {f"init.{name}": getattr(nn.init, name) for name in dir(nn.init)}
    found.update({f"Tensor.{name}": value for name, value in vars(torch.Tensor).items()})
    for layer in (nn.Linear, nn.Conv2d, nn.BatchNorm2d, nn.LayerNorm, nn.GroupNorm):
        found[f"{layer.__name__}.reset_parameters"] = layer.reset_parameters
    return found


def described(module: nn.Module) -> dict[str, tuple[object, ...]]:
    """Names, shapes, types and gradients of all parameters and buffers, and what is tied."""
    rows: dict[str, tuple[object, ...]] = {}
    seen: dict[int, str] = {}
    for name, each in module.named_parameters(remove_duplicate=False):
        tied = seen.setdefault(id(each), name)
        rows[name] = ("parameter", tuple(each.shape), each.dtype, each.requires_grad, tied)
    for name, each in module.named_buffers(remove_duplicate=False):
        rows[name] = ("buffer", tuple(each.shape), each.dtype, each.requires_grad, "")
    return rows


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_unfilled_model_has_the_tensors_of_an_ordinary_one(name: str) -> None:
    """The same names, shapes, types, gradients and ties; only the values are missing."""
    unfilled = build(Workload(model=f"timm:{name}")).module
    assert described(unfilled) == described(timm.create_model(name))
    assert all(each.is_meta for each in unfilled.state_dict().values())


def test_everything_is_restored_after_a_build() -> None:
    """Nothing of torch is left replaced."""
    before = snapshot()
    build(Workload(model="timm:vit_tiny_patch16_224"))
    assert snapshot() == before


def test_everything_is_restored_when_building_raises() -> None:
    """A constructor that fails leaves torch as it was, its default device included."""
    before = snapshot()

    def fails() -> nn.Module:
        nn.Linear(2, 2)
        raise ValueError("half built")

    with pytest.raises(ValueError, match="half built"):
        on_meta(fails)
    assert snapshot() == before
    assert torch.empty(1).device.type == "cpu"
    with pytest.raises(errors.ModelError):
        build(Workload(model="timm:resnet18", options=(("norm_layer", "no_such"),)))
    assert snapshot() == before


def test_a_real_build_after_a_skipped_one_has_ordinary_weights() -> None:
    """Under the same seed, weight by weight, the values of a build without vtbench."""
    build(Workload(model="timm:vit_tiny_patch16_224"))
    real = build(Workload(model="timm:vit_tiny_patch16_224"), real=True).module.state_dict()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        ordinary = timm.create_model("vit_tiny_patch16_224").state_dict()
    assert real.keys() == ordinary.keys()
    assert all(torch.equal(real[name], ordinary[name]) for name in ordinary)


def test_tensors_with_values_are_filled_inside_the_skip() -> None:
    """Only meta tensors are left alone."""
    weight = torch.empty(4, 4)
    with unfilled.initialisation_skipped():
        nn.init.constant_(weight, 3.0)
        scale = torch.empty(2).fill_(2.0).mul_(5.0)
        norm = nn.BatchNorm2d(2)
        meta = nn.init.normal_(torch.empty(3, device=META))
    assert weight.eq(3.0).all()
    assert scale.tolist() == [10.0, 10.0]
    assert norm.running_var is not None
    assert norm.running_var.tolist() == [1.0, 1.0]
    assert meta.is_meta


def test_a_constructor_that_reads_values_spends_no_time_on_filling_large_parameters() -> None:
    """Torch names the tensor of its initialisers by keyword; small ones may be read, and are."""

    def make() -> nn.Linear:
        assert torch.linspace(0, 1, 3).tolist() == [0.0, 0.5, 1.0]  # not on meta
        layer = nn.Linear(512, 512)
        layer.weight.data.zero_()
        nn.init.constant_(layer.weight, 7.0)
        layer.weight.fill_(7.0)
        nn.init.constant_(layer.bias, 7.0)
        return layer

    made = on_meta(make)
    assert made.weight.count_nonzero() == 0
    assert bool((made.bias == 7).all())


def test_a_file_that_is_imported_while_a_model_is_built_keeps_its_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its constants are those of everybody else in the process too."""
    (tmp_path / "holds_a_table.py").write_text("import torch\ntable = torch.arange(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    made = on_meta(lambda: nn.Linear(2, len(importlib.import_module("holds_a_table").table)))
    assert made.weight.shape == (3, 2)
    assert made.weight.is_meta
    assert importlib.import_module("holds_a_table").table.tolist() == [0, 1, 2]


def test_a_model_built_by_another_thread_meanwhile_is_filled() -> None:
    """What is replaced is replaced for all threads, and leaves values to them."""
    made: list[torch.Tensor] = []
    with unfilled.initialisation_skipped():
        thread = threading.Thread(target=lambda: made.append(nn.init.ones_(torch.empty(8))))
        thread.start()
        thread.join()
    assert made[0].eq(1).all()


def test_arithmetic_with_a_tensor_is_never_skipped() -> None:
    """It may hand on a gradient, which is part of the model."""
    scale = nn.Parameter(torch.ones(3, device=META))
    with unfilled.initialisation_skipped():
        total = torch.zeros(3, device=META).add_(scale)
        other = torch.zeros(3, device=META).add_(other=scale)
    assert total.requires_grad
    assert other.requires_grad


def test_setting_the_mode_part_by_part_is_what_train_does() -> None:
    """And a part that has its own way of it, as frozen norms have, is asked."""

    class Frozen(nn.BatchNorm2d):
        def train(self, mode: bool = True) -> Frozen:  # noqa: FBT001, FBT002 - torch's signature
            del mode
            return super().train(False)

    for norm in (nn.BatchNorm2d(2), Frozen(2)):
        shared = nn.ReLU()
        module = nn.Sequential(norm, shared, nn.Sequential(shared))
        for training in (False, True):
            modes = [part.training for part in in_mode(module, training=training).modules()]
            assert modes == [part.training for part in module.train(training).modules()]
    assert not module[0].training


def test_nested_skips_restore_at_the_last_exit() -> None:
    """The inner one must not take away what the outer one still uses."""
    before = snapshot()
    with unfilled.initialisation_skipped():
        with unfilled.initialisation_skipped():
            pass
        assert snapshot() != before
    assert snapshot() == before


def test_a_build_leaves_the_random_state_of_the_caller() -> None:
    """Counting in the middle of a training script must not change its next draw."""
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    build(Workload(model="timm:resnet18"))
    build(Workload(model="timm:resnet18"), real=True)
    assert torch.equal(torch.rand(1), expected)
