"""The figure of a claim: what a record gives, and what follows from other figures."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from graphlib import CycleError, TopologicalSorter

from vtbench.claims.judge.conventions import measured
from vtbench.claims.judge.verdict import Verdict
from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.formulas import interval_of, names_in
from vtbench.data.record import Record
from vtbench.errors import BadSuite


def parts_of(claim: Claim) -> tuple[str, ...]:
    """The figures that a claim follows from."""
    return names_in(claim.expression) if claim.expression else ()


def in_order(claims: Mapping[str, Claim]) -> list[Claim]:
    """Claims, each after those that it follows from."""
    graph = {name: parts_of(claim) for name, claim in claims.items()}
    try:
        names = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        ring = " from ".join(error.args[1][::-1])
        raise BadSuite(f"A claim follows from itself: {ring}.") from error
    return [claims[name] for name in names if name in claims]


def value(claim: Claim, parts: Mapping[str, Decimal]) -> Decimal:
    """What a claim's arithmetic gives when its parts have values."""
    points = {name: Interval(known, known) for name, known in parts.items()}
    return range_of(claim, claim.expression or "", points).low


def range_of(claim: Claim, expression: str, parts: Mapping[str, Interval]) -> Interval:
    """The range of some arithmetic of a claim if its parts lie in ranges."""
    try:
        return interval_of(expression, parts)
    except BadSuite as error:
        raise BadSuite(f"{claim.id}: {error}") from error


_WHY_UNKNOWN = {
    "weights": "It needs trained weights, which are not available.",
    "hardware": "It needs a device that is not available.",
    "not-implemented": "No library that vtbench knows has this model.",
    "undefined": "The paper does not state enough.",
}


def known_beforehand(claim: Claim) -> Verdict | None:
    """The verdict on a claim of which the suite says that nothing can be judged; else None."""
    if claim.unknown is None and claim.workload is not None:
        return None
    return undecided(claim)


def undecided(claim: Claim) -> Verdict:
    """The verdict that a suite gives itself: why nothing can be judged."""
    kind = claim.unknown or "undefined"
    reason = claim.why or _WHY_UNKNOWN.get(kind, _WHY_UNKNOWN["undefined"])
    return Verdict(claim=claim, verdict="unknown", reason=reason, unknown=kind)


def figure(claim: Claim, record: Record | None) -> int | Verdict:
    """The figure that a record gives for a claim, or the verdict that it gives none."""
    if record is None:
        return _not_measured(claim, "There is no record of it.")
    if record.error is not None:
        return _not_measured(claim, record.error, broken=True)
    if not record.complete and claim.metric in ("macs", "flops"):
        ops = ", ".join(dict.fromkeys(row.op for row in record.unknown))
        reason = f"It has unknown operators: {ops}."
        return Verdict(claim=claim, verdict="unknown", reason=reason, unknown="op")
    found = measured(record, claim.metric, claim.convention, claim.stages)
    if found is not None and claim.without:
        left_out = measured(record, claim.metric, claim.convention, claim.without)
        found = None if left_out is None else found - left_out
    if found is not None:
        return found
    parts = claim.stages or claim.without
    lacking = f"The model has no part {' or no part '.join(parts)}."
    if record.apart:
        lacking = f"The kept record does not separate {' and '.join(parts)}; count again."
    return _not_measured(claim, lacking if parts else "It was not measured here.")


def _not_measured(claim: Claim, reason: str, *, broken: bool = False) -> Verdict:
    return Verdict(
        claim=claim, verdict="unknown", reason=reason, unknown="not-measured", broken=broken
    )
