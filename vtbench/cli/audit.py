"""``vtbench audit``: which printed figures of a table contradict each other, with no model."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vtbench.claims.audit import audit as audited
from vtbench.claims.audit import tables_named
from vtbench.cli.groups import command
from vtbench.cli.options import Output
from vtbench.cli.output import say
from vtbench.data.datasheets import KINDS, boards_in
from vtbench.errors import BadOption
from vtbench.report.audited import audit_document


@command
def audit(
    *,
    tables: Annotated[
        str,
        typer.Argument(
            metavar="FILE|SUITE",
            help="Printed tables in a .csv, .tsv, .md, .tex or .html file, or those of a suite, by "
            "its name or its .toml file.",
        ),
    ],
    hardware: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The GPU on which throughput was measured, e.g. V100 or 4xV100."
        ),
    ] = None,
    zeros: Annotated[
        Literal["digits", "rounded"] | None,
        typer.Option(
            help="Whether zeros at the end of a whole number are digits (300 is 299.5 to 300.5) or "
            "were left by rounding (300 is 250 to 350) (default: digits, or as the suite says).",
            show_default=False,
        ),
    ] = None,
    output: Output,
) -> int:
    """Find figures in printed tables that contradict each other.

    \b
    vtbench audit table.csv
    vtbench audit paper.tex --format json
    vtbench audit speeds.csv --hardware V100
    vtbench audit vt_v3

    A figure stands for all values that round to its digits, as in `vtbench check`.

    The audit compares differences, ratios and percentages with the columns that they follow from,
    totals and shares with their parts, throughput with the peak of the device, and MACs with the
    parameters and the image size. It leaves out marked figures (3.86*), because a mark says that
    they were obtained in another way. Of a suite it compares the cells of each table; `vtbench
    check` compares figures of several tables. Everything that was not compared is listed with the
    reason. No model is built.

    Exit status: 0 if there is no contradiction; 1 if there is one; 2 if nothing could be checked.
    """
    written = output.written("audit", "audit")
    if hardware is not None and boards_in(hardware) is None:
        known = ", ".join(KINDS)
        raise BadOption(f"--hardware: expected one of {known}, got {hardware!r}.")
    found = [audited(table, hardware) for table in tables_named(tables, zeros)]
    written.write(audit_document(found, written.rendering))
    if not any(each.checks for each in found):
        say("Nothing could be checked: no column is known to follow from another.")
        return 2
    return 1 if any(each.findings for each in found) else 0
