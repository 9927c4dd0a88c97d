"""``vtbench audit``: which printed figures of a table contradict each other, with no model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.claims.audit import audit as audited
from vtbench.claims.audit import read_tables
from vtbench.cli.groups import command
from vtbench.cli.options import Output
from vtbench.cli.output import say
from vtbench.data.datasheets import KINDS, boards_in
from vtbench.errors import BadOption
from vtbench.report.audited import audit_document


@command
def audit(
    *,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A table: .csv, .tsv, .md or .tex, as it is printed."),
    ],
    hardware: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The GPU that a throughput was measured on, as 4xV100."),
    ] = None,
    output: Output,
) -> int:
    """Find the figures of a printed table that no rounding can reconcile with the others.

    \b
    vtbench audit table.csv
    vtbench audit paper.tex --format json
    vtbench audit speeds.csv --hardware V100

    Differences, ratios and percentages are held against the columns that they follow from, totals
    and shares against their parts, throughput against the peak of the device, MACs against the
    parameters and the image size. Marked figures (3.86*) are left out: they speak of something
    else. No model is built.

    Exit status: 0 no contradiction; 1 at least one; 2 if nothing could be checked.
    """
    written = output.written("audit", "audit")
    if hardware is not None and boards_in(hardware) is None:
        known = ", ".join(KINDS)
        raise BadOption(f"--hardware: expected one of {known}, got {hardware!r}.")
    found = [audited(table, hardware) for table in read_tables(file)]
    written.write(audit_document(found, written.rendering))
    if not any(each.checks for each in found):
        say("No column of the table follows from another in a way that is understood.")
        return 2
    return 1 if any(each.findings for each in found) else 0
