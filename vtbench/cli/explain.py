"""``vtbench explain``: everything that is known about one claim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from vtbench.api.choosing import refuse_code
from vtbench.claims.judge import judge
from vtbench.claims.judge.reading_search import trials
from vtbench.claims.suite import Claim, Suite
from vtbench.claims.suite.files import find, shipped
from vtbench.claims.suite.names import bearing_on, follows_from, one_claim
from vtbench.cli.check import counted
from vtbench.cli.counting import Counter
from vtbench.cli.groups import command
from vtbench.cli.options import AllowImports, From, Jobs, Output
from vtbench.data.files import ResultFile, read_results
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.report.claims_by_values import claims_by_values
from vtbench.report.explained import Explained, explained_document


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
    whole, claim = one_claim(find(_where(claim_id, suite)), claim_id)
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
        by_values=claims_by_values([suite], records, list(verdicts.values())),
    )
