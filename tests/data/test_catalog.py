"""The catalogue is data: it lists, matches and suggests without importing torch."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from vtbench.data import catalog, libraries

SHORT_NAMES = [
    "resnet18", "resnet34", "resnet50", "resnet101",
    "deit_t", "deit_s", "deit_b",
    "vit_s", "vit_b", "vit_l",
    "swin_t", "swin_s", "swin_b",
    "regnety_8g", "efficientnet_b3",
    "resnet18_se", "resnet34_se", "resnet50_se", "resnet101_se",
    "resnet18_cbam", "resnet34_cbam", "resnet50_cbam", "resnet101_cbam",
    "vt_r18", "vt_r34", "vt_r50", "vt_r101",
    "vt_r18_l16", "vt_r34_l16", "vt_r50_l4", "vt_r101_l4",
    "vt_v4_r18", "vt_v4_r34", "vt_v4_adv_r18", "vt_v4_adv_r34", "vt_v4_adv_r101",
    "fpn_r50", "fpn_r101", "vt_fpn_r50", "vt_fpn_r101",
    "sparseformer_t", "sparseformer_s", "sparseformer_b",
    "video_sparseformer_t", "video_sparseformer_s", "video_sparseformer_b",
    "sparseformer_det", "sparseformer_seg",
    "sparseformer_augreg_b", "sparseformer_augreg_l", "sparseformer_clip_b", "sparseformer_clip_l",
    "perceiver", "perceiver_io", "detr_r50", "detr_dc5_r50", "upernet_swin_t",
    "timesformer", "vivit_b_fe", "video_swin_t", "mvit_s", "mvit_b", "slowfast_r101", "nl_i3d_r101",
    "vt_transformer", "nonlocal_block",
]  # fmt: skip


def run_without_torch(code: str) -> str:
    """Run code in a fresh interpreter that fails if anything imported torch."""
    guard = "\nimport sys\nassert 'torch' not in sys.modules, 'torch was imported'\n"
    done = subprocess.run(
        [sys.executable, "-c", code + guard], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_promised_short_name_is_in_the_catalogue_once() -> None:
    """The names are a contract; a name stands for one model."""
    names = [entry.name for entry in catalog.CATALOG]
    assert names == SHORT_NAMES


def test_every_entry_names_something_that_exists() -> None:
    """A target that does not exist would only show when somebody asks for it."""
    for entry in catalog.CATALOG:
        source, _, name = entry.target.partition(":")
        if source == "timm":
            assert name in libraries.timm_architectures()
        else:
            assert callable(getattr(importlib.import_module(source), name))


def test_efficientnet_b3_is_counted_at_the_size_of_its_paper() -> None:
    """Timm's own size for it is 288; the paper's is 300."""
    entry = catalog.entry("efficientnet_b3")
    assert entry is not None
    assert entry.resolution == (300, 300)


def test_entries_match_globs_and_parts_of_names_in_the_catalogues_order() -> None:
    """A pattern without wildcards matches names that contain it."""
    assert [e.name for e in catalog.entries("swin_*")] == ["swin_t", "swin_s", "swin_b"]
    assert [e.name for e in catalog.entries("resnet101")] == [
        "resnet101", "resnet101_se", "resnet101_cbam",
    ]  # fmt: skip
    assert [e.name for e in catalog.entries()] == SHORT_NAMES
    assert catalog.entries("nothing*") == []
    assert catalog.entry("swin_") is None


def test_listing_and_suggesting_import_no_torch() -> None:
    """All names of three libraries are read from their source text."""
    printed = run_without_torch(
        "from vtbench import catalog, libraries\n"
        "from vtbench.models import expand\n"
        "print(len(catalog.entries()), len(libraries.timm_architectures()) > 1000)\n"
        "print(catalog.nearest('resnt50')[0], catalog.nearest('timm:convnext_tny')[0])\n"
        "print(len(expand(['timm:vit_small*', 'swin_*', 'torchvision:*'])) > 50)\n"
    )
    assert printed.split() == [
        str(len(SHORT_NAMES)), "True", "resnet50", "timm:convnext_tiny", "True",
    ]  # fmt: skip


def test_an_unknown_name_is_refused_without_importing_torch() -> None:
    """A typing error costs no import of a model library."""
    run_without_torch(
        "from vtbench import errors, models\n"
        "from vtbench.data.workload import Workload\n"
        "for name in ('resnt50', 'timm:nope', 'torchvision:nope', 'no_such_module:f', 'a b', ''):\n"
        "    try:\n"
        "        models.build(Workload(model=name))\n"
        "    except errors.UnknownModel:\n"
        "        continue\n"
        "    raise SystemExit(name)\n"
    )


def test_timms_architectures_are_exactly_what_timm_lists() -> None:
    """Read from the source text or asked of the imported library, it is the same list."""
    timm = pytest.importorskip("timm", reason="timm is not installed")
    assert list(libraries.timm_architectures()) == timm.list_models()


def test_torchvisions_names_are_what_torchvision_lists_less_the_quantized() -> None:
    """Quantized models run integer kernels and are no float model under another name."""
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    listed = [name for name in models.list_models() if not name.startswith("quantized_")]
    assert sorted(libraries.torchvision_names()) == sorted(listed)


def test_a_misspelt_source_suggests_the_source() -> None:
    """The part before the colon is misspelt as easily as the part behind it."""
    assert catalog.nearest("tim:resnet50") == ["timm:resnet50"]
    assert "transformers:ViTModel" in catalog.nearest("transformers:VitModell")
    assert catalog.nearest("zzzzqqqq") == []


def test_a_missing_package_lists_nothing() -> None:
    """Absence is an empty list, never an import error."""
    assert libraries.package_folder("no_such_package_anywhere") is None
    assert libraries.package_folder("no_such_package_anywhere.models") is None
