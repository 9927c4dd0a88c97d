"""Judging: each claim as stated, then what reproduces those that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from vtbench.claim import Claim, Interval, Suite, middle
from vtbench.claim.expression import interval_of, names_in, value_of
from vtbench.judge.conventions import measured
from vtbench.judge.explaining import Explainer
from vtbench.judge.verdict import Outcome, Reproduction, Verdict
from vtbench.record import Record
from vtbench.workload import Workload

CLOSE = Decimal("0.02")
"""A figure outside its printed interval by no more than this share is close, not failed."""

OWN_EXPLANATIONS = "each part as its own explanation"
PRINTED_CELLS = "from the printed cells"

Records = Mapping[Workload, Record]


def judge(suites: Sequence[Suite], records: Records) -> list[Verdict]:
    """A verdict for every claim, in the order of the suites."""
    claims = {claim.id: claim for suite in suites for claim in suite.claims}
    explainer = Explainer(suites, records)
    values: dict[str, Verdict] = {}
    for claim in claims.values():
        if claim.expression is None:
            values[claim.id] = _explained(_judge_value(claim, records), explainer)
    verdicts: dict[str, Verdict] = {}
    for claim in claims.values():
        verdicts[claim.id] = values.get(claim.id) or _judge_derived(claim, claims, values)
    return list(verdicts.values())


def _judge_value(claim: Claim, records: Records) -> Verdict:
    if claim.unknown is not None or claim.workload is None:
        reason = claim.why or _WHY_UNKNOWN.get(claim.unknown or "undefined", "")
        return Verdict(
            claim=claim, verdict="unknown", reason=reason, unknown=claim.unknown or "undefined"
        )
    record = records.get(claim.workload)
    if record is None:
        return Verdict(
            claim=claim, verdict="unknown", reason="No record of it.", unknown="not-measured"
        )
    if record.error is not None:
        return Verdict(claim=claim, verdict="unknown", reason=record.error, unknown="not-measured")
    if not record.complete and claim.metric in ("macs", "flops"):
        ops = ", ".join(dict.fromkeys(row.op for row in record.unknown))
        return Verdict(
            claim=claim, verdict="unknown", reason=f"Unknown operators: {ops}.", unknown="op"
        )
    found = measured(record, claim.metric, claim.convention)
    if found is None:
        return Verdict(
            claim=claim, verdict="unknown", reason="Not measured here.", unknown="not-measured"
        )
    return _held(claim, Decimal(found))


_WHY_UNKNOWN = {
    "weights": "It needs trained weights, and none are at hand.",
    "hardware": "It speaks of a device that is not at hand.",
    "not-implemented": "There is no such model here or in a kept library.",
    "undefined": "The paper does not say enough.",
}


def _held(claim: Claim, value: Decimal) -> Verdict:
    printed = middle(claim.printed, claim.unit)
    deviation = float((value - printed) / abs(printed)) if printed else None
    outcome = _outcome(claim.interval, Interval(value, value), printed)
    return Verdict(
        claim=claim,
        verdict=outcome,
        reason=_REASONS[outcome],
        measured=value,
        deviation=deviation,
    )


_REASONS = {
    "holds": "Inside the printed interval.",
    "close": "Outside the printed interval, within 2 %.",
    "fails": "Outside the printed interval by more than 2 %.",
}


def _outcome(printed: Interval, found: Interval, middle_of: Decimal) -> Outcome:
    if printed.meets(found):
        return "holds"
    gap = max(printed.low - found.high, found.low - printed.high)
    return "close" if gap <= CLOSE * abs(middle_of) else "fails"


def _explained(verdict: Verdict, explainer: Explainer) -> Verdict:
    if verdict.measured is None:
        return verdict
    found = explainer.explain(verdict.claim)
    return msgspec.structs.replace(verdict, reproduced_by=found) if found else verdict


def _judge_derived(
    claim: Claim, claims: Mapping[str, Claim], values: Mapping[str, Verdict]
) -> Verdict:
    assert claim.expression is not None  # noqa: S101  # the caller has looked
    leaves = _leaves(claim, claims)
    absent = [name for name in names_in(claim.expression) if name not in claims]
    if absent:
        return Verdict(
            claim=claim, verdict="unknown", reason=f"It needs {absent[0]}.", unknown="not-measured"
        )
    expression = _in_leaves(claim, claims)
    if claim.kind == "arithmetic":
        return _judge_arithmetic(claim, expression, {n: claims[n].interval for n in leaves})
    for leaf in leaves:
        if values[leaf].measured is None:
            known = values[leaf]
            reason = f"It needs {leaf}: {known.reason}"
            return Verdict(claim=claim, verdict="unknown", reason=reason, unknown=known.unknown)
    point = value_of(expression, {leaf: values[leaf].measured or Decimal(0) for leaf in leaves})
    verdict = _held(claim, point)
    if verdict.verdict == "holds":
        return verdict
    found = _by_its_parts(claim, expression, [values[leaf] for leaf in leaves])
    return msgspec.structs.replace(verdict, reproduced_by=found) if found else verdict


def _judge_arithmetic(claim: Claim, expression: str, printed: Mapping[str, Interval]) -> Verdict:
    """The printed figures alone: whether they can, before rounding, give the derived one."""
    range_ = interval_of(expression, printed)
    own = middle(claim.printed, claim.unit)
    outcome = _outcome(claim.interval, range_, own)
    centre = (range_.low + range_.high) / 2
    reason = (
        "The printed figures agree with each other."
        if outcome == "holds"
        else f"The other printed figures allow {range_.low:.6g} to {range_.high:.6g}."
    )
    deviation = float((centre - own) / abs(own)) if own else None
    return Verdict(
        claim=claim, verdict=outcome, reason=reason, measured=centre, deviation=deviation
    )


def _leaves(claim: Claim, claims: Mapping[str, Claim]) -> list[str]:
    """The figures at the bottom of an expression, through derived ones."""
    found: dict[str, None] = {}
    for name in names_in(claim.expression or ""):
        below = claims.get(name)
        if below is None or below.expression is None:
            found[name] = None
        else:
            found.update(dict.fromkeys(_leaves(below, claims)))
    return [name for name in found if name in claims]


def _in_leaves(claim: Claim, claims: Mapping[str, Claim]) -> str:
    """The expression with derived names written out."""
    text = claim.expression or ""
    for name in sorted(names_in(text), key=len, reverse=True):
        below = claims.get(name)
        if below is not None and below.expression is not None:
            text = text.replace(name, f"({_in_leaves(below, claims)})")
    return text


def _by_its_parts(claim: Claim, expression: str, leaves: list[Verdict]) -> Reproduction | None:
    """Each part as its own explanation has it; or else the parts as they are printed."""
    return _by_explanations(claim, expression, leaves) or _by_printed(claim, expression, leaves)


def _by_printed(claim: Claim, expression: str, leaves: list[Verdict]) -> Reproduction | None:
    """A figure that was worked out from the rounded cells and not from what they stand for."""
    cells = {v.claim.id: middle(v.claim.printed, v.claim.unit) for v in leaves}
    point = value_of(expression, cells)
    if not claim.interval.holds(point):
        return None
    return _single(PRINTED_CELLS, point, {})


def _single(convention: str, point: Decimal, changes: dict[str, str]) -> Reproduction:
    return Reproduction(
        changes=changes,
        convention=convention,
        rounding="round",
        measured=point,
        hits=1,
        of=1,
        rivals=0,
    )


def _by_explanations(claim: Claim, expression: str, leaves: list[Verdict]) -> Reproduction | None:
    values: dict[str, Decimal] = {}
    changes: dict[str, str] = {}
    for leaf in leaves:
        found = leaf.reproduced_by
        if found is None:
            return None
        values[leaf.claim.id] = found.measured
        said = [f"{axis}={value}" for axis, value in found.changes.items()]
        if found.convention != leaf.claim.convention:
            said.append(found.convention)
        if said:
            changes[leaf.claim.id.partition(".")[2]] = ", ".join(said)
    point = value_of(expression, values)
    if not claim.interval.holds(point):
        return None
    return _single(OWN_EXPLANATIONS, point, changes)


def totals(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Claims by verdict, and three totals: as stated, one reading per table, any reading."""
    verdicts = list(verdicts)
    found = {"claims": len(verdicts), "holds": 0, "close": 0, "fails": 0, "unknown": 0}
    for verdict in verdicts:
        found[verdict.verdict] += 1
    as_stated = found["holds"]
    anyhow = sum(v.verdict == "holds" or v.reproduced_by is not None for v in verdicts)
    return {**found, "as_stated": as_stated, "per_table": _per_table(verdicts), "any": anyhow}


def _per_table(verdicts: list[Verdict]) -> int:
    """Figures that come out when each table column is given the one reading that suits it best.

    A column whose stated reading does best keeps it; derived figures count as they stand.
    """
    total = 0
    columns: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.claim.workload is None:
            total += verdict.verdict == "holds"
        else:
            columns.setdefault(verdict.claim.column, []).append(verdict)
    for group in columns.values():
        best = max((v.reproduced_by.hits for v in group if v.reproduced_by), default=0)
        total += max(best, sum(v.verdict == "holds" for v in group))
    return total
