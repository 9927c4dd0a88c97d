"""``vtbench init-suite``: a suite to begin with, as an example or from a printed table."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from vtbench.claims.audit import PrintedTable, read_tables
from vtbench.claims.drafting import Draft, draft, open_questions
from vtbench.claims.example_suite import EXAMPLE
from vtbench.claims.turned import upright
from vtbench.cli.output import check_writable, say, write_document
from vtbench.errors import BadOption, OutputError, UnknownModel


def init_suite(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The suite to write (default: standard output).",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="TABLE",
            help="Make a claim from every cell of a printed table, in a .csv, .tsv, .md, "
            ".tex or .html file.",
        ),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=G", help="The unit of a column: K, M, G, T, x or %. Repeatable."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="ROW=MODEL", help="The model of a row. Repeatable."),
    ] = None,
    number: Annotated[
        int,
        typer.Option(
            "--table", metavar="N", help="The number of the table, if the file has several."
        ),
    ] = 1,
) -> None:
    """Write a new suite: a commented example, or one claim per cell of a printed table.

    \b
    vtbench init-suite my_suite.toml
    vtbench init-suite paper.toml --from table.csv --model 'Ours-S=my_package.nets:small'
    vtbench init-suite paper.toml --from table.tex --unit 'FLOPs=G' --model 'R-50=resnet50'

    A unit in a heading or a cell needs no --unit, and a row whose name is that of a model needs no
    --model; on a terminal, vtbench asks for the rest. Standard error names every cell, row and
    column that has no place in the suite; guesses are marked in the file. A file that exists is
    not overwritten.

    Exit status: 0 if the suite is written; 2 if it is not.
    """
    if file is not None and file.exists():
        raise OutputError(f"{file} exists already; name another file, or delete it first.")
    check_writable(file)
    if table is None:
        if unit or model:
            raise BadOption("--unit and --model describe a table; give the table with --from.")
        write_document(EXAMPLE, file)
        return
    printed, turned = upright(_chosen(read_tables(table), table, number))
    if turned:
        say(turned)
    units = _assignments("--unit", unit, printed.heads)
    models = _assignments("--model", model, [printed.name(r) for r in range(len(printed.rows))])
    _refuse_unknown(models)
    models, guessed = _by_name(printed, models)
    asked = Draft(title=printed.title or table.stem, source=str(table.name), units=units,
                  models=models, guessed=guessed)  # fmt: skip
    if sys.stdin is not None and sys.stdin.isatty():
        asked = _prompted(printed, asked)
    missing = open_questions(printed, asked)
    if missing:
        options = " ".join(f"--unit '{head}=G'" for head in missing)
        raise BadOption(
            f"The unit of {', '.join(missing)} is not in the heading; give it: {options}."
        )
    text, notes = draft(printed, asked)
    for note in notes:
        say(note)
    write_document(text, file)


def _chosen(tables: Sequence[PrintedTable], path: Path, number: int) -> PrintedTable:
    if not 1 <= number <= len(tables):
        raise BadOption(
            f"--table: expected a number from 1 to {len(tables)}, the number of tables in "
            f"{path}, got {number}."
        )
    if tables[number - 1].unread:
        raise BadOption(
            f"--table: table {number} of {len(tables)} in {path} (line {tables[number - 1].line}) "
            "has no figures below a heading row; choose another."
        )
    if len(tables) > 1:
        say(f"This is table {number} of {len(tables)}; --table N chooses another.")
    return tables[number - 1]


def _assignments(option: str, given: Sequence[str] | None, known: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` options, each for something that the table has."""
    found = {}
    for text in given or ():
        name, equals, value = (part.strip() for part in text.rpartition("="))
        if not equals or not name or not value:
            raise BadOption(f"{option}: expected NAME=VALUE, got {text!r}.")
        matches = [each for each in known if name in (each, each.partition("(")[0].strip())]
        if not matches:
            names = ", ".join(dict.fromkeys(known))
            raise BadOption(f"{option} {text!r}: the table has no {name!r}; it has {names}.")
        found.update(dict.fromkeys(matches, value))
    return found


def _refuse_unknown(models: dict[str, str]) -> None:
    from vtbench.models import resolve

    for name in models.values():
        resolve(name)


def _by_name(
    printed: PrintedTable, models: dict[str, str]
) -> tuple[dict[str, str], frozenset[str]]:
    """The models that were named, and rows whose own name is one; which of these are guesses."""
    from vtbench.models import resolve

    found, guessed = dict(models), set()
    for name in map(printed.name, range(len(printed.rows))):
        if name in found or ":" in name:
            continue
        for candidate in _spellings(name):
            try:
                resolve(candidate)
            except UnknownModel:
                continue
            found[name] = candidate
            if candidate != name:
                guessed.add(name)
            break
    return found, frozenset(guessed)


def _spellings(name: str) -> list[str]:
    """A name as it stands, and as libraries spell it: ``Swin-T (ours)`` is ``swin_t``."""
    bare = re.sub(r"[(\[][^)\]\d]*[)\]]|\^|[*†‡§¶#]", " ", name).strip()
    plain = re.sub(r"[\s/-]+", "_", bare.lower())
    head, _, size = plain.rpartition("_")
    long = f"{head}_{_SIZES[size]}" if size in _SIZES and head else plain
    version = re.sub(r"(?<=[a-z])v(?=\d)", "_v", plain)
    ours = (name, bare, plain, plain.replace("_", ""), long, version)
    return list(dict.fromkeys([*ours, *(f"torchvision:{each}" for each in (plain, version))]))


_SIZES = {"t": "tiny", "s": "small", "b": "base", "l": "large"}


def _prompted(printed: PrintedTable, asked: Draft) -> Draft:
    """What no option and no heading says, asked for on the terminal."""
    units, models = dict(asked.units), dict(asked.models)
    for head in open_questions(printed, asked):
        units[head] = _asked(f"Unit of {head} (K, M, G, T, x, %)")
    for row in range(len(printed.rows)):
        name = printed.name(row)
        if name not in models:
            said = _asked(f"Model of {name} (empty: none)")
            if said:
                models[name] = said
    _refuse_unknown(models)
    return msgspec.structs.replace(asked, units=units, models=models)


def _asked(question: str) -> str:
    """An answer from the terminal; the question goes to standard error, apart from the document."""
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    return answer.strip()
