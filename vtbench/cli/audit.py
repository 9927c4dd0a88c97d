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
        typer.Argument(metavar="FILE", help="A printed table, in a .csv, .tsv, .md or .tex file."),
    ],
    hardware: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The GPU on which throughput was measured, e.g. V100 or 4xV100."
        ),
    ] = None,
    output: Output,
) -> int:
    """Find figures in a printed table that contradict each other, whatever the rounding.

    \b
    vtbench audit table.csv
    vtbench audit paper.tex --format json
    vtbench audit speeds.csv --hardware V100

    The audit compares differences, ratios and percentages with the columns that they follow from,
    totals and shares with their parts, throughput with the peak of the device, and MACs with the
    parameters and the image size. It leaves out marked figures (3.86*), because a mark says that
    they were obtained in another way. No model is built.

    Exit status: 0 if there is no contradiction; 1 if there is one; 2 if nothing could be checked.
    """
    written = output.written("audit", "audit")
    if hardware is not None and boards_in(hardware) is None:
        known = ", ".join(KINDS)
        raise BadOption(f"--hardware: expected one of {known}, got {hardware!r}.")
    found = [audited(table, hardware) for table in read_tables(file)]
    written.write(audit_document(found, written.rendering))
    if not any(each.checks for each in found):
        say("Nothing could be checked: no column of the table is known to follow from another.")
        return 2
    return 1 if any(each.findings for each in found) else 0
