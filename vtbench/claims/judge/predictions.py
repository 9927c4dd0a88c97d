"""Leave one out: a configuration fitted on one suite's figures predicts another's.

A fit is never a confirmation of the figures it was made on. What it says of figures that it has
not seen is: here each group of models is given the one configuration that suits most figures of
one suite, and is then held, as it is, against the figures of the other.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import permutations, product
from typing import Any

import msgspec

from vtbench.claims.judge.readings import Changes, Readings, Records, readings_of
from vtbench.claims.suite import Claim, HeldOut, Suite
from vtbench.claims.suite.hedges import figure_of


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One group's configuration, fitted on one suite and applied to another."""

    fitted_on: str
    """The suite that it was fitted on."""
    predicts: str
    """The suite that it was applied to."""
    group: str
    """The name of the group of models."""
    choice: dict[str, Any]
    """Axis -> its value in the configuration that reproduces most figures, or comes nearest."""
    candidates: int
    """The number of configurations that were tried."""
    fit_hits: int
    """The number of figures of the first suite that the configuration reproduces."""
    fit_of: int
    """The number of figures of the first suite."""
    hits: int
    """The number of figures of the other suite that it reproduces, rounded to the nearest."""
    of: int
    """The number of figures of the other suite."""
    by_chance: float
    """The number of figures of the other suite that a configuration reproduces on average."""


Figures = list[tuple[Claim, Readings]]


def leave_one_out(suites: Sequence[Suite], records: Records) -> list[Prediction]:
    """Every prediction that suites ask for, as far as both sides have figures."""
    by_name = {suite.name: suite for suite in suites}
    found: list[Prediction] = []
    for asked in (held for suite in suites for held in suite.held_out):
        for one, other in permutations(asked.suites, 2):
            if one in by_name and other in by_name:
                found += _predictions(asked, by_name[one], by_name[other], records)
    return found


def _predictions(
    asked: HeldOut, one: Suite, other: Suite, records: Records
) -> Iterable[Prediction]:
    for group, models in asked.groups.items():
        seen = _figures(one, models, asked.axes, records)
        unseen = _figures(other, models, asked.axes, records)
        candidates = list(_candidates(asked.axes, one))
        if not (seen and unseen and candidates):
            continue
        best = max(candidates, key=lambda each: (_hits(seen, each), -_distance(seen, each)))
        yield Prediction(
            fitted_on=one.name,
            predicts=other.name,
            group=group,
            choice=dict(best),
            candidates=len(candidates),
            fit_hits=_hits(seen, best),
            fit_of=len(seen),
            hits=_hits(unseen, best),
            of=len(unseen),
            by_chance=sum(_hits(unseen, each) for each in candidates) / len(candidates),
        )


def _candidates(axes: Sequence[str], suite: Suite) -> Iterable[Changes]:
    """Every configuration of the range that a suite declares; none if it lacks an axis."""
    if any(axis not in suite.search for axis in axes):
        return
    names = sorted(axes)
    for values in product(*(suite.search[axis].values for axis in names)):
        yield tuple(zip(names, values, strict=True))


def _figures(suite: Suite, models: Sequence[str], axes: Sequence[str], records: Records) -> Figures:
    """Figures of some models that a configuration bears on; rows that fix all axes are none."""
    found = []
    for claim in suite.claims:
        work = claim.workload
        if work is None or claim.unknown is not None or claim.sweep is not None:
            continue
        if set(axes) <= set(claim.fixed) or claim.relation != "equals" or claim.average:
            continue
        if any(fnmatch.fnmatchcase(work.model, pattern) for pattern in models):
            readings = readings_of(claim, suite, records)
            if readings is not None:
                found.append((claim, readings))
    return found


def _hits(figures: Figures, changes: Changes) -> int:
    values = ((claim, readings.value(changes, claim.convention)) for claim, readings in figures)
    return sum(value is not None and claim.interval.holds(value) for claim, value in values)


def _distance(figures: Figures, changes: Changes) -> Decimal:
    """How far the figures are from the printed ones in all, each relative to its own."""
    total = Decimal(0)
    for claim, readings in figures:
        value = readings.value(changes, claim.convention)
        printed = figure_of(claim)
        if value is not None and printed:
            total += abs(value / printed - 1)
    return total
