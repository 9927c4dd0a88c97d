"""Nothing of the current directory is run that nobody named, whatever its name."""

import os
from pathlib import Path

import pytest

HOSTILE = ("warnings", "multiprocessing", "random", "secrets", "socket", "hashlib", "statistics",
           "html", "sqlite3", "ctypes", "pathlib", "typer", "fvcore")  # fmt: skip
STRAY = 'raise SystemExit("the stray module was run")\n'
NET = """\
import neighbour
from torch import nn


def make(width: int = 4):
    import sqlite3

    assert sqlite3.connect
    return nn.Linear(width, neighbour.CLASSES)
"""


@pytest.fixture
def folder(tmp_path):
    """A directory full of files that have the names of Python's own modules and of libraries."""
    for name in HOSTILE:
        (tmp_path / f"{name}.py").write_text(STRAY, encoding="utf-8")
    return tmp_path


# As the installed command starts: the folder of its script is first, not the current one.
BEGIN = "import sys; sys.path[0] = sys.prefix; from vtbench.cli import main; main()"


@pytest.mark.parametrize(
    "arguments",
    [
        ("macs", "resnet18"),
        ("macs", "resnet18", "deit_t", "--jobs", "2"),
        ("throughput", "resnet18", "--resolution", "32", "--max-time", "1"),
        ("memory", "resnet18", "--resolution", "32"),
        ("suites",),
    ],
)
def test_a_stray_module_is_never_run(process, folder, arguments):
    ended = process("-c", BEGIN, *arguments, cwd=folder)
    assert "stray" not in ended.err + ended.out
    assert ended.status == 0


def test_the_module_that_was_named_is_run_with_its_neighbours_alone(process, folder):
    (folder / "mynet.py").write_text(NET, encoding="utf-8")
    (folder / "neighbour.py").write_text("CLASSES = 7\n", encoding="utf-8")
    arguments = ("macs", "mynet:make", "--input", "input=1x4", "--format", "json")
    ended = process("-c", BEGIN, *arguments, cwd=folder)
    assert '"macs": 28' in ended.out, ended.err
    assert "stray" not in ended.err


def test_the_file_that_was_named_is_run_with_its_neighbours_alone(process, folder):
    """From its own folder: a neighbour of the current directory is not found."""
    (folder / "mine").mkdir()
    for name in (*HOSTILE, "neighbour"):
        (folder / f"{name}.py").write_text(STRAY, encoding="utf-8")
        (folder / "mine" / f"{name}.py").write_text(STRAY, encoding="utf-8")
    (folder / "mine" / "neighbour.py").write_text("CLASSES = 7\n", encoding="utf-8")
    (folder / "mine" / "warnings.py").write_text(NET, encoding="utf-8")
    arguments = ("macs", "mine/warnings.py:make", "--input", "input=1x4", "--format", "json")
    ended = process("-c", BEGIN, *arguments, cwd=folder)
    assert '"macs": 28' in ended.out, ended.err
    assert "stray" not in ended.err


def test_a_named_module_may_have_the_name_of_one_of_pythons_own(process, folder):
    (folder / "code.py").write_text(NET.replace("import neighbour\n", "").replace(
        "neighbour.CLASSES", "3"), encoding="utf-8")  # fmt: skip
    ended = process("-c", BEGIN, "macs", "code:make", "--input", "input=1x4", cwd=folder)
    assert ended.status == 0, ended.err


def test_python_m_does_not_take_the_folder_either(process, tmp_path):
    """Modules that Python itself imports for ``-m`` are out of reach."""
    (tmp_path / "statistics.py").write_text(STRAY, encoding="utf-8")
    (tmp_path / "secrets.py").write_text(STRAY, encoding="utf-8")
    root = str(Path(__file__).resolve().parents[2])
    arguments = ("throughput", "resnet18", "--resolution", "32", "--max-time", "1")
    env = {**os.environ, "PYTHONPATH": root}
    ended = process("-m", "vtbench", *arguments, cwd=tmp_path, env=env)
    assert ended.status == 0, ended.err
