"""``vtbench conformance``: every counter on micro-cases whose truth is written down."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli.groups import command
from vtbench.cli.options import Counters, Output
from vtbench.cli.output import stdout_kept_clean
from vtbench.cli.progress import progress


@command
def conformance(
    *,
    counters: Counters = None,
    cases: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", help="Run only the cases whose name matches, such as conv."
        ),
    ] = None,
    output: Output,
) -> int:
    """Compare FLOP counters on small cases whose answer is derived by hand.

    \b
    vtbench conformance
    vtbench conformance --cases attention --counters fvcore,torch
    vtbench conformance --format json --output conformance.json

    Exit status: 0 if vtbench is right in every case; 1 if it is not.
    """
    written = output.written("conformance", "conformance")
    from vtbench.count.peers.counters import chosen, parse

    names = parse(counters or "all")
    chosen(names)
    from vtbench.count.peers import conformance as suite
    from vtbench.report.conformance import conformance_document

    picked = suite.selected(cases)
    with stdout_kept_clean(), progress(len(picked)) as advance:
        found = suite.conformance(names, picked, advance)
    written.write(conformance_document(found, written.rendering))
    return 0 if found.ours_is_right else 1
