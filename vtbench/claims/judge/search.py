"""Where explanations are looked for: changes of the workload along the axes a suite declares."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import Any

import msgspec

from vtbench.claims.suite import Axis, Claim, Quantity, Suite
from vtbench.claims.suite.speed import SPEEDS
from vtbench.data.workload import Workload, freeze_options

MOST_CHANGES = 2
"""An explanation that needs more changes than this explains nothing."""


def figures(suite: Suite) -> Iterator[Claim | Quantity]:
    """Everything in a suite that one workload may stand under; formulas and growths have many."""
    yield from suite.quantities
    yield from (claim for claim in suite.claims if claim.sweep is None)


def is_judged(figure: Claim | Quantity) -> bool:
    """Whether counting a figure's workload could settle it; that of a speed never does."""
    if figure.metric in SPEEDS:
        return False
    return isinstance(figure, Quantity) or (
        figure.unknown is None and figure.metric != "none" and figure.kind != "reference"
    )


def alternatives(
    figure: Claim | Quantity, suite: Suite
) -> Iterator[tuple[dict[str, Any], Workload]]:
    """Changed workloads of a figure, fewest changes first, each with its changes."""
    workload = figure.workload
    if workload is None:
        return
    axes = axes_of(figure, suite)
    for count in range(1, MOST_CHANGES + 1):
        for names in combinations(sorted(axes), count):
            for values in product(*(axes[name].values for name in names)):
                changes = dict(zip(names, values, strict=True))
                changed = with_changes(workload, changes)
                if changed is not None:
                    yield changes, changed


def axes_of(figure: Claim | Quantity, suite: Suite) -> dict[str, Axis]:
    """The axes along which a figure's workload may be changed."""
    workload = figure.workload
    if workload is None:
        return {}
    options = dict(workload.options)
    return {
        name: axis
        for name, axis in suite.search.items()
        if name not in figure.fixed
        and any(fnmatch.fnmatchcase(workload.model, pattern) for pattern in axis.models)
        and all(options.get(key) == value for key, value in axis.options.items())
    }


def stated(workload: Workload, axis: str) -> Any:
    """What a workload says of an axis; None where it says nothing."""
    if axis == "resolution":
        return workload.resolution
    return workload.mode if axis == "mode" else dict(workload.options).get(axis)


def as_stated(axis: str, value: Any) -> Any:
    """A value of an axis in the form in which workloads state it."""
    if axis == "resolution" and isinstance(value, int):
        return (value, value)
    return tuple(value) if isinstance(value, list) else value


def with_changes(workload: Workload, changes: Mapping[str, Any]) -> Workload | None:
    """A workload with options or sizes changed; None where a change changes nothing."""
    options = dict(workload.options)
    fields: dict[str, Any] = {}
    for axis, value in changes.items():
        new = as_stated(axis, value)
        if stated(workload, axis) == new:
            return None
        if axis in ("resolution", "mode"):
            fields[axis] = new
        else:
            options[axis] = new
    return msgspec.structs.replace(workload, options=freeze_options(options), **fields)
