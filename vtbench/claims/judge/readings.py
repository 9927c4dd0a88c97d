"""A figure under every reading that could be measured: changes of the workload, and conventions.

A column of a table is read as a whole. A change that a figure's model does not know, or that it
states already, leaves that figure as it is: a baseline beside the nets that a change concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.claims.judge.conventions import conventions_of, measured
from vtbench.claims.judge.workloads import alternatives, as_stated, axes_of, stated
from vtbench.claims.suite import Claim, Quantity, Suite
from vtbench.claims.suite.formulas import value_of
from vtbench.claims.suite.types import READABLE
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadSuite

Changes = tuple[tuple[str, Any], ...]
"""Axis and value, sorted by axis."""
Records = Mapping[Workload, Record]


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """What one figure comes to under each reading."""

    metric: str
    convention: str
    """As stated."""
    values: dict[tuple[Changes, str], Decimal]
    """Changes and convention -> value."""
    stated: dict[str, frozenset[Any]]
    """Axis that applies -> what the figure's workloads state for it."""

    def effective(self, changes: Changes) -> Changes:
        """Of some changes those that change this figure."""
        return tuple(
            (axis, value)
            for axis, value in changes
            if axis in self.stated and self.stated[axis] != {as_stated(axis, value)}
        )

    def value(self, changes: Changes, convention: str) -> Decimal | None:
        """The figure under a reading; None if that could not be measured."""
        return self.values.get((self.effective(changes), convention))


def readings_of(figure: Claim | Quantity, suite: Suite, records: Records) -> Readings | None:
    """The readings of a figure with a workload; None if not even the stated one is known."""
    if figure.workload is None or figure.metric not in READABLE:
        return None
    values = dict(_values(figure, (), records.get(figure.workload)))
    if not values:
        return None
    measurable: set[str] = set()
    for changes, workload in alternatives(figure, suite):
        found = dict(_values(figure, tuple(changes.items()), records.get(workload)))
        values |= found
        measurable |= set(changes) if found else set()
    applying = {axis for axis in axes_of(figure, suite) if axis in measurable}
    return Readings(
        metric=figure.metric,
        convention=figure.convention,
        values=values,
        stated={axis: frozenset((stated(figure.workload, axis),)) for axis in applying},
    )


def _values(
    figure: Claim | Quantity, changes: Changes, record: Record | None
) -> Iterable[tuple[tuple[Changes, str], Decimal]]:
    if record is None or not record.complete:
        return
    for convention in conventions_of(figure.metric):
        value = measured(record, figure.metric, convention, figure.stages)
        if value is not None:
            yield (changes, convention), Decimal(value)


def derived_readings(claim: Claim, leaves: Mapping[str, Readings]) -> Readings | None:
    """The readings of a figure that follows from others: each change made to all of them."""
    every = dict.fromkeys(changes for leaf in leaves.values() for changes, _ in leaf.values)
    values = {}
    for changes in every:
        for convention in conventions_of(claim.metric):
            parts = {
                name: leaf.value(
                    changes, convention if leaf.metric == claim.metric else leaf.convention
                )
                for name, leaf in leaves.items()
            }
            known = {name: value for name, value in parts.items() if value is not None}
            if len(known) == len(parts):
                value = _value(claim.expression or "", known)
                if value is not None:
                    values[changes, convention] = value
    if not values:
        return None
    axes = {axis for leaf in leaves.values() for axis in leaf.stated}
    return Readings(
        metric=claim.metric,
        convention=claim.convention,
        values=values,
        stated={
            axis: frozenset().union(*(leaf.stated.get(axis, ()) for leaf in leaves.values()))
            for axis in axes
        },
    )


def _value(expression: str, values: Mapping[str, Decimal]) -> Decimal | None:
    """None if a reading makes a divisor zero."""
    try:
        return value_of(expression, values)
    except BadSuite:
        return None
