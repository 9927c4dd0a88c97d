"""The documentation holds: its commands print what it shows, and nothing is left out."""

from __future__ import annotations

import json
import re
import shlex
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRACT = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")

CONSOLE = re.findall(r"```console\n\$ (.+)\n((?:.*\n)*?)```", README)
VERSIONED = re.compile(r"\b(fvcore|timm|torch|torchvision|transformers) \d[\w.+]*")


MOVING = re.compile(
    r"(?<=Operator calls: )\d+|\d+(?= that multiply nothing)"
    r"|(?<=data movement) +\d+|(?<=Not listed: )\d+ calls \(\d+"
    r"|(?<=^torch ).*",
    re.MULTILINE,
)
"""What is up to the version of torch: calls that multiply nothing, and what its counter says."""


def _under_any_pin(text):
    """What is printed, whichever versions of the libraries printed it."""
    text = VERSIONED.sub(r"\1 VERSION", text)
    pinned = f"\ntorch=={version('torch')}\n" in (ROOT / "constraints.txt").read_text()
    return text if pinned else MOVING.sub("N", text)


def _commands():
    from vtbench.cli.app import app

    return typer.main.get_command(app).commands


def test_there_are_commands_to_run():
    assert len(CONSOLE) >= 5


@pytest.mark.parametrize(("command", "shown"), CONSOLE, ids=lambda text: text.splitlines()[0])
def test_commands_print_what_the_readme_shows(vtbench, monkeypatch, command, shown):
    """A line of three dots stands for anything that follows."""
    monkeypatch.setenv("COLUMNS", "80")
    name, *arguments = shlex.split(command)
    assert name == "vtbench"
    ended = vtbench(*arguments)
    assert ended.status == 0, ended.err
    printed = _under_any_pin(ended.out)
    whole, _, cut = _under_any_pin(shown).partition("...\n")
    assert printed.startswith(whole) if shown.endswith("...\n") else printed == whole
    assert cut == ""


def test_python_blocks_run(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102  # our own README
    assert "by stage" in capsys.readouterr().out


def test_every_command_and_option_is_documented():
    for name, command in _commands().items():
        assert re.search(rf"`vtbench {name}[ `]", README), name
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                if option.startswith("-") and option not in ("--help", "-h"):
                    assert f"`{option}" in README or f" {option}" in README, f"{name} {option}"


def test_every_option_that_the_readme_names_exists():
    known = {
        option
        for command in _commands().values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help", "--version"}
    section = README.partition("## Commands")[2]
    assert set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", section)) <= known


def _keys(data):
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            if key not in ("options", "classes", "counters"):
                yield from _keys(value)
            if key == "counters":
                yield from (each for peer in value.values() for each in _keys(peer))
    if isinstance(data, list):
        for item in data:
            yield from _keys(item)


def test_every_key_of_the_json_is_in_the_contract(make_record, failed_record):
    from vtbench.report import VIEWS, CountsRendering, counts_document

    records = [make_record(unknown=True, counters=True), make_record("wide"), failed_record]
    keys = set()
    for view in VIEWS:
        question = CountsRendering(format="json", view=view, relative_to="toy", cite=True)
        keys |= set(_keys(json.loads(counts_document(records, question))))
    assert len(keys) > 40
    missing = sorted(key for key in keys if f"`{key}`" not in CONTRACT)
    assert missing == []


def test_every_key_of_the_list_of_models_is_in_the_contract(vtbench):
    listed = json.loads(vtbench("models", "--format", "json").out)["results"]
    section = CONTRACT.partition("## `vtbench models")[2]
    assert all(f"`{key}`" in section for key in listed[0])


def test_links_between_documents_lead_somewhere():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    assert len(documents) >= 5
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_version_is_the_same_everywhere():
    from vtbench import __version__

    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
