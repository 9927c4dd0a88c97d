"""``vtbench explain``: everything that is known about one claim."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.api.choosing import refuse_code
from vtbench.api.explaining import explained, suites_of
from vtbench.claims.suite.files import find
from vtbench.claims.suite.names import bearing_on, one_claim
from vtbench.cli.check import counted
from vtbench.cli.counting import Counter
from vtbench.cli.groups import command
from vtbench.cli.options import AllowImports, From, Jobs, Output
from vtbench.data.files import ResultFile, read_results
from vtbench.report.explained import explained_document


@command
def explain(
    *,
    claim_id: Annotated[
        str,
        typer.Argument(metavar="CLAIM_ID", help="The id of a claim, such as vt_v3.t1.vt_r34.macs."),
    ],
    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="SUITE|FILE",
            help="The suite of the claim (default: the one whose name the id begins with).",
            show_default=False,
        ),
    ] = None,
    kept: From,
    allow_imports: AllowImports = False,
    jobs: Jobs,
    output: Output,
) -> int:
    """Explain one claim: its cell, the count by stage, the readings that were tried, the verdict.

    \b
    vtbench explain vt_v3.t1.vt_r34.macs
    vtbench explain t1.net.macs my_suite.toml --format json

    Exit status: 0 for every verdict; 2 if the claim does not exist.
    """
    written = output.written("explain", "explain")
    number = jobs.number
    given = read_results(kept.from_ or (), ("records", "measurements"))
    whole, claim = one_claim(find(suites_of(claim_id, suite)), claim_id)
    needed = bearing_on(whole, [claim.id])
    if not allow_imports:
        refuse_code([needed])
    known = given.records
    if not known:
        counter = Counter(jobs=number, traceback=output.traceback)
        known = counted([needed], counter, ResultFile(None))
    found = explained(needed, claim, known, given.measurements)
    written.write(explained_document(found, written.rendering))
    return 0
