"""Sizes: what a model takes is built and runs; what it would crop or cannot run is refused."""

from __future__ import annotations

import pytest
import torch

from vtbench import errors
from vtbench.data.workload import Workload
from vtbench.models import Built, build

timm = pytest.importorskip("timm", reason="timm is not installed")
pytest.importorskip("torchvision", reason="torchvision is not installed")


def in_this_timm(name: str) -> None:
    """Skip what the installed timm does not have."""
    library, _, rest = name.partition(":")
    if library == "timm" and not timm.is_model(rest):
        pytest.skip(f"timm {timm.__version__} has no {rest}")


def run(built: Built) -> torch.Tensor:
    """The output of a model on meta."""
    with torch.inference_mode():
        output: torch.Tensor = built.module(*built.args, **built.kwargs)
    return output


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("resnet18", (224, 224)),
        ("efficientnet_b3", (300, 300)),
        ("deit_t", (224, 224)),
        ("timm:inception_v3", (299, 299)),
        ("timm:swinv2_tiny_window8_256", (256, 256)),
        ("torchvision:resnet18", (224, 224)),
        ("torchvision:inception_v3", (299, 299)),
        ("torchvision:vit_b_16", (224, 224)),
    ],
)
def test_the_default_size_is_the_models_own(name: str, size: tuple[int, int]) -> None:
    """And stands in the workload that comes back."""
    built = build(Workload(model=name))
    assert built.workload.resolution == size
    assert built.args[0].shape == (1, 3, *size)
    assert run(built).shape == (1, 1000)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("deit_t", (240, 160)),
        ("swin_t", (256, 192)),
        ("resnet18", (97, 333)),
        ("convnext_tiny", (225, 230)),
        ("timm:beit_base_patch16_224", (384, 384)),
        ("torchvision:vit_b_16", (256, 256)),
        ("torchvision:maxvit_t", (448, 448)),
        ("torchvision:swin_t", (256, 192)),
        ("timm:pvt_v2_b0", (97, 131)),
        ("timm:fasternet_t0", (225, 225)),
    ],
)
def test_a_size_that_a_model_takes_is_built_for_it_and_runs(
    name: str, size: tuple[int, int]
) -> None:
    """Patches and windows that divide, and convolutions at any size."""
    in_this_timm(name)
    built = build(Workload(model=name, resolution=size, batch_size=2))
    assert built.workload.resolution == size
    assert built.args[0].shape == (2, 3, *size)
    assert run(built).shape == (2, 1000)


def test_a_vision_transformer_gets_positions_for_its_size() -> None:
    """240x160 in patches of 16 is 15 × 10 tokens, and one class token."""
    built = build(Workload(model="deit_t", resolution=(240, 160)))
    assert built.module.get_parameter("pos_embed").shape == (1, 15 * 10 + 1, 192)


@pytest.mark.parametrize(
    ("name", "size", "nearest"),
    [
        ("deit_t", (225, 225), ["224x224", "240x240"]),
        ("deit_t", (225, 160), ["224x160", "240x160"]),
        ("deit_t", (8, 8), ["16x16"]),
        ("timm:beit_base_patch16_224", (230, 230), ["224x224", "240x240"]),
        ("timm:mixer_s32_224", (230, 224), ["224x224", "256x224"]),
        ("timm:twins_pcpvt_small", (232, 232), ["224x224", "256x256"]),
        ("timm:pit_ti_224", (225, 225), ["224x224", "232x232"]),
        ("timm:tnt_s_legacy_patch16_224", (225, 225), ["224x224", "240x240"]),
        ("torchvision:vit_b_16", (250, 250), ["240x240", "256x256"]),
        ("torchvision:vit_b_16", (256, 192), ["192x192", "256x256"]),
        ("torchvision:swin_t", (226, 226), ["224x224", "228x228"]),
        ("torchvision:maxvit_t", (256, 256), ["224x224", "448x448"]),
    ],
)
def test_a_size_that_would_be_cropped_or_cannot_run_is_refused_with_the_nearest(
    name: str, size: tuple[int, int], nearest: list[str]
) -> None:
    """Each nearest size is one that was built and run; so it is taken when it is asked for."""
    in_this_timm(name)
    with pytest.raises(errors.BadResolution) as refused:
        build(Workload(model=name, resolution=size))
    message = str(refused.value)
    assert f"{size[0]}x{size[1]}" in message
    offered = message.rsplit("takes: ", maxsplit=1)[-1]
    assert [word.strip(",.") for word in offered.split()] == nearest
    height, width = (int(side) for side in nearest[0].split("x"))
    assert run(build(Workload(model=name, resolution=(height, width)))).shape == (1, 1000)


