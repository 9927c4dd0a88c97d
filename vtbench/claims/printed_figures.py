"""The figures that papers printed of a model that was counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from vtbench.claims.judge import Verdict, judge
from vtbench.claims.suite import Claim, Suite, read_suite
from vtbench.claims.suite.files import shipped
from vtbench.claims.suite.speed import SPEEDS
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadSuite


def printed_figures(records: Sequence[Record]) -> tuple[Verdict, ...]:
    """Verdicts on the claims of the shipped suites that speak of just these workloads."""
    counted = {_key(r.workload): r for r in records if r.error is None}
    if not counted or not shipped():
        return ()
    suites = []
    found: dict[Workload, Record] = {}
    for suite in _readable({workload.model for workload in counted}):
        claims = tuple(claim for claim in suite.claims if _speaks_of(claim, counted))
        suites.append(msgspec.structs.replace(suite, claims=claims, search={}))
        for claim in claims:
            if claim.workload is not None:
                found[claim.workload] = counted[_key(claim.workload)]
    return tuple(judge(suites, found))


def _readable(models: set[str]) -> Iterator[Suite]:
    """The shipped suites that name a model, less those with mistakes.

    A mistake must not cost a finished count; ``vtbench check`` says what is wrong. A suite whose
    text does not hold the name need not be parsed.
    """
    for path in shipped().values():
        with contextlib.suppress(BadSuite, OSError, UnicodeDecodeError):
            text = path.read_text(encoding="utf-8")
            if any(model in text for model in models):
                yield read_suite(path)


def _key(workload: Workload) -> Workload:
    """A workload less the spelling of its defaults, and less its weights: figures are counts."""
    return msgspec.structs.replace(workload, inputs=(), weights=None)


def _speaks_of(claim: Claim, counted: dict[Workload, Record]) -> bool:
    return (
        claim.workload is not None
        and claim.unknown is None
        and claim.expression is None
        and claim.sweep is None
        and claim.metric not in SPEEDS
        and _key(claim.workload) in counted
    )
