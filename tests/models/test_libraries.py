"""Models of timm, torchvision and transformers: options, inputs, real values, broken packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from installed import before

from vtbench import errors
from vtbench.data.workload import InputSpec, Workload
from vtbench.models import Built, build

pytest.importorskip("timm", reason="timm is not installed")
pytest.importorskip("torchvision", reason="torchvision is not installed")


@pytest.fixture
def transformers() -> None:
    """Skips a test, saying so, where transformers is not installed."""
    pytest.importorskip("transformers", reason="transformers is not installed")


def shapes(built: Built) -> list[tuple[int, ...]]:
    """Shapes of all inputs, in order."""
    return [tuple(each.shape) for each in (*built.args, *built.kwargs.values())]


def run(built: Built) -> object:
    """One forward pass."""
    with torch.inference_mode():
        return built.module(*built.args, **built.kwargs)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("resnet18", ("fc",)),
        ("timm:swin_tiny_patch4_window7_224", ("head.fc",)),
        ("timm:deit_tiny_distilled_patch16_224", ("head", "head_dist")),
        ("torchvision:resnet18", ("fc",)),
        ("torchvision:vit_b_16", ("heads",)),
        ("torchvision:fcn_resnet50", ()),
    ],
)
def test_the_classifier_is_named(name: str, head: tuple[str, ...]) -> None:
    """By paths that exist in the model."""
    built = build(Workload(model=name))
    assert built.head == head
    for path in head:
        built.module.get_submodule(path)


def test_a_model_without_a_classifier_names_none() -> None:
    """A feature extractor has lost the one that timm's configuration speaks of."""
    built = build(Workload(model="resnet18", options=(("features_only", True),)))
    assert built.head == ()
    assert [tuple(each.shape) for each in run(built)] == [  # type: ignore[attr-defined]
        (1, 64, 112, 112), (1, 64, 56, 56), (1, 128, 28, 28), (1, 256, 14, 14), (1, 512, 7, 7),
    ]  # fmt: skip


def test_stages_of_the_catalogue_exist_and_cover_all_parameters() -> None:
    """A stage that does not exist, or a parameter outside of every stage, would be lost."""
    for name in ("resnet18", "resnet101", "swin_t", "swin_b", "regnety_8g"):
        built = build(Workload(model=name))
        assert built.stages is not None
        for stage in built.stages:
            built.module.get_submodule(stage)
        inside = [f"{stage}." for stage in built.stages]
        left = [
            path
            for path, _ in built.module.named_parameters()
            if not any(path.startswith(stage) for stage in inside)
        ]
        assert left in ([], ["bn1.weight", "bn1.bias"])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet18", {"drop_rte": 0.1}, "Did you mean drop_rate"),
        ("deit_t", {"embd_dim": 96}, "Did you mean embed_dim"),
        ("resnet18", {"pretrained": True}, "no option 'pretrained'"),
        ("resnet18", {"checkpoint_path": "weights.pth"}, "no option 'checkpoint_path'"),
        ("resnet18", {"drop_rate": "much"}, "a number"),
        ("resnet18", {"num_classes": 10.5}, "a whole number"),
        ("resnet18", {"avg_down": 3}, "True or False"),
        ("deit_t", {"qkv_bias": "yes"}, "True or False"),
        ("torchvision:resnet18", {"num_clases": 10}, "Did you mean num_classes"),
        ("torchvision:resnet18", {"weights": "DEFAULT"}, "no option 'weights'"),
        ("torchvision:resnet18", {"layers": (1, 1, 1, 1)}, "fixed by its name"),
        ("torchvision:fcn_resnet50", {"weights_backbone": "DEFAULT"}, "no option"),
    ],
)
def test_an_option_that_does_not_exist_or_fit_is_refused(
    name: str, options: dict[str, object], message: str
) -> None:
    """With the nearest one there is; whatever would fetch weights does not exist here."""
    workload = Workload(model=name, options=tuple(options.items()))  # type: ignore[arg-type]
    with pytest.raises(errors.BadOption, match=message) as refused:
        build(workload)
    assert name in str(refused.value)


def test_an_unknown_option_is_refused_with_all_that_exist() -> None:
    """So that the user need not look them up."""
    with pytest.raises(errors.BadOption) as refused:
        build(Workload(model="resnet18", options=(("nonsense", 1),)))
    listed = str(refused.value).rsplit("It takes: ", maxsplit=1)[-1].strip(".").split(", ")
    assert {"num_classes", "in_chans", "drop_rate", "drop_path_rate", "global_pool"} <= set(listed)
    assert not {"device", "dtype", "pretrained", "self"} & set(listed)