def test_a_size_that_the_library_fails_at_is_not_offered() -> None:
    """228 in patches of 4 is a grid of 57, which is halved to 29; some versions of timm take 28."""
    above = "228x228" if swin_runs(228) else "240x240"
    with pytest.raises(errors.BadResolution, match=f"takes: 224x224, {above}\\.$"):
        build(Workload(model="swin_t", resolution=(225, 225)))


def swin_runs(side: int) -> bool:
    """Whether timm itself builds and runs Swin-T for a size."""
    try:
        with torch.device("meta"), torch.no_grad():
            net = timm.create_model("swin_tiny_patch4_window7_224", img_size=side)
            net.eval()(torch.empty(1, 3, side, side))
    except RuntimeError:
        return False
    return True


@pytest.mark.parametrize("size", [(0, 224), (224, -1), (0, 0)])
@pytest.mark.parametrize("name", ["resnet18", "torchvision:resnet18", "json:loads"])
def test_sizes_below_one_are_refused(name: str, size: tuple[int, int]) -> None:
    """For every kind of name, before anything is built."""
    with pytest.raises(errors.BadResolution, match="at least 1"):
        build(Workload(model=name, resolution=size))


def test_an_image_size_option_and_a_resolution_must_agree() -> None:
    """The option alone is the size; with another resolution beside it, neither is meant."""
    built = build(Workload(model="deit_t", options=(("img_size", 256),)))
    assert built.workload.resolution == (256, 256)
    assert run(built).shape == (1, 1000)
    with pytest.raises(errors.BadOption, match="img_size"):
        build(Workload(model="deit_t", options=(("img_size", 256),), resolution=(240, 240)))


@pytest.mark.parametrize(
    ("name", "option"),
    [("resnet18", "img_size"), ("deit_t", "image_size"), ("torchvision:vit_b_16", "input_size"),
     ("torchvision:resnet18", "resolution"), ("transformers:ViTModel", "img_size")],
)  # fmt: skip
def test_every_library_takes_the_size_under_any_of_its_names(name: str, option: str) -> None:
    """What its constructor calls the size, or that it has none, makes no difference."""
    if name.startswith("transformers"):
        pytest.importorskip("transformers", reason="transformers is not installed")
    built = build(Workload(model=name, options=((option, 192),)))
    assert built.workload.resolution == (192, 192)
    assert dict(built.workload.options) == {option: 192}
    (image,) = (*built.args, *built.kwargs.values())
    assert image.shape[-2:] == (192, 192)
    with pytest.raises(errors.BadOption, match=f"{option}=192 of {name} and the resolution"):
        build(Workload(model=name, options=((option, 192),), resolution=(224, 224)))


@pytest.mark.parametrize("option", [("img_size", 225), ("patch_size", 20)])
def test_options_that_make_the_patches_crop_are_refused(option: tuple[str, int]) -> None:
    """225 in patches of 16 and 224 in patches of 20 both leave a rest."""
    with pytest.raises(errors.BadResolution, match="silently crop"):
        build(Workload(model="deit_t", options=(option,)))


def test_a_model_without_images_refuses_a_resolution() -> None:
    """It would be ignored, and the record would say that it was not."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(errors.BadResolution, match="no image"):
        build(Workload(model="transformers:BertModel", resolution=(224, 224)))
