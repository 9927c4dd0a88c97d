"""What a record says of a claim: its figure, or why it has none."""

from __future__ import annotations

from vtbench.claims.judge.conventions import measured
from vtbench.claims.judge.verdict import Verdict
from vtbench.claims.suite import Claim
from vtbench.data.record import Record

_WHY_UNKNOWN = {
    "weights": "It needs trained weights, and none are at hand.",
    "hardware": "It speaks of a device that is not at hand.",
    "not-implemented": "There is no such model here or in a kept library.",
    "undefined": "The paper does not say enough.",
}


def known_beforehand(claim: Claim) -> Verdict | None:
    """The verdict on a claim of which the suite says that nothing can be judged; else None."""
    if claim.unknown is None and claim.workload is not None:
        return None
    kind = claim.unknown or "undefined"
    reason = claim.why or _WHY_UNKNOWN.get(kind, "")
    return Verdict(claim=claim, verdict="unknown", reason=reason, unknown=kind)


def figure(claim: Claim, record: Record | None) -> int | Verdict:
    """The figure that a record gives for a claim, or the verdict that it gives none."""
    if record is None:
        return _not_measured(claim, "No record of it.")
    if record.error is not None:
        return _not_measured(claim, record.error, broken=True)
    if not record.complete and claim.metric in ("macs", "flops"):
        ops = ", ".join(dict.fromkeys(row.op for row in record.unknown))
        reason = f"Unknown operators: {ops}."
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
        lacking = f"The kept record does not tell {' and '.join(parts)} apart; count again."
    return _not_measured(claim, lacking if parts else "Not measured here.")


def _not_measured(claim: Claim, reason: str, *, broken: bool = False) -> Verdict:
    return Verdict(
        claim=claim, verdict="unknown", reason=reason, unknown="not-measured", broken=broken
    )