def test_options_reach_the_constructor() -> None:
    """10 classes on 512 features; 4 channels in, and in the image too."""
    built = build(Workload(model="resnet18", options=(("in_chans", 4), ("num_classes", 10))))
    assert built.module.get_parameter("fc.weight").shape == (10, 512)
    assert shapes(built) == [(1, 4, 224, 224)]
    built = build(Workload(model="torchvision:resnet18", options=(("num_classes", 10),)))
    assert built.module.get_parameter("fc.weight").shape == (10, 512)


def test_options_of_a_transformers_model_are_its_configurations(transformers: None) -> None:
    """Fields by all their names, and those that every configuration takes."""
    name = "transformers:ViTForImageClassification"
    options = (("hidden_size", 96), ("intermediate_size", 192), ("num_attention_heads", 3),
               ("num_hidden_layers", 2), ("num_labels", 10))  # fmt: skip
    built = build(Workload(model=name, options=options))
    assert built.module.get_parameter("classifier.weight").shape == (10, 96)
    assert built.head == ("classifier",)
    assert built.module.get_submodule("vit").config.image_size == 224  # type: ignore[union-attr]
    with pytest.raises(errors.BadOption, match="Did you mean hidden_size"):
        build(Workload(model=name, options=(("hiden_size", 96),)))
    # before 5 the fields had no types, and what takes 768 may take 768.5
    kind = "a number" if before("transformers", 5) else "a whole number"
    with pytest.raises(errors.BadOption, match=f"hidden_size of {name} takes {kind}"):
        build(Workload(model=name, options=(("hidden_size", "wide"),)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SegformerForImageClassification", [(2, 3, 224, 224)]),
        ("VideoMAEModel", [(2, 16, 3, 224, 224)]),
        ("CLIPModel", [(2, 77), (2, 3, 224, 224)]),
        ("BertModel", [(2, 128)]),
    ],
)
def test_a_transformers_model_gets_what_its_forward_reads(
    name: str, expected: list[tuple[int, ...]], transformers: None
) -> None:
    """Pixels, a clip, a text as long as its positions go; 128 tokens at most."""
    workload = Workload(model=f"transformers:{name}", batch_size=2)
    built = build(workload)
    assert shapes(built) == expected
    # before 5 BERT looks for padding among its tokens, so it needs values
    run(build(workload, real=True) if name == "BertModel" and before("transformers", 5) else built)


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("XLNetModel", None, [(1, 128)]),  # it has no end to its positions, and says so by -1
        ("VJEPA2Model", (256, 256), [(1, 64, 3, 256, 256)]),  # crop_size
        ("Sam2Model", (1024, 1024), [(1, 3, 1024, 1024)]),  # vision_config.backbone_config
    ],
)
def test_a_default_size_is_found_wherever_a_configuration_says_it(
    name: str, size: object, expected: list[tuple[int, ...]], transformers: None
) -> None:
    try:
        built = build(Workload(model=f"transformers:{name}"))
    except errors.UnknownModel:
        pytest.skip(f"this version of transformers has no {name}")
    assert shapes(built) == expected
    assert built.workload.resolution == size


def test_a_size_reaches_the_part_that_sees(transformers: None) -> None:
    try:
        built = build(Workload(model="transformers:VJEPA2Model", resolution=(128, 128)))
    except errors.UnknownModel:
        pytest.skip("this version of transformers has no VJEPA2Model")
    assert built.module.config.crop_size == 128
    assert shapes(built) == [(1, 64, 3, 128, 128)]
    with pytest.raises(errors.BadResolution, match="Sam2Model does not take 512x512"):
        build(Workload(model="transformers:Sam2Model", resolution=(512, 512)))


def test_a_transformers_model_is_built_for_a_size_or_refuses_it(transformers: None) -> None:
    """ViT: 15 × 10 patches and one class token at 240x160; Segformer takes any size."""
    built = build(Workload(model="transformers:ViTModel", resolution=(240, 160)))
    positions = built.module.get_parameter("embeddings.position_embeddings")
    assert positions.shape == (1, 15 * 10 + 1, 768)
    run(built)
    with pytest.raises(errors.BadResolution, match="224x224, 240x240"):
        build(Workload(model="transformers:ViTModel", resolution=(225, 225)))
    name = "transformers:SegformerForImageClassification"
    run(build(Workload(model=name, resolution=(97, 333))))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("r3d_18", [(2, 3, 16, 112, 112)]),
        ("raft_small", [(2, 3, 224, 224), (2, 3, 224, 224)]),
        ("lraspp_mobilenet_v3_large", [(2, 3, 224, 224)]),
    ],
)
def test_torchvision_models_get_clips_pairs_and_images(
    name: str, expected: list[tuple[int, ...]]
) -> None:
    """Video models read clips, optical flow reads two images."""
    built = build(Workload(model=f"torchvision:{name}", batch_size=2))
    assert shapes(built) == expected
    run(built)


