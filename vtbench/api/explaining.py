"""Everything that is known about one claim: what ``vtbench explain`` does, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from vtbench.api.checking import counted
from vtbench.api.choosing import refuse_code
from vtbench.api.public import public
from vtbench.api.shown import Shown, frame, nothing_to_draw
from vtbench.claims.judge import Verdict, judge
from vtbench.claims.judge.reading_search import trials
from vtbench.claims.suite import Claim, Suite
from vtbench.claims.suite.files import find, shipped
from vtbench.claims.suite.names import bearing_on, follows_from, one_claim
from vtbench.data.files import ResultFile, read_results
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.report.claims_by_values import claims_by_values
from vtbench.report.document import Rendering
from vtbench.report.explained import Explained, explained_document, explained_object

if TYPE_CHECKING:
    import pandas as pd


class ExplainedClaim(Shown):
    """One claim with all that its verdict rests on; prints as ``vtbench explain`` does."""

    def __init__(self, found: Explained) -> None:
        self.found = found

    @property
    def verdict(self) -> Verdict:
        """The verdict on the claim."""
        return self.found.verdict

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench explain``."""
        return explained_document(self.found, asked)

    def to_frame(self) -> pd.DataFrame:
        """A row for each reading that was tried."""
        return frame(explained_object(self.found)["tried"])

    def chart(self) -> NoReturn:
        """There is none."""
        nothing_to_draw("A verdict is a word about a printed figure")


@public()
def explain(
    claim_id: str,
    suite: str | Path | None = None,
    *,
    from_: str | Path | Sequence[str | Path] = (),
    allow_imports: bool = False,
) -> ExplainedClaim:
    """Explain one claim: its cell, the count by stage, the readings that were tried, the verdict.

    >>> vtbench.explain("vt_v3.t1.vt_r34.macs").verdict.verdict

    Options:
      claim_id: The id of a claim, as ``vtbench.check`` shows it behind the name of its suite.
      suite: The suite of the claim, by name or file (default: the one that the id begins with).
      from_: Files of kept results: if they hold records, nothing is counted.
      allow_imports: Whether the suite may name functions of yours, which vtbench then imports.
    """
    given = read_results(map(Path, [from_] if isinstance(from_, str | Path) else from_))
    suites = find(suites_of(claim_id, None if suite is None else str(suite)))
    whole, claim = one_claim(suites, claim_id)
    needed = bearing_on(whole, [claim.id])
    if not allow_imports:
        refuse_code([needed])
    known = given.records or counted([needed], ResultFile(None))
    return ExplainedClaim(explained(needed, claim, known, given.measurements))


def suites_of(claim_id: str, suite: str | None) -> list[str]:
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
