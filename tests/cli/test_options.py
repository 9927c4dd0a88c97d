"""Options are defined once: every command that an option fits has it, with the same words."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from vtbench.cli.commands import COMMANDS, command_named
from vtbench.cli.options import Building, Execution
from vtbench.cli.page import options_page
from vtbench.data.option import fields_of
from vtbench.data.workload import EXECUTION, Workload

ROOT = Path(__file__).parents[2]
BUILDERS = ("macs", "formula", "throughput", "latency", "memory", "sweep", "regress", "baseline")
"""Commands that build models."""
RUNNERS = ("throughput", "latency", "memory", "sweep", "regress")
"""Commands that execute them."""
OWN = {"--protocol", "--across", "--metric", "--by", "--show"}
"""Options whose values differ from command to command."""


def options_of(name):
    """Flag -> what the help says of it."""
    command = command_named(name)
    command = command.commands["write"] if name == "baseline" else command
    context = typer.Context(command)
    return {
        flag: each.get_help_record(context)
        for each in command.params
        if each.param_type_name == "option"
        for flag in (*each.opts, *each.secondary_opts)
    }


@pytest.mark.parametrize("name", BUILDERS)
def test_what_builds_models_has_every_option_of_building(name):
    found = options_of(name)
    beside = {"--models", "--model-list", "-o", "--option", "--tokens", "--weights", "--input"}
    fields = {flag for field in Building.fields() for flag in field.flag.split("/")}
    assert beside | fields <= set(found)


@pytest.mark.parametrize("name", RUNNERS)
def test_what_executes_models_has_every_option_of_execution(name):
    found = options_of(name)
    fields = {flag for field in Execution.fields() for flag in field.flag.split("/")}
    assert {"--gpu", "--device"} | fields <= set(found)


def test_every_field_of_a_workload_is_an_option_or_named_here():
    apart = {"model", "options", "inputs", "weights", "device"}
    assert set(fields_of(Workload)) | apart == set(Workload.__struct_fields__)
    executed = {name for name, field in fields_of(Workload).items() if field.option.executed}
    assert executed | {"device"} == EXECUTION


def test_an_option_says_the_same_wherever_it_stands():
    said = {}
    for name in COMMANDS:
        for flag, record in options_of(name).items():
            if flag not in OWN and (name, flag) != ("init-suite", "--from"):  # a table, no results
                said.setdefault(flag, {}).setdefault(record, []).append(name)
    assert {flag: records for flag, records in said.items() if len(records) > 1} == {}


def test_the_page_of_options_is_fresh():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == options_page(), "run: python scripts/write_options_page.py"


FLAG = '''    frugal: Annotated[
        bool, Option(help="Use less of everything.", executed=True)
    ] = False
    """Whether less of everything is used."""

    def to_dict('''
USE = """    with ExitStack() as lent:
        print("frugal is", workload.frugal)
"""


def test_an_execution_flag_is_its_field_and_its_use(tmp_path):
    """A flag that is added to a copy of the tree arrives in the loop, the captions and the JSON."""
    shutil.copytree(ROOT / "vtbench", tmp_path / "vtbench")
    field = tmp_path / "vtbench" / "data" / "workload.py"
    field.write_text(field.read_text().replace("    def to_dict(", FLAG, 1))
    use = tmp_path / "vtbench" / "measure" / "session" / "torch_settings.py"
    assert "    with ExitStack() as lent:\n" in use.read_text()
    use.write_text(use.read_text().replace("    with ExitStack() as lent:\n", USE, 1))

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )

    page = run("-c", "from vtbench.cli.page import options_page; print(options_page())").stdout
    assert page.count("| `--frugal` | Use less of everything. |") == len(RUNNERS)
    measured = ("-m", "vtbench", "throughput", "vt_transformer", "--frugal", "--max-time", "0.2")
    table = run(*measured)
    assert "frugal is True" in table.stderr
    assert "frugal" in table.stdout
    assert '"frugal": true' in run(*measured, "--format", "json").stdout
