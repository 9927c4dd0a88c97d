"""Where explanations are looked for: changes of the workload along the axes a suite declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, product
from typing import Any

import msgspec

from vtbench.claim import Claim, Suite
from vtbench.workload import Workload, freeze_options

MOST_CHANGES = 2
"""An explanation that needs more changes than this explains nothing."""


def wanted(suites: Iterable[Suite]) -> list[Workload]:
    """The stated workloads and their alternatives, each once, the stated ones first."""
    stated: dict[Workload, None] = {}
    others: dict[Workload, None] = {}
    for suite in suites:
        for claim in suite.claims:
            if claim.workload is None or claim.kind == "reference":
                continue
            stated[claim.workload] = None
            for _, workload in alternatives(claim, suite):
                others[workload] = None
    return [*stated, *(workload for workload in others if workload not in stated)]


def alternatives(claim: Claim, suite: Suite) -> Iterator[tuple[dict[str, Any], Workload]]:
    """Changed workloads of a claim, fewest changes first, each with its changes."""
    workload = claim.workload
    if workload is None:
        return
    for count in range(1, MOST_CHANGES + 1):
        for axes in combinations(sorted(suite.search), count):
            for values in product(*(suite.search[axis] for axis in axes)):
                changes = dict(zip(axes, values, strict=True))
                changed = with_changes(workload, changes)
                if changed is not None:
                    yield changes, changed


def with_changes(workload: Workload, changes: Mapping[str, Any]) -> Workload | None:
    """A workload with options or sizes changed; None where a change changes nothing."""
    options = dict(workload.options)
    fields: dict[str, Any] = {}
    for axis, value in changes.items():
        if axis == "resolution":
            size = (value, value) if isinstance(value, int) else tuple(value)
            if workload.resolution == size:
                return None
            fields["resolution"] = size
        elif axis == "mode":
            if workload.mode == value:
                return None
            fields["mode"] = value
        else:
            if options.get(axis) == value:
                return None
            options[axis] = value
    return msgspec.structs.replace(workload, options=freeze_options(options), **fields)
