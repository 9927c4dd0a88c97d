"""The recipes of CONTRIBUTING.md work: each is walked on a toy, in a copy of the tree."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCE = re.compile(r"```(\w+)([^\n]*)\n(.*?)```", re.DOTALL)
COPIED = ("vtbench", "suites", "tests", "scripts", "docs", "pyproject.toml")
TOGETHER = ("Add a paper", "Add a suite", "Add a cost model")
"""Recipes that go on where the one before ended."""


def _sections():
    parts = re.split(r"^## (Add .*)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _copied(folder):
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def _write(tree, about, text):
    """A file of its own, or lines that go after (or before) a line of a file."""
    path = tree / re.search(r"file=(\S+)", about)[1]
    place = re.search(r'after="([^"]+)"( before)?', about)
    if place is None:
        assert not path.exists(), f"{path} exists: the recipe makes it"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    found = next(number for number, line in enumerate(lines) if place[1] in line)
    lines.insert(found if place[2] else found + 1, text)
    path.write_text("".join(lines), encoding="utf-8")


def _run(tree, block):
    """Every command of a block succeeds and shows the lines that stand below it."""
    for command, shown in re.findall(r"\$ (.+)\n((?:(?!\$ ).*\n)*)", block):
        name, *arguments = shlex.split(command)
        program = {"vtbench": ["-m", "vtbench"], "pytest": ["-m", "pytest"], "python": []}
        start = [sys.executable, *program[name]] if name in program else [_beside(name)]
        done = subprocess.run(
            [*start, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "80"},
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        for line in shown.splitlines():
            assert line in done.stdout, f"{command}\n{done.stdout}"


def _beside(name):
    return str(Path(sys.executable).with_name(name))


def _walk(tree, section):
    for language, about, text in FENCE.findall(section):
        if language == "console":
            _run(tree, text)
        elif "file=" in about:
            _write(tree, about, text)


def test_a_paper_its_suite_and_its_cost_model(tmp_path):
    tree = _copied(tmp_path)
    for name in TOGETHER:
        _walk(tree, _sections()[name])
    outside = {"vtbench/papers/toy", "suites/toy.toml", "tests/papers/test_toy.py"}
    assert _changed(tree, outside) == []


def _changed(tree, own):
    """Files that the recipe edited although it should not have."""
    return [
        str(path.relative_to(ROOT))
        for name in ("vtbench", "suites", "tests")
        for path in (ROOT / name).rglob("*.*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and not any(str(path.relative_to(ROOT)).startswith(each) for each in own)
        and (tree / path.relative_to(ROOT)).read_bytes() != path.read_bytes()
    ]


@pytest.mark.parametrize("name", [name for name in _sections() if name not in TOGETHER])
def test_a_recipe_does_what_it_says(tmp_path, name):
    _walk(_copied(tmp_path), _sections()[name])


def test_there_is_a_recipe_for_everything_that_is_added_often():
    assert set(_sections()) == {
        *TOGETHER,
        "Add an operator and its micro-case",
        "Add an option",
        "Add a counter to compare with",
        "Add a token-reduction method",
    }
