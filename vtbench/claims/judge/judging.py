"""Judging: each claim as stated, then what reproduces those that differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import msgspec

from vtbench.claims.judge.averages import counted_over, judge_average, known_to
from vtbench.claims.judge.conventions import measured
from vtbench.claims.judge.figures import (
    figure,
    in_order,
    known_beforehand,
    parts_of,
    undecided,
    value,
)
from vtbench.claims.judge.held import by_sides, held, held_value, in_unit
from vtbench.claims.judge.memories import is_measured, judge_memory, memories
from vtbench.claims.judge.ratios import speaks_of_speed
from vtbench.claims.judge.reading_search import Explainer, Explanation
from vtbench.claims.judge.readings import Records
from vtbench.claims.judge.speeds import judge_speed, judge_speed_ratio
from vtbench.claims.judge.swept import judge_swept
from vtbench.claims.judge.timings import Timings
from vtbench.claims.judge.verdict import Reproduction, Verdict
from vtbench.claims.suite import Claim, Interval, Quantity, Suite
from vtbench.claims.suite.expected import OWN_EXPLANATIONS, PRINTED_CELLS
from vtbench.claims.suite.hedges import figure_of
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
    measurements = list(measurements)
    timings, measured_memories = Timings(measurements), memories(measurements)
    verdicts: dict[str, Verdict] = {}
    for claim in in_order(claims):
        if claim.expression is None and claim.metric in SPEEDS:
            verdicts[claim.id] = judge_speed(claim, timings)
        elif is_measured(claim):
            verdicts[claim.id] = judge_memory(claim, measured_memories)
        elif claim.kind != "arithmetic" and speaks_of_speed(claim, figures):
            one = partial(
                judge_speed_ratio,
                figures=figures,
                counts=_counts(verdicts, quantities),
                timings=timings,
            )
            verdicts[claim.id] = by_sides(claim, one)
        elif claim.average:
            verdicts[claim.id] = judge_average(claim, counted_over(claim.workload, records))
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
    return found if isinstance(found, Verdict) else held_value(claim, Decimal(found))


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
    if claim.unknown is not None:
        return undecided(claim)
    parts: dict[str, Interval] = {}
    for name in parts_of(claim):
        verdict = verdicts.get(name)
        known = quantities.get(name) if verdict is None else verdict.measured
        if known is None or (verdict is not None and verdict.verdict == "unknown"):
            reason = (
                f"It needs {name}. {verdict.reason if verdict else 'There is no record of it.'}"
            )
            kind = verdict.unknown if verdict else "not-measured"
            return Verdict(claim=claim, verdict="unknown", reason=reason, unknown=kind)
        parts[name] = _range_of(verdict, known)
    verdict = held(claim, parts)
    if verdict.measured_range is not None and any(p.low != p.high for p in parts.values()):
        range_ = verdict.measured_range
        said = f"By the intervals of the means it is {in_unit(claim, range_)}"
        return known_to(verdict, range_, said)
    if claim.relation != "equals" or claim.members:
        return verdict
    joint = explainer.explain(claim)
    if verdict.verdict == "holds" or joint.named:
        return _with(verdict, joint)
    printed = {name: verdicts[name] for name in parts if name in verdicts}
    found = _by_explanations(claim, printed, quantities) or _by_printed(claim, printed, quantities)
    return _with(verdict, Explanation(found) if found else joint)


def _range_of(verdict: Verdict | None, value: Decimal) -> Interval:
    """What a part is known to: an average, and what follows from one, to its interval."""
    found = verdict.measured_range if verdict is not None and verdict.to_interval else None
    return found or Interval(value, value)


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
    return held(claim, parts)


def _by_printed(
    claim: Claim, printed: Mapping[str, Verdict], quantities: Mapping[str, Decimal]
) -> Reproduction | None:
    """A figure that was worked out from the rounded cells and not from what they stand for."""
    parts = {name: figure_of(v.claim) for name, v in printed.items()}
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