def test_detectors_get_a_list_of_images_of_the_size_they_resize_to() -> None:
    """Whatever comes in, SSD300 resizes it to 300 × 300."""
    built = build(Workload(model="torchvision:ssd300_vgg16", batch_size=2))
    assert [tuple(image.shape) for image in built.args[0]] == [(3, 300, 300)] * 2
    assert built.workload.resolution == (300, 300)


def test_inputs_by_name_take_the_place_of_the_image() -> None:
    """The resolution stays open: no image was made."""
    spec = InputSpec(name="x", shape=(2, 3, 64, 96), dtype="bfloat16")
    built = build(Workload(model="torchvision:resnet18", inputs=(spec,)))
    assert built.args == ()
    assert built.kwargs["x"].shape == (2, 3, 64, 96)
    assert built.kwargs["x"].dtype == torch.bfloat16
    assert built.kwargs["x"].is_meta
    assert built.workload.resolution is None


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (InputSpec(name="y", shape=(1, 3, 64, 64)), "no input 'y'.*forward takes x"),
        (InputSpec(name="x", shape=(1, 3, 64, 64), dtype="float33"), "unknown type 'float33'"),
        (InputSpec(name="x", shape=(1, 0, 64, 64)), "below 1"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(spec: InputSpec, message: str) -> None:
    """A name, a type or a shape that cannot be."""
    with pytest.raises(errors.BadInput, match=message):
        build(Workload(model="torchvision:resnet18", inputs=(spec,)))


def test_a_model_whose_inputs_cannot_be_guessed_asks_for_them(transformers: None) -> None:
    """Whisper reads sound."""
    with pytest.raises(errors.BadInput, match="--input NAME=SHAPE"):
        build(Workload(model="transformers:WhisperModel"))


def test_real_values_are_seeded_and_the_model_is_in_the_workloads_mode() -> None:
    """Two real builds are the same model on the same image; meta has no values at all."""
    first, second = (build(Workload(model="resnet18"), real=True) for _ in range(2))
    assert torch.equal(first.args[0], second.args[0])
    assert first.args[0].std().item() == pytest.approx(1, abs=0.05)
    for one, other in zip(first.module.parameters(), second.module.parameters(), strict=True):
        assert torch.equal(one, other)
    assert not first.module.training
    trained = build(Workload(model="resnet18", mode="train"))
    assert all(part.training for part in trained.module.modules())
    assert trained.args[0].is_meta


def test_real_integer_inputs_are_small(transformers: None) -> None:
    """Tokens that every vocabulary has."""
    spec = InputSpec(name="input_ids", shape=(1, 16), dtype="int64")
    built = build(Workload(model="transformers:BertModel", inputs=(spec,)), real=True)
    assert built.kwargs["input_ids"].dtype == torch.int64
    assert set(built.kwargs["input_ids"].unique().tolist()) <= {0, 1}
    run(built)


def test_real_values_are_refused_to_a_model_that_would_not_fit() -> None:
    """1.8 billion parameters of 4 bytes are built on meta in no memory, but not on the CPU."""
    name = "timm:vit_gigantic_patch14_224"
    assert build(Workload(model=name)).args[0].is_meta
    with pytest.raises(errors.ModelError, match="GiB"):
        build(Workload(model=name), real=True)


BROKEN = 'raise RuntimeError("operator torchvision::nms does not exist\\nmore lines")\n'
LISTED = "@register_model()\ndef resnet18():\n    pass\n"
OWN = """
from torch import nn
def net(width: int = 4):
    return nn.Conv2d(3, width, 3)
"""


def test_a_broken_torchvision_is_one_sentence_and_leaves_own_models_working(
    tmp_path: Path,
) -> None:
    """Since timm imports torchvision, the sentence says that this is what fails."""
    (tmp_path / "torchvision" / "models").mkdir(parents=True)
    (tmp_path / "torchvision" / "__init__.py").write_text(BROKEN)
    (tmp_path / "torchvision" / "models" / "resnet.py").write_text(LISTED)
    (tmp_path / "own_net.py").write_text(OWN)
    code = (
        "from vtbench import errors, models\n"
        "from vtbench.data.workload import Workload\n"
        "print(models.build(Workload(model='own_net:net')).module.weight.shape)\n"
        "for name in ('torchvision:resnet18', 'resnet18'):\n"
        "    try:\n"
        "        models.build(Workload(model=name))\n"
        "    except errors.VtbenchError as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n" + code],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{Path(errors.__file__).parents[1]}", "PATH": "/usr/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    own, torchvision, timm = done.stdout.splitlines()
    assert own == "torch.Size([4, 3, 3, 3])"
    reason = "RuntimeError: operator torchvision::nms does not exist"
    refused = "is installed but does not import"
    assert torchvision.startswith(f"MissingPackage torchvision {refused} ({reason})")
    assert timm.startswith(f"MissingPackage timm {refused} ({reason})")
    assert "what fails is torchvision" in timm
