"""The page of all commands and options, in markdown, made from the program itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import typer

from vtbench.cli.commands import GROUPS, command_named

HEAD = """# Commands and options

This page is made from the program itself by `python scripts/write_options_page.py`.

Every option that describes a workload takes several values, between commas (`--batch-size 1,8`)
or as a range `start:stop:step`, which includes the stop (`--resolution 192:512:32`): several values
are several rows. Brackets make one value (`-o 'img_size=[224,256]'`).
"""


def options_page() -> str:
    """The whole page."""
    parts = [HEAD]
    for heading, names in GROUPS.items():
        parts.append(f"\n## {heading}\n")
        for name in names:
            parts += _command(name)
    return "\n".join(parts)


def _command(name: str) -> Iterator[str]:
    """A command, and those below it."""
    for words, command in _below(name, command_named(name)):
        about, *rest = inspect.cleandoc(command.help or "").replace("\b\n", "").split("\n\n")
        yield f"### `vtbench {words}`\n"
        yield " ".join(about.split()) + "\n"
        for part in rest:
            yield _paragraph(part)
        yield from _parameters(command, "argument")
        yield from _parameters(command, "option")


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if not below:
        yield words, command
        return
    for name, each in below.items():
        yield f"{words} {name}", each


def _paragraph(part: str) -> str:
    """Examples as a block, prose as it is."""
    lines = part.splitlines()
    if all(line.strip().startswith("vtbench ") for line in lines):
        block = "\n".join(line.strip() for line in lines)
        return f"```text\n{block}\n```\n"
    return " ".join(part.split()) + "\n"


def _parameters(command: Any, kind: str) -> Iterator[str]:
    """A table of the arguments or of the options, as the help of the command has them."""
    context = typer.Context(command)
    found = [each for each in command.params if each.param_type_name == kind]
    records = filter(None, (each.get_help_record(context) for each in found))
    rows = [f"| `{_cell(written)}` | {_cell(said)} |" for written, said in records]
    if rows:
        yield "\n".join([f"| {kind} | meaning |", "| :--- | :--- |", *rows, ""])


def _cell(text: str) -> str:
    """Text that does not end a cell of a table; how versions of typer mark types goes."""
    plain = re.sub(r" <(?:list\[)?\w+\]?>", "", text)
    plain = re.sub(r"[<\[]([\w.-]+(?:\|[\w.-]+)+)[>\]]", r"\1", plain)
    return " ".join(plain.split()).replace("|", "\\|")
