"""``vtbench compare``: two files of measurements held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli.options import FormatOption, Output, Traceback
from vtbench.cli.output import (
    SUFFIXES,
    check_writable,
    page_width,
    say,
    wants_color,
    write_document,
)
from vtbench.comparing import Comparison, compare_records, failing
from vtbench.errors import BadOption, UsageError
from vtbench.measurements import read_measurements
from vtbench.report.compared import ComparePage, compared_document
from vtbench.stats import Gate

_FILES = 2


def compare(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="BASE.jsonl NEW.jsonl",
            help="Two files of measurements, the one to compare with first.",
            show_default=False,
        ),
    ] = None,
    across: Annotated[
        str | None,
        typer.Option(
            metavar="KEY,...",
            help="What differs on purpose, such as torch, commit, dtype or device.",
        ),
    ] = None,
    smallest: Annotated[
        str, typer.Option(metavar="P%", help="The smallest change of the time that matters.")
    ] = "3%",
    fail_on_unclear: Annotated[
        bool,
        typer.Option("--fail-on-unclear", help="End with status 1 too where it cannot be told."),
    ] = False,
    format_: FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,  # noqa: ARG001  # the entry point reads it
) -> None:
    """Compare measurements of the same workloads: faster, slower, the same, or not to be told.

    \b
    vtbench compare before.jsonl after.jsonl
    vtbench compare torch27.jsonl torch28.jsonl --across torch

    Only what has the same workload, protocol and device is compared; whatever else differs is
    named. Exit status: 1 if something got slower or no longer runs; 2 if nothing could be
    compared; 0 otherwise.
    """
    check_writable(output)
    gate = Gate(smallest=parse_share(smallest))
    if files is None or len(files) != _FILES:
        raise UsageError("Name two files of measurements, the one to compare with first.")
    base, new = (Path(file) for file in files)
    found = compare_records(
        read_measurements(base), read_measurements(new), parse_keys(across), gate
    )
    page = ComparePage(
        shape=format_ or SUFFIXES.get(output.suffix.lower() if output else "", "table"),
        smallest=gate.smallest,
        names=(str(base), str(new)),
        width=page_width(),
        color=output is None and wants_color(),
    )
    write_document(compared_document(found, page), output)
    raise typer.Exit(status(found, fail_on_unclear=fail_on_unclear))


def status(found: list[Comparison], *, fail_on_unclear: bool) -> int:
    """0 nothing got slower, 1 something did or no longer runs, 2 nothing could be compared."""
    if all(each.verdict == "not compared" for each in found):
        say("nothing could be compared.")
        return 2
    return 1 if failing(found, unclear=fail_on_unclear) else 0


def parse_share(text: str) -> float:
    """``3%`` or ``0.03``, above nothing and below all."""
    number = text.strip().removesuffix("%")
    try:
        share = float(number) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise BadOption(
            f"The smallest change {text!r} is no share between 0 and 100 %; write 3% or 0.03."
        )
    return share


def parse_keys(text: str | None) -> tuple[str, ...]:
    """Names between commas."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
