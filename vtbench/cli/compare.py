"""``vtbench compare``: measurements compared with earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.cli.comparisons import Smallest, parse_share, shown, status
from vtbench.cli.groups import command
from vtbench.cli.options import FailOnUnknown, Output
from vtbench.cli.table_shape import TableShape
from vtbench.data.comparison import compare_records
from vtbench.data.files import read_measurements
from vtbench.errors import UsageError
from vtbench.stats import Gate

_FILES = 2


@command
def compare(
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="BASE.jsonl NEW.jsonl",
            help="Two files of measurements; the first is the one to compare with.",
            show_default=False,
        ),
    ] = None,
    across: Annotated[
        str | None,
        typer.Option(
            metavar="KEY,...",
            help="Fields that differ on purpose, such as torch, commit, dtype or device.",
        ),
    ] = None,
    smallest: Smallest = "3%",
    fail_on_unknown: FailOnUnknown = False,
    shaped: TableShape,
    output: Output,
) -> int:
    """Compare measurements of the same workloads: faster, slower, the same or unclear.

    \b
    vtbench compare before.jsonl after.jsonl
    vtbench compare torch27.jsonl torch28.jsonl --across torch

    Only measurements with the same workload, protocol and device are compared; every other
    difference is named. `vtbench regress` measures two revisions of a function on this machine.

    Exit status: 1 if a model got slower or no longer runs; 2 if nothing could be compared; 0
    otherwise.
    """
    written = shaped.on_paper(output.written("compare", "compare"))
    shape = shaped.shape()
    gate = Gate(smallest=parse_share(smallest))
    if len(files or ()) != _FILES:
        raise UsageError(
            f"Expected two files of measurements, BASE and NEW, got {len(files or ())}. `vtbench "
            "regress` measures two revisions."
        )
    before, after = (read_measurements(file) for file in files or ())
    keys = tuple(name.strip() for name in (across or "").split(",") if name.strip())
    found = compare_records(before, after, keys, gate)
    sides = tuple(str(file) for file in files or ())
    written.write(shown(found, (sides[0], sides[1]), gate, written, shape))
    return status(found, fail_on_unknown=fail_on_unknown)
