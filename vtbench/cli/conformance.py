"""``vtbench conformance``: every counter on micro-cases whose truth is written down."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli.options import FormatOption, Output, Traceback
from vtbench.cli.output import (
    SUFFIXES,
    check_writable,
    page_width,
    stdout_kept_clean,
    wants_color,
    write_document,
)
from vtbench.cli.progress import progress


def conformance(
    counters: Annotated[
        str,
        typer.Option(
            metavar="all|A,B",
            help="fvcore, thop, torch; and ptflops, calflops, torchinfo, torchprofile with "
            "vtbench[counters].",
        ),
    ] = "all",
    cases: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Only the cases whose name matches, such as conv."),
    ] = None,
    format_: FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,  # noqa: ARG001  # the entry point reads it
) -> None:
    """Run every counter on micro-cases with hand-derived truths, and show who is right.

    \b
    vtbench conformance
    vtbench conformance --cases attention --counters fvcore,torch
    vtbench conformance --format json --output conformance.json

    Exit status: 0 if vtbench is right on all of them; 1 if not.
    """
    shape = format_ or (SUFFIXES.get(output.suffix.lower(), "table") if output else "table")
    check_writable(output)
    from vtbench.count.peers.counters import chosen, parse

    names = parse(counters)
    chosen(names)
    from vtbench.count.peers import conformance as suite
    from vtbench.report import Rendering
    from vtbench.report.conformance import conformance_document

    picked = suite.selected(cases)
    with stdout_kept_clean(), progress(len(picked)) as advance:
        found = suite.conformance(names, picked, advance)
    asked = Rendering(
        format=shape,
        width=page_width(),
        color=output is None and wants_color(),
        command="vtbench conformance",
    )
    write_document(conformance_document(found, asked), output)
    raise typer.Exit(0 if found.ours_is_right else 1)
