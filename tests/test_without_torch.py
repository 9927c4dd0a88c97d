"""Whoever only reads needs no torch: the commands that build no model run where it is not there.

The environment is real: a Python that finds what vtbench depends on, except for the libraries of
networks and of counters, and what those bring. That no module imports them early is another matter,
and `test_imports.py`'s.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import venv
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import vtbench
from vtbench.cli.commands import GROUPS

ROOT = Path(vtbench.__file__).parent.parent
REPORTS = ROOT / "reports"
ABSENT = ("torch", "torchvision", "timm", "transformers", "fvcore", "thop")
FROM = "--from"
"""The option of `check` that takes records that are kept."""
VALUES = "--at"
"""The option of `cost` that gives symbols their values."""


def _needed() -> dict[str, Distribution]:
    """What vtbench depends on, near and far, without what is to be absent."""
    found: dict[str, Distribution] = {}
    wanted = _requirements("vtbench")
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = distribution(name)
            wanted += _requirements(name)
    return found


def _requirements(name):
    """What a package asks for here when it is installed without extras."""
    asked = [Requirement(line) for line in distribution(name).requires or ()]
    here = [each for each in asked if not each.marker or each.marker.evaluate({"extra": ""})]
    return [each.name for each in here if each.name not in ABSENT]


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python without torch: links to the packages that are left, and to this checkout."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, symlinks=True)
    paths = sysconfig.get_paths(scheme="posix_prefix", vars={"base": home, "platbase": home})
    site = Path(paths["purelib"])
    for package in _needed().values():
        tops = {path.parts[0] for path in package.files or () if path.parts[0] != ".."}
        for top in tops - {"__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(package.locate_file(top))
    (site / "checkout.pth").write_text(f"{ROOT}\n")
    return home / "bin" / "python"


@pytest.fixture
def told(python, tmp_path):
    """What a command prints there, once it has ended well."""

    def run(*arguments, status=0) -> str:
        done = subprocess.run(
            [python, "-I", "-m", "vtbench", *map(str, arguments)],
            capture_output=True, text=True, check=False, cwd=tmp_path, timeout=120,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    return run


def test_it_is_truly_absent(python):
    code = f"from importlib.util import find_spec\nprint([n for n in {ABSENT} if find_spec(n)])"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_help_and_the_version(told):
    page = told("--help")
    assert all(f"{heading}:" in page for heading in GROUPS)
    assert told("--version") == f"vtbench {vtbench.__version__}\n"


def test_models_are_listed(told):
    assert "sparseformer_t" in told("models")


def test_suites_are_listed(told):
    listed = told("suites")
    for path in (ROOT / "suites").glob("*.toml"):
        assert path.stem in listed


def test_kept_records_are_judged(told):
    judged = told("check", "vt_v3", FROM, REPORTS / "records.jsonl", "--format", "csv")
    assert "vt_v3.t1.r34.macs" in judged


def test_reports_come_out_as_they_are_kept(told, tmp_path):
    for path in REPORTS.rglob("*.jsonl"):
        copy = tmp_path / "reports" / path.relative_to(REPORTS)
        copy.parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(path, copy)
    told("report", "reports")
    tables = [path for ending in ("md", "csv") for path in tmp_path.rglob(f"*.{ending}")]
    assert {"check.md", "counts.csv"} < {path.name for path in tables}
    for path in tables:
        kept = REPORTS / path.relative_to(tmp_path / "reports")
        assert path.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")


def test_a_printed_table_is_audited(told):
    found = told("audit", ROOT / "tests" / "data" / "vt_v3_table1.csv", status=1)
    assert "2 contradictions." in found


def test_formulas_of_cost_are_worked_out(told):
    total = 3 * 1024**2 * 16 + 3 * 1024 * 16**2 // 2
    assert f"{total:,}" in told("cost", "vt_transformer", VALUES, "L=16,CT=1024")
