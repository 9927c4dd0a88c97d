"""The pytest plugin: claims as items, unknowns as skips, one fixture; unused it costs nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import vtbench

ROOT = Path(vtbench.__file__).parent.parent

SUITE = """
[suite]
title = "Small"
source = "a test"

[[table]]
id = "t"
where = "Table 1"

[table.columns]
macs = { metric = "macs", unit = "G" }
top1 = { unit = "%", needs = "weights" }

[[table.row]]
id = "r18"
workload = { model = "resnet18" }
macs = "1.814"
top1 = "69.76"

[[table.row]]
id = "r34"
workload = { model = "resnet34" }
macs = { printed = "3.6", expect = "close", why = "It is 3.664." }
"""


@pytest.fixture
def run(tmp_path):
    """Pytest in a folder of its own, with the plugin whether or not it is installed."""
    installed = any(
        point.value == "vtbench.pytest_plugin" for point in entry_points(group="pytest11")
    )
    given = [] if installed else ["-p", "vtbench.pytest_plugin"]

    def call(*arguments: str, **files: str):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *given, "-q", "-rA", "-p", "no:cacheprovider",
             *arguments],
            capture_output=True, text=True, check=False, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return call


def test_claims_are_items_and_unknowns_are_skips_with_their_reason(run):
    status, said = run("--vtbench", "suites/", suites__small_dot_toml=SUITE)
    assert status == 0, said
    assert "PASSED suites/small.toml::small.t.r18.macs" in said
    assert "PASSED suites/small.toml::small.t.r34.macs" in said  # expected to be close, and is
    assert "weights: It needs trained weights" in said
    assert "2 passed, 1 skipped" in said


def test_a_changed_digit_fails_one_item_with_a_sentence_and_the_others_are_deselected(run):
    changed = SUITE.replace("1.814", "1.815")
    status, said = run("--vtbench", "small.toml", "-k", "r18 and macs", small_dot_toml=changed)
    assert status == 1, said
    assert "Table 1, r18: printed 1.815 G, measured 1.81407 G: close" in said
    assert "expected: holds." in said
    assert "1 failed, 2 deselected" in said
    assert "Traceback" not in said


def test_mistakes_in_a_suite_are_sentences(run):
    status, said = run("--vtbench", "s.toml", s_dot_toml=SUITE.replace('"macs"', '"macz"'))
    assert status == 2, said
    assert re.search(r"s\.toml:\d+: columns\.macs\.metric: there is no 'macz'", said)
    status, said = run("--vtbench", "s.toml", s_dot_toml=SUITE.replace('"resnet18"', '"os:getcwd"'))
    assert status == 2, said
    assert "give --vtbench-allow-imports if you trust it" in said


@pytest.mark.parametrize("name", ["nowhere", "empty/"])
def test_what_is_no_suite_is_refused(run, name):
    status, said = run("--vtbench", name, empty__x_dot_txt="")
    assert status == 4, said
    assert "ERROR" in said


def test_assert_macs_guards_a_module_and_a_name(run):
    tests = """
import pytest, torch
from torch import nn

def test_module(assert_macs):
    found = assert_macs(nn.Linear(4, 5), torch.zeros(2, 4), exactly=2 * 4 * 5, at_most=40)
    assert found.params == 4 * 5 + 5

def test_name(assert_macs):
    assert_macs("resnet18", resolution=64, at_most=2e8)

def test_over(assert_macs):
    with pytest.raises(AssertionError, match="Linear takes 40 MACs, more than 39. The costliest"):
        assert_macs(nn.Linear(4, 5), torch.zeros(2, 4), at_most=39)

def test_other(assert_macs):
    with pytest.raises(AssertionError, match=r"takes 40 MACs, not 41 \\(-1\\)"):
        assert_macs(nn.Linear(4, 5), torch.zeros(2, 4), exactly=41)

def test_bound(assert_macs):
    with pytest.raises(TypeError, match="give at least one of them"):
        assert_macs(nn.Linear(4, 5), torch.zeros(2, 4))

@torch.library.custom_op("guard::scan", mutates_args=())
def scan(x: torch.Tensor) -> torch.Tensor:
    return x.clone()

@scan.register_fake
def _(x):
    return torch.empty_like(x)

class Scan(nn.Module):
    def forward(self, x):
        return torch.ops.guard.scan(x)

def test_unknown(assert_macs):
    with pytest.raises(AssertionError, match="lower bound: guard.scan"):
        assert_macs(Scan(), torch.zeros(2, 4), at_most=10)
"""
    status, said = run(test_them_dot_py=tests)
    assert (status, "6 passed" in said) == (0, True), said


def test_unused_the_plugin_imports_nothing(process):
    code = (
        "import sys, vtbench.pytest_plugin\n"
        "print([n for n in ('torch', 'timm', 'msgspec', 'typer', 'rich', 'numpy') "
        "if n in sys.modules], [n for n in sys.modules if n.startswith('vtbench.')])"
    )
    assert process("-c", code).out == (
        "[] ['vtbench.data', 'vtbench.data.version', 'vtbench.pytest_plugin']\n"
    )


def test_the_package_announces_the_plugin():
    text = (ROOT / "pyproject.toml").read_text()
    assert '[project.entry-points.pytest11]\nvtbench = "vtbench.pytest_plugin"' in text
