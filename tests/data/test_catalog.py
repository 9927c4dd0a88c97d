"""The catalogue is data: it lists, matches and suggests without importing torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

from vtbench.data import catalog, libraries


def run_without_torch(code: str) -> str:
    """Run code in a fresh interpreter that fails if anything imported torch."""
    guard = "\nimport sys\nassert 'torch' not in sys.modules, 'torch was imported'\n"
    done = subprocess.run(
        [sys.executable, "-c", code + guard], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_short_name_stands_for_one_model() -> None:
    """The names are a contract: none is given away twice, not even to another paper."""
    names = [entry.name for entry in catalog.CATALOG]
    assert len(names) == len(set(names))


def test_efficientnet_b3_is_counted_at_the_size_of_its_paper() -> None:
    """Timm's own size for it is 288; the paper's is 300."""
    entry = catalog.entry("efficientnet_b3")
    assert entry is not None
    assert entry.resolution == (300, 300)


def test_entries_match_globs_and_parts_of_names_in_the_catalogues_order() -> None:
    """A pattern without wildcards matches names that contain it."""
    assert [e.name for e in catalog.entries("swin_*")] == ["swin_t", "swin_s", "swin_b"]
    names = [e.name for e in catalog.entries() if "resnet101" in e.name]
    assert [e.name for e in catalog.entries("resnet101")] == names
    assert set(names) == {"resnet101", "resnet101_se", "resnet101_cbam"}
    assert catalog.entries() == list(catalog.CATALOG)
    assert catalog.entries("nothing*") == []
    assert catalog.entry("swin_") is None


def test_listing_and_suggesting_import_no_torch() -> None:
    """All names of three libraries are read from their source text."""
    printed = run_without_torch(
        "from vtbench.data import catalog, libraries\n"
        "from vtbench.models import expand\n"
        "print(len(catalog.entries()), len(libraries.timm_architectures()) > 1000)\n"
        "print(catalog.nearest('resnt50')[0], catalog.nearest('timm:convnext_tny')[0])\n"
        "print(len(expand(['timm:vit_small*', 'swin_*', 'torchvision:*'])) > 50)\n"
    )
    assert printed.split() == [
        str(len(catalog.CATALOG)), "True", "resnet50", "timm:convnext_tiny", "True",
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
