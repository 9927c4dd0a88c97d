"""What a suite without a ``[search]`` could vary, said at each claim that it leaves unexplained."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import msgspec

from vtbench.claims.judge import Verdict
from vtbench.claims.suite import Suite
from vtbench.data.record import Record
from vtbench.data.workload import Workload

_SHOWN = 8


def with_axes(
    suites: Sequence[Suite], verdicts: Sequence[Verdict], records: Mapping[Workload, Record]
) -> list[Verdict]:
    """The verdicts; those that are not as expected, and have no reading, name possible axes."""
    without = {suite.name for suite in suites if not suite.search}
    return [
        _with_axes(each, records) if each.claim.suite in without and _unexplained(each) else each
        for each in verdicts
    ]


def _unexplained(verdict: Verdict) -> bool:
    found = verdict.reproduced_by or verdict.possible
    differs = verdict.verdict in ("close", "fails") and not verdict.as_expected
    return differs and found is None and verdict.claim.kind == "value"


def _with_axes(verdict: Verdict, records: Mapping[Workload, Record]) -> Verdict:
    workload = verdict.claim.workload
    record = records.get(workload) if workload is not None else None
    if workload is None or record is None or record.error is not None:
        return verdict
    axes = ["resolution"] * (record.workload.resolution is not None) + list(_axes(workload.model))
    more = f" and {len(axes) - _SHOWN} more" if len(axes) > _SHOWN else ""
    if not axes:
        return verdict
    said = (
        f"{verdict.reason} The suite has no [search], so only conventions were tried; its axes "
        f"could be {', '.join(axes[:_SHOWN])}{more}."
    )
    return msgspec.structs.replace(verdict, reason=said)


@functools.cache
def _axes(model: str) -> tuple[str, ...]:
    from vtbench.models.axes import axes_of  # torch is slow to import, and few verdicts need it

    return axes_of(model)
