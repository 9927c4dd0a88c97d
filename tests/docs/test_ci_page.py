"""action.yml holds, and what docs/ci.md says of it and of pytest."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import yaml
from pages import NAMED, ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```([^\n]+)\n(.*?)```", PAGE, re.DOTALL)
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def _here(folder: Path) -> Path:
    """A project of the page's files."""
    for _, text in BLOCKS:
        if named := NAMED.match(text):
            path = folder / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "COLUMNS": "80"}


def test_the_pages_pytest_command_runs_its_claims_and_its_tests(tmp_path):
    (command,) = (text for language, text in BLOCKS if language == "shell")
    name, *arguments = shlex.split(command)
    assert name == "pytest"
    installed = any(p.value == "vtbench.pytest_plugin" for p in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "vtbench.pytest_plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "-q", "-p", "no:cacheprovider", *arguments],
        capture_output=True, text=True, check=False, env=_environment(), cwd=_here(tmp_path),
    )  # fmt: skip
    assert "8 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


WORKFLOWS = [text for language, text in BLOCKS if language == "yaml" and "\njobs:" in text]


@pytest.mark.parametrize("text", WORKFLOWS)
def test_the_workflows_of_the_page_give_the_action_what_it_takes(text):
    workflow = yaml.safe_load(text)
    (used,) = (s for s in workflow["jobs"]["cost"]["steps"] if "vtbench" in s["uses"])
    assert set(used["with"]) <= set(ACTION["inputs"])
    assert all(isinstance(value, str) for value in used["with"].values())


def test_what_comments_may_write_to_pull_requests_and_to_nothing_else():
    workflows = map(yaml.safe_load, WORKFLOWS)
    used = {text["jobs"]["cost"]["steps"][-1]["with"].get("comment"): text for text in workflows}
    assert used["true"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "permissions" not in used[None]


def test_the_hook_of_the_page_is_one_that_there_is():
    (text,) = (text for language, text in BLOCKS if language == "yaml" and "\nrepos:" in text)
    (repository,) = yaml.safe_load(text)["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert [hook["id"] for hook in repository["hooks"]] == [hook["id"] for hook in hooks]


def _script() -> str:
    (step,) = (step for step in ACTION["runs"]["steps"] if step["name"] == "Check")
    return step["run"]


def test_inputs_reach_the_script_as_variables_only():
    """An expression inside a script would run what a pull request writes into it."""
    assert ACTION["runs"]["using"] == "composite"
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        for value in step["env"].values():
            assert re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)[1] in ACTION["inputs"]


@pytest.fixture
def act(tmp_path):
    """Run the action's script as its runner would, with ``vtbench`` on the path."""
    shim = tmp_path / "bin" / "vtbench"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vtbench "$@"\n')
    shim.chmod(0o755)
    summary = tmp_path / "summary.md"

    def call(cwd: Path, **inputs: str) -> tuple[int, str, str]:
        names = ("SUITES", "AGAINST", "ALLOW_IMPORTS")
        environment = _environment() | {f"VTBENCH_{n}": inputs.get(n.lower(), "") for n in names}
        environment |= {"GITHUB_STEP_SUMMARY": str(summary),
                        "PATH": f"{shim.parent}:{os.environ['PATH']}"}  # fmt: skip
        done = subprocess.run(
            [shutil.which("bash") or "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c",
             _script()],
            capture_output=True, text=True, check=False, env=environment, cwd=cwd,
        )  # fmt: skip
        return done.returncode, done.stdout, summary.read_text() if summary.exists() else ""

    return call


SUITE = """
[suite]
title = "Small"
source = "a test"
[[claim]]
id = "r18"
where = "README"
metric = "macs"
unit = "G"
printed = "{printed}"
workload = {{ model = "resnet18", resolution = 64 }}
"""


def test_the_action_writes_a_summary_and_is_green(act, tmp_path):
    (tmp_path / "good.toml").write_text(SUITE.format(printed="0.149"))
    status, _, summary = act(tmp_path, suites="good.toml")
    assert status == 0
    assert summary.startswith("### good\n")
    assert "| r18 | 0.149 G |" in summary


def test_the_action_is_red_and_annotates_what_is(act, tmp_path):
    (tmp_path / "bad.toml").write_text(SUITE.format(printed="0.31"))
    status, out, summary = act(tmp_path, suites="bad.toml")
    assert status == 1
    assert "::error title=bad.r18::README: printed 0.31 G" in out
    assert "fails" in summary


def test_the_action_refuses_to_check_nothing(act, tmp_path):
    status, out, summary = act(tmp_path)
    assert (status, summary) == (2, "")
    assert out.startswith("::error::vtbench check: name suites")


def test_what_an_input_says_is_never_run(act, tmp_path):
    status, _, _ = act(tmp_path, suites="$(touch owned) `touch owned` ; touch owned")
    assert status == 2
    assert not (tmp_path / "owned").exists()
