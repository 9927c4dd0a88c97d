"""The package's public face, and which rooms may be imported without torch."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import vtbench
from vtbench.cli.commands import COMMANDS, GROUPS

ROOT = Path(vtbench.__file__).parent.parent


def test_the_public_names_are_sorted_and_exist():
    assert vtbench.__all__ == sorted(vtbench.__all__)
    assert dir(vtbench) == vtbench.__all__
    for name in vtbench.__all__:
        assert getattr(vtbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'cuont'"):
        _ = vtbench.cuont


def test_the_version_is_the_installed_one():
    try:
        installed = version("vtbench")
    except ModuleNotFoundError:  # run from a checkout that is not installed
        installed = next(
            line.partition('"')[2].rstrip('"')
            for line in (ROOT / "pyproject.toml").read_text().splitlines()
            if line.startswith("version = ")
        )
    assert vtbench.__version__ == installed


@pytest.mark.parametrize(
    "module",
    [
        "vtbench",
        "vtbench.errors",
        "vtbench.data.workload",
        "vtbench.data.record",
        "vtbench.data.catalog",
        "vtbench.data.libraries",
        "vtbench.data.datasheets",
        "vtbench.claims.suite",
        "vtbench.claims.judge",
        "vtbench.data.cost",
        "vtbench.claims.audit",
        "vtbench.report",
        "vtbench.report.plot",
        "vtbench.models",
        "vtbench.measure.workers",
        "vtbench.sweep.axes",
        "vtbench.sweep.store",
        "vtbench.cli.sweep",
        "vtbench.cli",
        "vtbench.cli.app",
    ],
)
def test_these_import_no_torch_and_no_plotting(process, module):
    code = (
        f"import sys, {module}\n"
        "print([n for n in ('torch', 'timm', 'matplotlib', 'pandas', 'numpy', 'sympy') "
        "if n in sys.modules])"
    )
    assert process("-c", code).out == "[]\n"


def test_the_help_imports_no_command_and_lists_them_all(process):
    code = (
        "import sys\nfrom vtbench.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted(n for n in sys.modules if n.startswith('vtbench.')))"
    )
    *page, modules = process("-c", code).out.splitlines()
    assert modules.split() == [
        "vtbench.cli",
        "vtbench.cli.app",
        "vtbench.cli.commands",
        "vtbench.cli.imports",
        "vtbench.cli.output",
        "vtbench.data",
        "vtbench.data.notice",
        "vtbench.data.version",
        "vtbench.data.visible",
        "vtbench.errors",
    ]
    files = {path.stem for path in (ROOT / "vtbench" / "cli").glob("*.py")}
    listed = page[page.index(f"{next(iter(GROUPS))}:") + 1 :]
    for name in COMMANDS:
        assert name.replace("-", "_") in files
        assert any(line.startswith(f"  {name} ") for line in listed)


def _contracts():
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    read = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return read["tool"]["importlinter"]["contracts"]


def _layers():
    """The rooms of each layer, from the top."""
    return [re.findall(r"vtbench\.\w+", layer) for layer in _contracts()[0]["layers"]]


def _data_wing():
    """What lies below the models, room by room."""
    ranks = _layers()
    below = next(place for place, rank in enumerate(ranks) if "vtbench.models" in rank) + 1
    return sorted(room for rank in ranks[below:] for room in rank)


def _modules_without_torch():
    """Every module of the data wing, and the rows and cost models of every paper."""
    found = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "vtbench").rglob("*.py")]
    names = [".".join(path.parts).removesuffix(".__init__") for path in found]
    wing = re.compile("|".join(rf"{re.escape(room)}(\.|$)" for room in _data_wing()))
    paper = re.compile(r"vtbench\.papers\.\w+\.(rows|cost)(\.|$)")
    return sorted(name for name in names if wing.match(name) or paper.match(name))


def test_every_room_has_its_layer_and_every_room_of_the_data_wing_is_kept_from_torch():
    ranks, wing = _layers(), _contracts()[1]
    placed = [room for rank in ranks for room in rank]
    rooms = {f"vtbench.{path.stem}" for path in (ROOT / "vtbench").glob("*.py")}
    rooms |= {f"vtbench.{path.parent.name}" for path in (ROOT / "vtbench").glob("*/__init__.py")}
    assert set(placed) == rooms - {"vtbench.__init__", "vtbench.__main__"}
    assert len(placed) == len(set(placed))
    assert set(_data_wing()) <= set(wing["source_modules"])
    assert {"vtbench.papers.*.rows", "vtbench.papers.*.cost"} <= set(wing["source_modules"])
    assert "torch" in wing["forbidden_modules"]


def test_no_module_of_the_data_wing_brings_torch_or_a_model_library(process):
    modules = _modules_without_torch()
    assert len(modules) >= 120
    plotting = [name for name in modules if name.startswith("vtbench.report.plot.")]
    code = (
        f"import importlib, sys\nfor module in {sorted(set(modules) - set(plotting))}:\n"
        "    importlib.import_module(module)\n"
        "    found = [n for n in ('torch', 'timm', 'torchvision', 'transformers', 'matplotlib') "
        "if n in sys.modules]\n"
        "    if found: print(module, found)"
    )
    assert process("-c", code).out == ""


def test_the_import_contracts_hold():
    """The layers and the two wings, as pyproject.toml states them."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


def test_python_dash_m_is_the_command(process):
    assert process("-m", "vtbench", "--version").out == f"vtbench {vtbench.__version__}\n"


def test_count_can_be_called_whatever_was_imported_before(process):
    """``vtbench.count`` is a function to users and a folder to Python; both must hold.

    Each case is a fork of one process that has torch already, which takes longest to import.
    """
    befores = [
        "pass",
        "import vtbench.count.count_workload",
        "import vtbench.count.operators.table",
        "import vtbench.api.counting",
    ]
    code = f"""
import os, torch
for before in {befores}:
    if os.fork():
        os.wait()
        continue
    exec(before)
    import vtbench
    net, x = torch.nn.Linear(4, 5), torch.zeros(2, 4)
    print(vtbench.count(net, x).macs, vtbench.count(net, x).macs)
    from vtbench import count
    import vtbench.count.operators.formulas as formulas
    print(count(net, x).macs, formulas.mm((2, 4), (4, 5)).macs)
    with vtbench.counting(net) as c:
        net(x)
    print(c.macs, flush=True)
    os._exit(0)
"""
    ended = process("-c", code)
    assert ended.out == len(befores) * "40 40\n40 40\n40\n", ended.err
