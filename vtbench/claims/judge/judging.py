"""Judging: each claim as stated, then what reproduces those that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from vtbench.claims.judge.conventions import measured
from vtbench.claims.judge.figures import (
    figure,
    in_order,
    known_beforehand,
    parts_of,
    range_of,
    value,
)
from vtbench.claims.judge.ratios import speaks_of_speed
from vtbench.claims.judge.reading_search import Explainer, Explanation
from vtbench.claims.judge.readings import Records
from vtbench.claims.judge.speeds import judge_speed, judge_speed_ratio
from vtbench.claims.judge.swept import judge_swept
from vtbench.claims.judge.timings import Timings
from vtbench.claims.judge.verdict import (
    CLOSE,
    OWN_EXPLANATIONS,
    PRINTED_CELLS,
    Outcome,
    Reproduction,
    Verdict,
)
from vtbench.claims.suite import Claim, Interval, Quantity, Suite, middle
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.speed import SPEEDS
from vtbench.data.measurement import Measurement


def judge(
    suites: Sequence[Suite],
    records: Records,
    measurements: Iterable[Measurement] = (),
    explainer: Explainer | None = None,
) -> list[Verdict]:
    """A verdict for every claim, in the order of the suites.

    An explainer of these suites and records saves making one.
    """
    claims = {claim.id: claim for suite in suites for claim in suite.claims}
    explainer = explainer or Explainer(suites, records)
    quantities = _quantities(suites, records)
    figures: dict[str, Claim | Quantity] = {**claims}
    figures |= {each.id: each for suite in suites for each in suite.quantities}
    timings = Timings(measurements)
    verdicts: dict[str, Verdict] = {}
    for claim in in_order(claims):
        if claim.expression is None and claim.metric in SPEEDS:
            verdicts[claim.id] = judge_speed(claim, timings)
        elif claim.kind != "arithmetic" and speaks_of_speed(claim, figures):
            counts = _counts(verdicts, quantities)
            verdicts[claim.id] = judge_speed_ratio(claim, figures, counts, timings)
        elif claim.sweep is not None:
            verdicts[claim.id] = judge_swept(claim, records)
        elif claim.expression is None:
            verdicts[claim.id] = _explained(_judge_value(claim, records), explainer)
        elif claim.kind == "arithmetic":
            verdicts[claim.id] = _judge_arithmetic(claim, claims, quantities)
        else:
            verdicts[claim.id] = _judge_derived(claim, verdicts, quantities, explainer)
    return [verdicts[name] for name in claims]


def _quantities(suites: Sequence[Suite], records: Records) -> dict[str, Decimal]:
    """What arithmetic speaks of and nobody printed, as far as it was measured whole."""
    found: dict[str, Decimal] = {}
    for suite in suites:
        for each in suite.quantities:
            record = records.get(each.workload)
            if record is not None and record.complete:
                count = measured(record, each.metric, each.convention, each.stages)
                if count is not None:
                    found[each.id] = Decimal(count)
    return found


def _counts(
    verdicts: Mapping[str, Verdict], quantities: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """Every count that is known by now."""
    judged = {name: v.measured for name, v in verdicts.items() if v.measured is not None}
    return {**quantities, **judged}


def _judge_value(claim: Claim, records: Records) -> Verdict:
    beforehand = known_beforehand(claim)
    if beforehand is not None:
        return beforehand
    found = figure(claim, records.get(claim.workload) if claim.workload else None)
    return found if isinstance(found, Verdict) else _held(claim, Decimal(found))


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
    "holds": "It is inside the printed interval.",
    "close": "It is outside the printed interval by at most 2 %.",
    "fails": "It is outside the printed interval by more than 2 %.",
}


def _outcome(printed: Interval, found: Interval, middle_of: Decimal) -> Outcome:
    if printed.meets(found):
        return "holds"
    gap = max(printed.low - found.high, found.low - printed.high)
    return "close" if gap <= CLOSE * abs(middle_of) else "fails"


def _explained(verdict: Verdict, explainer: Explainer) -> Verdict:
    if verdict.measured is None:
        return verdict
    return _with(verdict, explainer.explain(verdict.claim))


def _with(verdict: Verdict, found: Explanation) -> Verdict:
    named, possible, why_not = found
    return msgspec.structs.replace(verdict, reproduced_by=named, possible=possible, why_not=why_not)


def _judge_derived(
    claim: Claim,
    verdicts: Mapping[str, Verdict],
    quantities: Mapping[str, Decimal],
    explainer: Explainer,
) -> Verdict:
    """A figure that follows from others, worked out from what these are measured to be."""
    parts: dict[str, Decimal] = {}
    for name in parts_of(claim):
        verdict = verdicts.get(name)
        known = quantities.get(name) if verdict is None else verdict.measured
        if known is None:
            reason = (
                f"It needs {name}. {verdict.reason if verdict else 'There is no record of it.'}"
            )
            kind = verdict.unknown if verdict else "not-measured"
            return Verdict(claim=claim, verdict="unknown", reason=reason, unknown=kind)
        parts[name] = known
    verdict = _held(claim, value(claim, parts))
    joint = explainer.explain(claim)
    if verdict.verdict == "holds" or joint.named:
        return _with(verdict, joint)
    printed = {name: verdicts[name] for name in parts if name in verdicts}
    found = _by_explanations(claim, printed, quantities) or _by_printed(claim, printed, quantities)
    return _with(verdict, Explanation(found) if found else joint)


def _judge_arithmetic(
    claim: Claim, claims: Mapping[str, Claim], quantities: Mapping[str, Decimal]
) -> Verdict:
    """The printed figures alone: whether they can, before rounding, give the derived one."""
    parts: dict[str, Interval] = {}
    for name in parts_of(claim):
        if name in claims:
            parts[name] = claims[name].interval
        elif name in quantities:
            parts[name] = Interval(quantities[name], quantities[name])
        else:
            reason = f"It needs {name}, of which there is no record."
            return Verdict(claim=claim, verdict="unknown", reason=reason, unknown="not-measured")
    range_ = range_of(claim, parts)
    own = middle(claim.printed, claim.unit)
    outcome = _outcome(claim.interval, range_, own)
    centre = (range_.low + range_.high) / 2
    reason = (
        "The printed figures agree with each other."
        if outcome == "holds"
        else f"The other printed figures give {_in_unit(claim, range_)}."
    )
    deviation = float((centre - own) / abs(own)) if own else None
    return Verdict(
        claim=claim, verdict=outcome, reason=reason, measured=centre, deviation=deviation
    )


def _in_unit(claim: Claim, found: Interval) -> str:
    scale = SCALES[claim.unit]
    low, high = (float(end / scale) for end in (found.low, found.high))
    return f"{low:.6g} to {high:.6g} {claim.unit}".rstrip()


def _by_printed(
    claim: Claim, printed: Mapping[str, Verdict], quantities: Mapping[str, Decimal]
) -> Reproduction | None:
    """A figure that was worked out from the rounded cells and not from what they stand for."""
    parts = {name: middle(v.claim.printed, v.claim.unit) for name, v in printed.items()}
    if not parts:
        return None
    return _single(PRINTED_CELLS, claim, {**quantities, **parts}, {})


def _by_explanations(
    claim: Claim, printed: Mapping[str, Verdict], quantities: Mapping[str, Decimal]
) -> Reproduction | None:
    """Each part as the reading has it that is named for it."""
    parts: dict[str, Decimal] = {}
    changes: dict[str, str] = {}
    for name, verdict in printed.items():
        found = verdict.reproduced_by
        if found is None:
            return None
        parts[name] = found.measured
        said = [f"{axis}={value}" for axis, value in found.changes.items()]
        if found.convention != verdict.claim.convention:
            said.append(found.convention)
        if said:
            changes[name.partition(".")[2]] = ", ".join(said)
    return _single(OWN_EXPLANATIONS, claim, {**quantities, **parts}, changes) if changes else None


def _single(
    convention: str, claim: Claim, parts: Mapping[str, Decimal], changes: dict[str, str]
) -> Reproduction | None:
    point = value(claim, parts)
    if not claim.interval.holds(point):
        return None
    return Reproduction(
        changes=changes,
        convention=convention,
        rounding="round",
        measured=point,
        hits=1,
        of=1,
        rivals=0,
    )


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

    A column whose stated reading does best keeps it.
    """
    columns: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        columns.setdefault(verdict.claim.column, []).append(verdict)
    return sum(
        max(
            min(
                max((v.reproduced_by.column for v in group if v.reproduced_by), default=0),
                len(group),  # a selection may hold a part of its column
            ),
            sum(v.verdict == "holds" for v in group),
        )
        for group in columns.values()
    )
