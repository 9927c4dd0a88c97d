"""The hook for pre-commit, tried with pre-commit itself in a repository of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT

pytest.importorskip("pre_commit", reason="pre-commit is not installed")
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

CONFIG = """\
repos:
  - repo: {hooks}
    rev: {rev}
    hooks:
      - id: vtbench-check
        args: [--against, baseline.jsonl, --allow-imports]
"""
NET = "from torch import nn\n\n\ndef make():\n    return nn.Conv2d(3, {width}, 1)\n"


@pytest.fixture
def run(tmp_path):
    """Run a command in a folder, with ``vtbench`` on the path and nothing of the user's git."""
    shim = tmp_path / "bin" / "vtbench"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vtbench "$@"\n')
    shim.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")},
    }  # fmt: skip
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        environment.pop(name, None)

    def call(folder: Path, *command: str) -> tuple[int, str]:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env=environment
        )
        return done.returncode, done.stdout + done.stderr

    return call


def committed(run, folder, **files):
    """A repository with these files, and its commit."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    for command in ("init --quiet", "add --all", "commit --quiet --message one"):
        assert run(folder, "git", *command.split())[0] == 0
    return run(folder, "git", "rev-parse", "HEAD")[1].strip()


def test_the_hook_stops_a_commit_that_costs_more(run, tmp_path):
    """It installs nothing: the models need the user's own environment."""
    hooks, own = tmp_path / "hooks", tmp_path / "own"
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    rev = committed(run, hooks, **{".pre-commit-hooks.yaml": text})
    config = CONFIG.format(hooks=hooks, rev=rev)
    committed(run, own, **{"nets.py": NET.format(width=4), ".pre-commit-config.yaml": config})
    pre_commit = (sys.executable, "-m", "pre_commit")
    assert run(own, *pre_commit, "validate-manifest", str(hooks / ".pre-commit-hooks.yaml"))[0] == 0
    assert run(own, "vtbench", "baseline", "write", "baseline.jsonl", "nets:make")[0] == 0
    run(own, "git", "add", "--all")
    status, said = run(own, *pre_commit, "run")
    assert (status, "Passed" in said) == (0, True), said
    (own / "nets.py").write_text(NET.format(width=5))
    run(own, "git", "add", "--all")
    status, said = run(own, *pre_commit, "run")
    assert (status, "Failed" in said) == (1, True), said
    assert "nets:make" in said
    assert "fails !" in said
    (own / "notes.txt").write_text("no model\n")
    run(own, "git", "stash", "--quiet")
    run(own, "git", "add", "notes.txt")
    assert "no files to check" in run(own, *pre_commit, "run")[1]
