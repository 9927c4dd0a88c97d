"""Claims whose figure rests on a count that can change with the values of the input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from vtbench.claims.judge import Verdict
from vtbench.claims.suite import Suite
from vtbench.claims.suite.formulas import names_in
from vtbench.data.record import ByValues, Record
from vtbench.data.workload import Workload

COUNTED = frozenset(("macs", "flops", "activations"))
"""Metrics that follow from operators; parameters do not."""


def claims_by_values(
    suites: Iterable[Suite], records: Mapping[Workload, Record], verdicts: Sequence[Verdict]
) -> dict[str, ByValues]:
    """Claim -> why its figure can change; a derived figure has the reason of one of its parts.

    Arithmetic follows from printed figures, which do not change, and from quantities.
    """
    found: dict[str, ByValues] = {}
    quantities = [each for suite in suites for each in suite.quantities]
    counts = {each.id for each in quantities}
    claims = {verdict.claim.id: verdict.claim for verdict in verdicts}
    stated = [(v.claim.id, v.claim.metric, _workloads(v)) for v in verdicts]
    stated += [(each.id, each.metric, [each.workload]) for each in quantities]
    for name, metric, workloads in stated:
        read = (records[work].by_values for work in workloads if work in records)
        reason = next((each for each in read if each is not None), None)
        if reason is not None and metric in COUNTED:
            found[name] = reason
    derived = [claim for claim in claims.values() if claim.expression is not None]
    grown = bool(found)
    while grown:  # a figure may follow from one that follows from another
        grown = False
        for claim in derived:
            parts = {name for name in names_in(claim.expression or "") if name in found}
            parts &= counts if claim.kind == "arithmetic" else parts
            reason = found[min(parts)] if parts and claim.id not in found else None
            if reason is not None:
                found[claim.id], grown = reason, True
    return found


def _workloads(verdict: Verdict) -> list[Workload]:
    """What a verdict rests on: one workload, or one for each size of a sweep."""
    if verdict.found is not None:
        return [point.workload for point in verdict.found.points]
    work = verdict.claim.workload
    return [] if work is None or verdict.claim.expression is not None else [work]
