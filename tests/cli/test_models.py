"""``vtbench models`` and the frame of the command line, none of which may import torch."""

from __future__ import annotations

import csv
import io
import json

import pytest

from vtbench import __version__
from vtbench.data import catalog


def test_models_lists_the_catalogue_with_papers(vtbench):
    ended = vtbench("models", "--format", "json")
    listed = json.loads(ended.out)["results"]
    assert [each["name"] for each in listed] == [entry.name for entry in catalog.entries()]
    assert all(each["paper"] for each in listed)
    assert {each["name"]: each for each in listed}["efficientnet_b3"]["resolution"] == [300, 300]


def test_models_takes_a_part_of_a_name_a_glob_or_a_librarys_glob(vtbench):
    assert "swin_b" in vtbench("models", "swin").out
    assert "resnet18" not in vtbench("models", "swin").out
    names = [
        each["name"]
        for each in json.loads(vtbench("models", "deit_*", "--format", "json").out)["results"]
    ]
    assert names == ["deit_t", "deit_s", "deit_b"]
    assert "timm:convnext_tiny" in vtbench("models", "timm:convnext*", "--format", "csv").out


def test_models_has_every_format(vtbench, tmp_path):
    rows = list(csv.reader(io.StringIO(vtbench("models", "--format", "csv").out)))
    assert rows[0] == ["Name", "Built from", "Paper"]
    assert "| resnet18 | timm:resnet18 |" in vtbench("models", "--format", "markdown").out
    target = tmp_path / "models.json"
    assert vtbench("models", "--format", "json", "--output", str(target)).out == ""
    assert json.loads(target.read_text())


def test_a_pattern_without_a_match_is_an_error(vtbench):
    for pattern in ("zzzz", "timm:zzzz*"):
        ended = vtbench("models", pattern)
        assert (ended.status, ended.out) == (2, "")
        assert "zzzz" in ended.err


def test_version_and_help(vtbench):
    assert vtbench("--version").out == f"vtbench {__version__}\n"
    for arguments in ((), ("--help",), ("-h",)):
        ended = vtbench(*arguments)
        assert ended.status == 0
        assert "macs" in ended.out
        assert "models" in ended.out


@pytest.mark.parametrize("command", ["macs", "formula", "conformance", "models"])
def test_help_of_a_command_has_examples_and_fits_80_columns(vtbench, command):
    ended = vtbench(command, "--help")
    assert f"vtbench {command} " in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_an_unknown_command_is_one_sentence(vtbench):
    ended = vtbench("mac")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("vtbench: No such command 'mac'")
    assert "`vtbench --help`" in ended.err


WITHOUT_TORCH = [
    ["--help"],
    ["--version"],
    ["macs", "--help"],
    ["formula", "--help"],
    ["formula", "nosuchmodel_xyz"],
    ["conformance", "--help"],
    ["conformance", "--counters", "magic"],
    ["models"],
    ["models", "timm:res*"],
    ["macs"],
    ["macs", "nosuchmodel_xyz"],
    ["macs", "resnet18", "--resolution", "0"],
    ["macs", "resnet18", "-o", "nonsense"],
    ["macs", "resnet18", "--output", "/no/such/folder/x.csv"],
]


@pytest.mark.parametrize("arguments", WITHOUT_TORCH, ids=" ".join)
def test_no_torch_is_imported_where_no_model_is_needed(process, arguments):
    code = (
        "import sys\n"
        "from vtbench.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    sys.stderr.write(f'torch={\"torch\" in sys.modules}')\n"
    )
    assert process("-c", code, *arguments).err.endswith("torch=False")
