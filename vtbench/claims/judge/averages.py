"""Judging the average cost of a model whose count depends on the values of its input.

The mean over some inputs has a 95 % interval. It holds if that meets the printed interval and is
not the wider one; it fails if the two are apart. One-sided claims need all of it on their side.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from vtbench.claims.judge.figures import undecided
from vtbench.claims.judge.held import held_range, in_unit, is_too_wide
from vtbench.claims.judge.verdict import Verdict
from vtbench.claims.suite import Claim, Interval
from vtbench.data.distribution import Distribution
from vtbench.data.record import Record
from vtbench.data.workload import Workload


def judge_average(claim: Claim, record: Record | None) -> Verdict:
    """The verdict on an average, by a record that was counted over several inputs."""
    if claim.unknown is not None or claim.workload is None:
        return undecided(claim)
    found = _distribution(claim, record)
    if found is None or found.low is None or found.high is None:
        return _unknown(claim, _how_to_count(claim.workload))
    if not found.complete:
        return msgspec.structs.replace(
            _unknown(claim, "It has unknown operators for some inputs."), unknown="op"
        )
    factor = 2 if claim.convention == "double" else 1
    mean = Interval(Decimal(repr(found.low)) * factor, Decimal(repr(found.high)) * factor)
    said = f"The mean over {found.over.said(found.n)}"
    return known_to(held_range(claim, mean), mean, f"{said} is {in_unit(claim, mean)}")


def known_to(verdict: Verdict, found: Interval, said: str) -> Verdict:
    """A verdict on what means settle to an interval: unknown while that is too wide to decide."""
    verdict = msgspec.structs.replace(
        verdict, reason=f"{said}. {verdict.reason}", measured_range=found, to_interval=True
    )
    if verdict.verdict != "holds" or not is_too_wide(verdict.claim, found):
        return verdict
    more = "which is too wide to decide; count more inputs"
    return msgspec.structs.replace(
        verdict, verdict="unknown", unknown="not-measured", reason=f"{said}, {more}.",
        slack=None, loosely=False,
    )  # fmt: skip


def _how_to_count(work: Workload) -> str:
    size = " --resolution {}x{}".format(*work.resolution) if work.resolution else ""
    command = f"vtbench macs {work.model}{size} --inputs FOLDER --save FILE"
    return f"It is an average over inputs; `{command}` counts them, and --from FILE judges it."


def counted_over(workload: Workload | None, records: Mapping[Workload, Record]) -> Record | None:
    """The record of a workload, also if it was counted at its own size without being asked."""
    if workload is None:
        return None
    if workload in records:
        return records[workload]
    found = records.get(msgspec.structs.replace(workload, resolution=None))
    fits = found is not None and found.workload.resolution == workload.resolution
    return found if fits else None


def _distribution(claim: Claim, record: Record | None) -> Distribution | None:
    if record is None or record.error is not None:
        return None
    return record.memory_distribution if claim.metric == "memory" else record.distribution


def _unknown(claim: Claim, reason: str) -> Verdict:
    return Verdict(claim=claim, verdict="unknown", reason=reason, unknown="not-measured")
