"""The convention search: which reading of a model gives the printed digits, and what was tried.

Explanations are judged jointly. For each figure every candidate (changes of the workload along
the suite's axes, a convention, a rounding) that gives its digits is a hit; of these the one is
named under which most of the table column comes out, less a few figures for each thing it changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from vtbench.claims.judge.figures import in_order, parts_of
from vtbench.claims.judge.readings import Changes, Readings, Records, derived_readings, readings_of
from vtbench.claims.judge.verdict import Reproduction
from vtbench.claims.judge.workloads import figures
from vtbench.claims.suite import Claim, Interval, Quantity, Suite, interval
from vtbench.claims.suite.interval import Rounding

_WAYS: tuple[Rounding, ...] = ("round", "truncate")


WORTH_OF_A_CHANGE = 3
"""Figures of the column that a further change must bring, to be more than a coincidence."""


class Candidate(NamedTuple):
    """One reading of a whole column."""

    changes: Changes
    convention: str
    rounding: Rounding


class Score(NamedTuple):
    """How a candidate does over a column."""

    hits: int
    """Figures that it reproduces, of those that it speaks of."""
    of: int
    """Figures that it speaks of."""
    column: int
    """Figures of the whole column that come out under it, those it leaves alone included."""


class _ColumnFigure(NamedTuple):
    readings: Readings
    ranges: Mapping[Rounding, Interval]


class Explainer:
    """Every figure of some suites under every reading, and every candidate's score."""

    def __init__(self, suites: Sequence[Suite], records: Records) -> None:
        self._columns: dict[str, list[_ColumnFigure]] = {}
        self._cells: dict[str, _ColumnFigure] = {}
        self._scores: dict[tuple[str, Candidate], Score] = {}
        claims = {claim.id: claim for suite in suites for claim in suite.claims}
        known: dict[str, Readings] = {}
        for suite in suites:
            for figure in figures(suite):
                if isinstance(figure, Quantity) or figure.unknown is None:
                    found = readings_of(figure, suite, records)
                    if found is not None:
                        known[figure.id] = found
        for claim in in_order(claims):
            readings = known.get(claim.id) or _of_derived(claim, known)
            if readings is not None:
                known[claim.id] = readings
                if claim.relation == "equals" and not claim.members and not claim.average:
                    self._add(claim, readings)

    def _add(self, claim: Claim, readings: Readings) -> None:
        cell = _ColumnFigure(readings, _ranges(claim))
        self._cells[claim.id] = cell
        self._columns.setdefault(claim.column, []).append(cell)

    def readings(self, claim: Claim) -> Readings | None:
        """Every reading of a figure; None if it could not be measured."""
        cell = self._cells.get(claim.id)
        return cell.readings if cell else None

    def hits(self, claim: Claim) -> dict[Candidate, Decimal]:
        """Every candidate that gives a figure's digits, with its value."""
        cell = self._cells.get(claim.id)
        if cell is None:
            return {}
        return {
            Candidate(changes, convention, way): value
            for (changes, convention), value in cell.readings.values.items()
            for way in _WAYS
            if cell.ranges[way].holds(value)
        }

    def _simplest(self, claim: Claim) -> dict[Candidate, Decimal]:
        """The hits less those with a part that does nothing for this figure."""
        hits = self.hits(claim)

        def idle(candidate: Candidate) -> bool:
            if candidate.rounding == "truncate" and candidate._replace(rounding="round") in hits:
                return True
            usual = candidate._replace(convention=claim.convention)
            return usual != candidate and hits.get(usual) == hits[candidate]

        return {candidate: value for candidate, value in hits.items() if not idle(candidate)}

    def score(self, claim: Claim, candidate: Candidate) -> Score:
        """How a candidate does over the column of a figure."""
        key = (claim.column, candidate)
        if key not in self._scores:
            self._scores[key] = _score(self._columns.get(claim.column, []), candidate)
        return self._scores[key]

    def explain(self, claim: Claim) -> Reproduction | None:
        """The best explanation of a figure, or None if nothing gives its digits."""
        hits = self._simplest(claim)
        if not hits:
            return None

        def rank(candidate: Candidate) -> tuple[bool, int, int, bool]:
            changed = (candidate.convention != claim.convention, candidate.rounding == "truncate")
            need = len(candidate.changes) + sum(changed)
            worth = self.score(claim, candidate).column - WORTH_OF_A_CHANGE * need
            return (need > 0, -worth, need, changed[1])

        best = min(hits, key=rank)
        score = self.score(claim, best)
        readings = {(c.changes, c.convention) for c in hits}
        same = {(c.changes, c.convention) for c in hits
                if c.changes == best.changes and hits[c] == hits[best]}  # fmt: skip
        return Reproduction(
            changes=dict(best.changes),
            convention=best.convention,
            rounding=best.rounding,
            measured=hits[best],
            hits=score.hits,
            of=score.of,
            column=score.column,
            rivals=len(readings - same),
            isolated=score.hits == 1 and score.of > 1,
        )


