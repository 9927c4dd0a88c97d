"""What a name means: the catalogue, three libraries, globs, and what nothing is called."""

from __future__ import annotations

import pytest

from vtbench import errors
from vtbench.data import catalog, libraries
from vtbench.data.libraries import timm_architectures
from vtbench.data.workload import Workload
from vtbench.models import build, expand, names, resolve


@pytest.mark.parametrize(
    ("name", "source", "meant"),
    [
        ("swin_t", "timm", "swin_tiny_patch4_window7_224"),
        ("regnety_8g", "timm", "regnety_080"),
        ("convnext_tiny", "timm", "convnext_tiny"),
        ("timm:resnet50", "timm", "resnet50"),
        ("timm:resnet50.a1_in1k", "timm", "resnet50.a1_in1k"),
        ("timm/resnet50.a1_in1k", "timm", "resnet50.a1_in1k"),
        ("hf-hub:timm/resnet50", "timm", "resnet50"),
        ("hf_hub:timm/resnet50", "timm", "resnet50"),
        ("timm:hf-hub:timm/resnet50", "timm", "resnet50"),
        ("torchvision:swin_t", "torchvision", "swin_t"),
        ("transformers:ViTModel", "transformers", "ViTModel"),
        ("json.decoder:JSONDecoder", "callable", "json.decoder:JSONDecoder"),
    ],
)
def test_a_name_resolves_to_the_library_it_belongs_to(name: str, source: str, meant: str) -> None:
    """A short name first, then timm's; a prefix names the library."""
    target = resolve(name)
    assert (target.source, target.name) == (source, meant)


def test_short_names_win_over_names_of_timm() -> None:
    """``resnet50`` is both; the catalogue's entry comes with its stages."""
    entry = resolve("resnet50").entry
    assert entry is not None
    assert entry.stages == ("conv1", "layer1", "layer2", "layer3", "layer4", "fc")
    assert resolve("timm:resnet50").entry is None


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("resnt50", "resnet50"),
        ("Swin_T", "swin_t"),
        ("timm:convnext_tny", "timm:convnext_tiny"),
        ("torchvision:resnt18", "torchvision:resnet18"),
        ("tim:resnet50", "timm:resnet50"),
        ("timm:hf-hub:timm/resnt50", "timm:resnet50"),
        ("timm/resnt50.a1_in1k", "timm:resnet50"),
        ("hf-hub:facebook/deit", "timm/NAME or hf-hub:timm/NAME"),
        ("depth=3", "-o depth=3"),
        ("2]", "-o 'depths=[2, 2, 6, 2]'"),
    ],
)
def test_an_unknown_model_is_refused_with_the_nearest_names(name: str, suggested: str) -> None:
    """Another's name on a hub is unknown as well: it would have to be downloaded."""
    with pytest.raises(errors.UnknownModel) as refused:
        build(Workload(model=name))
    assert suggested in str(refused.value)
    assert repr(name) in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("deit_small", "deit_s"), ("deit_tiny", "deit_t"), ("deit-base", "deit_b"),
        ("deits", "deit_s"), ("swin_tiny", "swin_t"), ("SwinSmall", "swin_s"),
        ("swin-base", "swin_b"), ("swint", "swin_t"), ("vit_r34", "vt_r34"),
        ("vtr50", "vt_r50"), ("vt34", "vt_r34"), ("vit_large", "vit_l"), ("vit_b16", "vit_b"),
        ("resnet-50", "resnet50"), ("resnett50", "resnet50"), ("se_resnet50", "resnet50_se"),
        ("cbam_resnet50", "resnet50_cbam"), ("sparse_former_small", "sparseformer_s"),
        ("sparsformer_t", "sparseformer_t"), ("perciever", "perceiver"),
        ("detr_50", "detr_r50"), ("regnety_8gf", "regnety_8g"), ("mvit_small", "mvit_s"),
        ("convnext_tny", "convnext_tiny"),
    ],
)  # fmt: skip
def test_a_misspelt_name_means_a_short_one_first(typed: str, meant: str) -> None:
    """Sizes in words are letters, and words may stand in another order."""
    assert catalog.nearest(typed)[0] == meant


def test_a_tag_that_timm_does_not_have_is_refused_with_the_nearest() -> None:
    """The tag says how many classes there are, so that another one would be counted."""
    build(Workload(model="timm/vit_small_patch16_224.augreg_in21k"))
    with pytest.raises(errors.UnknownModel, match=r"16_224\.augreg_in21k\? It has: "):
        build(Workload(model="timm/vit_small_patch16_224.augreg_in21"))


def test_an_unknown_class_of_transformers_is_refused_with_the_nearest() -> None:
    """A class that needs no listing to be named is looked up in the package itself."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(errors.UnknownModel, match="transformers:ViTForImageClassification"):
        build(Workload(model="transformers:ViTForImageClasification"))
    with pytest.raises(errors.UnknownModel, match="AutoModel"):
        build(Workload(model="transformers:AutoModel"))


def test_globs_expand_in_order_each_name_once() -> None:
    """Plain names pass through; a name that two patterns match stands where it came first."""
    assert expand(["swin_*", "deit_s", "swin_t", "deit_[sb]"]) == [
        "swin_t", "swin_s", "swin_b", "deit_s", "deit_b",
    ]  # fmt: skip


def test_a_bare_glob_goes_over_timm_where_no_short_name_matches() -> None:
    """``convnext_*`` matches no short name."""
    names = expand(["convnext_t*"])
    assert "convnext_tiny" in names
    assert all(name.startswith("convnext_t") for name in names)


def test_a_prefixed_glob_goes_over_that_library_alone() -> None:
    """The whole of timm, in its own order."""
    assert expand(["timm:*"]) == [f"timm:{name}" for name in timm_architectures()]
    assert expand(["torchvision:resnet1?"]) == ["torchvision:resnet18"]


@pytest.mark.parametrize("pattern", ["zzz*", "timm:zzz*", "torchvision:quantized_*", "other:*"])
def test_a_glob_that_matches_nothing_is_refused(pattern: str) -> None:
    """An empty run is never what was meant."""
    with pytest.raises(errors.UnknownModel, match="pattern"):
        expand([pattern])


@pytest.mark.parametrize(
    ("library", "model", "install"),
    [
        ("transformers", "transformers:ViTModel", "pip install 'vtbench[models]'"),
        ("torchvision", "torchvision:resnet18", "pip install 'vtbench'"),
        ("timm", "resnet50", "pip install 'vtbench'"),
    ],
)
def test_an_absent_library_is_named_with_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, library: str, model: str, install: str
) -> None:
    """Whether one model or a pattern over all of them is asked for."""
    monkeypatch.setattr(names, "LISTED", {**libraries.LISTED, library: tuple})
    monkeypatch.setattr(names, "_registered_since", lambda *_: False)
    monkeypatch.setattr(libraries, "package_folder", lambda _: None)
    with pytest.raises(errors.MissingPackage) as refused:
        build(Workload(model=model))
    assert library in str(refused.value)
    assert install in str(refused.value)
    with pytest.raises(errors.MissingPackage, match=library):
        expand([f"{library}:*"])
