"""Which workloads are counted: those stated, changes of them that explain, and all of sweeps."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import msgspec

from vtbench.claims.suite import Axis, Claim, Quantity, Suite
from vtbench.claims.suite.formulas import polynomial
from vtbench.claims.suite.speed import MEASURED_MEMORY, SPEEDS
from vtbench.data.polynomial import value_at
from vtbench.data.workload import Workload, freeze_options

MOST_CHANGES = 2
"""An explanation that needs more changes than this explains nothing."""
READING = "reading"
"""The axis of a whole structure that was fitted; so many others may change beside it."""


def figures(suite: Suite) -> Iterator[Claim | Quantity]:
    """Everything in a suite that one workload may stand under; formulas and growths have many."""
    yield from suite.quantities
    yield from (claim for claim in suite.claims if claim.sweep is None)


def is_judged(figure: Claim | Quantity) -> bool:
    """Whether counting a figure's workload could settle it; that of a speed never does."""
    if figure.metric in SPEEDS or (
        figure.metric == "memory" and figure.convention in MEASURED_MEMORY
    ):
        return False
    return isinstance(figure, Quantity) or (
        not figure.average
        and figure.unknown is None
        and figure.metric != "none"
        and figure.kind != "reference"
    )


def alternatives(
    figure: Claim | Quantity, suite: Suite
) -> Iterator[tuple[dict[str, Any], Workload]]:
    """Changed workloads of a figure, fewest changes first, each with its changes."""
    workload = figure.workload
    if workload is None:
        return
    axes = axes_of(figure, suite)
    for count in range(1, MOST_CHANGES + 2):
        for names in combinations(sorted(axes), count):
            if count - (READING in names) > MOST_CHANGES:
                continue
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
    """What a workload says of an axis; None if it says nothing."""
    if axis == "resolution":
        return workload.resolution
    return workload.mode if axis == "mode" else dict(workload.options).get(axis)


def as_stated(axis: str, value: Any) -> Any:
    """A value of an axis in the form in which workloads state it."""
    if axis == "resolution" and isinstance(value, int):
        return (value, value)
    return tuple(value) if isinstance(value, list) else value


def with_changes(workload: Workload, changes: Mapping[str, Any]) -> Workload | None:
    """A workload with options or sizes changed; None if a change changes nothing."""
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


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One size at which a claim is held against a count."""

    axes: dict[str, int]
    """Axis of the sweep -> its value here."""
    sizes: dict[str, Fraction]
    """Letter of the paper -> its value here."""
    workload: Workload


def points_of(claim: Claim) -> list[Point]:
    """Every combination of a sweep's values, the last axis running fastest; none without sweep."""
    if claim.sweep is None or claim.workload is None:
        return []
    sweep, found = claim.sweep, []
    forms = {letter: polynomial(text) for letter, text in sweep.symbols.items()}
    for values in product(*sweep.axes.values()):
        axes = dict(zip(sweep.axes, values, strict=True))
        sizes = {letter: value_at(form, axes) for letter, form in forms.items()}
        found.append(Point(axes=axes, sizes=sizes, workload=_at(claim.workload, axes)))
    return found


def _at(workload: Workload, axes: Mapping[str, int]) -> Workload:
    """A workload at other sizes."""
    sizes = dict(axes)
    pair = workload.resolution or (0, 0)  # the reader has seen to it that both sides are known
    both = sizes.pop("resolution", 0)
    high = sizes.pop("image_height", both or pair[0])
    wide = sizes.pop("image_width", both or pair[1])
    batch = sizes.pop("batch_size", workload.batch_size)
    return msgspec.structs.replace(
        workload,
        resolution=(high, wide) if high and wide else None,
        batch_size=batch,
        options=freeze_options({**dict(workload.options), **sizes}),
    )


def wanted(suites: Iterable[Suite]) -> list[Workload]:
    """The stated workloads, those of sweeps, and the alternatives: each once, in this order."""
    stated: dict[Workload, None] = {}
    others: dict[Workload, None] = {}
    for suite in suites:
        for figure in figures(suite):
            if figure.workload is None or not is_judged(figure):
                continue
            stated[figure.workload] = None
            for _, workload in alternatives(figure, suite):
                others[workload] = None
        for claim in suite.claims:
            stated |= {point.workload: None for point in points_of(claim)}
    return [*stated, *(workload for workload in others if workload not in stated)]


def parts_named(suites: Iterable[Suite]) -> dict[Workload, tuple[str, ...]]:
    """Workload -> the parts of it that claims speak of, which kept records must tell apart."""
    found: dict[Workload, dict[str, None]] = {}
    for suite in suites:
        for figure in figures(suite):
            if figure.workload is None or not figure.stages:
                continue
            for work in (figure.workload, *(each for _, each in alternatives(figure, suite))):
                found.setdefault(work, {}).update(dict.fromkeys(figure.stages))
        for claim in suite.claims:
            for point in points_of(claim):
                parts = dict.fromkeys((*claim.stages, *claim.without))
                found.setdefault(point.workload, {}).update(parts)
    return {work: tuple(parts) for work, parts in found.items() if parts}