def _ranges(claim: Claim) -> dict[Rounding, Interval]:
    return {way: interval(claim.printed, claim.unit, way, claim.zeros) for way in _WAYS}


def _of_derived(claim: Claim, known: Mapping[str, Readings]) -> Readings | None:
    names = parts_of(claim)
    if (
        claim.kind == "arithmetic"
        or claim.members
        or not names
        or any(name not in known for name in names)
    ):
        return None
    return derived_readings(claim, {name: known[name] for name in names})


def _speaks_of(candidate: Candidate, readings: Readings, value: Decimal) -> bool:
    """Whether a candidate says anything of a figure: its change applies, or moves the value."""
    if candidate.changes:
        return any(axis in readings.stated for axis, _ in candidate.changes)
    usual = candidate.convention == readings.convention
    return usual or value != readings.value((), readings.convention)


def _score(cells: Sequence[_ColumnFigure], candidate: Candidate) -> Score:
    hits = of = column = 0
    for cell in cells:
        readings = cell.readings
        value = readings.value(candidate.changes, candidate.convention)
        concerned = value is not None and _speaks_of(candidate, readings, value)
        if value is None:
            value = readings.value((), candidate.convention)
        hit = value is not None and cell.ranges[candidate.rounding].holds(value)
        of += concerned
        hits += concerned and hit
        column += hit
    return Score(hits, of, column)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a model, held against one printed figure."""

    changes: dict[str, Any]
    """Changes to the stated workload."""
    convention: str
    value: Decimal
    """What it gives."""
    hit: Rounding | None
    """How the value becomes the printed digits; None if it does not."""
    hits: int
    """Figures of the same table column that it reproduces, of those that it speaks of."""
    of: int
    """Figures of the column that it speaks of."""


def trials(claim: Claim, suites: Sequence[Suite], records: Records) -> list[Trial]:
    """Everything that was tried, what hits most of the column first, then the nearest."""
    explainer = Explainer(suites, records)
    readings = explainer.readings(claim)
    if readings is None:
        return []
    ranges = _ranges(claim)
    found = []
    for (changes, convention), value in readings.values.items():
        hit = next((way for way in _WAYS if ranges[way].holds(value)), None)
        ways = (hit,) if hit else _WAYS
        scores = [explainer.score(claim, Candidate(changes, convention, way)) for way in ways]
        best = max(scores, key=lambda score: score.hits)
        found.append(
            Trial(
                changes=dict(changes),
                convention=convention,
                value=value,
                hit=hit,
                hits=best.hits,
                of=best.of,
            )
        )
    return sorted(found, key=lambda trial: _rank(trial, claim))


def _rank(trial: Trial, claim: Claim) -> tuple[bool, int, int, Decimal]:
    """Hits by their worth, misses by their distance."""
    if trial.hit is None:
        return (True, 0, 0, abs(trial.value - (claim.low + claim.high) / 2))
    need = len(trial.changes) + (trial.convention != claim.convention)
    return (False, -trial.hits, need, Decimal(0))
