"""``vtbench explain``: everything that is known about one claim."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from vtbench.api.choosing import refuse_code
from vtbench.claims.judge import judge
from vtbench.claims.judge.explaining import trials
from vtbench.claims.suite import Claim, Suite
from vtbench.claims.suite.files import find, shipped
from vtbench.claims.suite.names import bearing_on, follows_from, one_claim
from vtbench.cli.check import counted
from vtbench.cli.options import AllowImports, Jobs, Output, Traceback, parse_jobs
from vtbench.cli.output import check_writable, page_width, wants_color, write_document
from vtbench.data.files import read_measurements, read_records
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.report import Rendering
from vtbench.report.explained import Explained, explained_document

ExplainFormat = Literal["table", "json", "markdown"]


def explain(
    claim_id: Annotated[
        str, typer.Argument(metavar="CLAIM_ID", help="Such as vt_v3.t1.vt_r34.macs.")
    ],
    suite: Annotated[
        str | None,
        typer.Argument(
            metavar="SUITE|FILE",
            help="Where the claim stands, where its id does not begin with a suite that ships.",
            show_default=False,
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Explain from a file of records; nothing is counted."),
    ] = None,
    measurements: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Judge a speed by the measurements of a file."),
    ] = None,
    allow_imports: AllowImports = False,
    format_: Annotated[
        ExplainFormat, typer.Option("--format", help="How to write the document.")
    ] = "table",
    output: Output = None,
    jobs: Jobs = None,
    traceback: Traceback = False,
) -> None:
    """Say everything about one claim: the cell, the count by stage, what was tried, the verdict.

    \b
    vtbench explain vt_v3.t1.vt_r34.macs
    vtbench explain t1.net.macs my_suite.toml --format json

    Exit status: 0 whatever the verdict; 2 if there is no such claim.
    """
    check_writable(output)
    whole, claim = one_claim(find(_where(claim_id, suite)), claim_id)
    needed = bearing_on(whole, [claim.id])
    if not allow_imports:
        refuse_code([needed])
    if records is not None:
        known = read_records(records)
    else:
        known = counted([needed], parse_jobs(jobs), traceback=traceback)
    timed = [] if measurements is None else read_measurements(measurements)
    text = explained_document(
        explained(needed, claim, known, timed),
        Rendering(
            format=format_,
            width=page_width(),
            color=output is None and wants_color(),
            command="vtbench explain",
        ),
    )
    write_document(text, output)


def _where(claim_id: str, suite: str | None) -> list[str]:
    """The suite that was named, the one that the id begins with, or all that ship."""
    if suite is not None:
        return [suite]
    name = claim_id.partition(".")[0]
    return [name] if name in shipped() else []


def explained(
    suite: Suite,
    claim: Claim,
    records: dict[Workload, Record],
    timed: Sequence[Measurement] = (),
) -> Explained:
    """A claim judged, with all that its verdict rests on."""
    verdicts = {verdict.claim.id: verdict for verdict in judge([suite], records, timed)}
    claims = {each.id: each for each in suite.claims}
    below = follows_from(claims, [claim.id]) - {claim.id}
    record = records.get(claim.workload) if claim.workload is not None else None
    return Explained(
        verdict=verdicts[claim.id],
        title=suite.title,
        record=record,
        trials=tuple(trials(claim, [suite], records)),
        parts=tuple(verdicts[each] for each in verdicts if each in below),
    )
