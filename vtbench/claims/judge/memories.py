"""Judging memory that a device has to be asked for: the peak of a step, on the printed device.

What can be predicted (weights, live tensors) is a count like any other. A measured peak holds or
fails on the printed class of device alone; on another it stands beside an unknown verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from vtbench.claims.judge.figures import undecided
from vtbench.claims.judge.held import held_value, in_unit
from vtbench.claims.judge.timings import executed, is_printed, is_run_of, printed_for
from vtbench.claims.judge.verdict import Verdict
from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.speed import MEASURED_MEMORY
from vtbench.data.measurement import Measurement

_FIELDS = {
    "allocated": "peak_allocated",
    "reserved": "peak_reserved",
    "resident": "peak_resident",
}
"""Convention of a measured memory -> the field of a measurement that has it."""


def is_measured(claim: Claim) -> bool:
    """Whether it is a memory that no count predicts."""
    measured = claim.metric == "memory" and claim.convention in MEASURED_MEMORY
    return measured and claim.expression is None and claim.sweep is None


def judge_memory(claim: Claim, measurements: Sequence[Measurement]) -> Verdict:
    """A figure with a workload, by a measurement of just this workload."""
    if claim.unknown is not None or claim.workload is None:
        return undecided(claim)
    found = [(record, peak) for record in reversed(measurements)
             if _is_of(claim, record) and (peak := _peak(claim, record)) is not None]  # fmt: skip
    if not found:
        said = "It was not measured here; `vtbench memory --save FILE` measures it."
        return Verdict(claim=claim, verdict="unknown", reason=said, unknown="not-measured")
    here = [each for each in found if is_printed(claim.hardware, each[0].device)]
    record, peak = (here or found)[0]
    name = record.device.name if record.device else "an unknown device"
    if here:
        return msgspec.structs.replace(held_value(claim, Decimal(peak)), measured_on=name)
    value = Interval(Decimal(peak), Decimal(peak))
    return Verdict(
        claim=claim,
        verdict="unknown",
        reason=f"{printed_for(claim.hardware)}; {name} measured {in_unit(claim, value)}.",
        measured=Decimal(peak),
        measured_on=name,
        unknown="hardware",
    )


def memories(measurements: Iterable[Measurement]) -> list[Measurement]:
    """The measurements that have a memory."""
    return [each for each in measurements if each.error is None and each.memory is not None]


def _is_of(claim: Claim, record: Measurement) -> bool:
    """Whether a measurement is of the stated model, size, options and batch."""
    said, how = claim.workload, claim.conditions
    assert said is not None  # noqa: S101  # a claim without a workload is undecided
    asked = msgspec.structs.replace(said, batch_size=how.batch_size or said.batch_size)
    return is_run_of(executed(asked, how, record.workload.device), record.workload)


def _peak(claim: Claim, record: Measurement) -> int | None:
    value: int | None = getattr(record.memory, _FIELDS[claim.convention])
    return value
