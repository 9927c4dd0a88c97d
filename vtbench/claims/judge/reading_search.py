"""The convention search: which reading of a model gives the printed digits, and what was tried.

Figures of a table column are judged jointly. A candidate (changes of the workload along the
suite's axes, a convention, a rounding) that gives a figure's digits is a hit. The one that explains
the column is named, if there is one; for a figure that it leaves open, another hit is possible.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from vtbench.claims.judge.chance import by_chance
from vtbench.claims.judge.conventions import conventions_of
from vtbench.claims.judge.evidence import (
    WAYS,
    Candidate,
    Column,
    Figure,
    Score,
    changed,
    digits_of,
    figure_of,
)
from vtbench.claims.judge.figures import in_order, parts_of
from vtbench.claims.judge.naming import WORTH_OF_A_CHANGE, Naming, WrongFigures
from vtbench.claims.judge.readings import Readings, Records, derived_readings, readings_of
from vtbench.claims.judge.verdict import Reproduction, reading_words
from vtbench.claims.judge.workloads import figures
from vtbench.claims.suite import Claim, Quantity, Suite, interval
from vtbench.claims.suite.interval import Rounding, significant


class Explanation(NamedTuple):
    """What gives a figure's digits."""

    named: Reproduction | None = None
    """The stated reading, or the one that explains the column."""
    possible: Reproduction | None = None
    """Another, if none is named."""
    why_not: str = ""
    """The reason why that one is not named, in a sentence."""


class Explainer:
    """Every figure of some suites under every reading, and what speaks for each."""

    def __init__(self, suites: Sequence[Suite], records: Records) -> None:
        self._cells: dict[str, Figure] = {}
        self._columns: dict[str, Column] = {}
        self._naming: dict[str, Naming] = {}
        self._hits: dict[str, dict[Candidate, Decimal]] = {}
        self._chance: dict[str, float] = {}
        claims = {claim.id: claim for suite in suites for claim in suite.claims}
        known: dict[str, Readings] = {}
        counts: dict[str, Hashable] = {}
        for suite in suites:
            for figure in figures(suite):
                if isinstance(figure, Quantity) or (figure.unknown is None and not figure.average):
                    found = readings_of(figure, suite, records)
                    if found is not None:
                        known[figure.id] = found
                        counts[figure.id] = _counts(found)
        for claim in in_order(claims):
            readings = known.get(claim.id) or _of_derived(claim, known)
            if readings is not None:
                known[claim.id] = readings
                if claim.id not in counts:
                    counts[claim.id] = frozenset(counts[name] for name in parts_of(claim))
                if claim.relation == "equals" and not claim.members and not claim.average:
                    printed = significant(claim.printed, claim.zeros)
                    self._cells[claim.id] = figure_of(
                        readings, printed, claim.unit, counts[claim.id]
                    )
        self._gather(suites)

    def _gather(self, suites: Sequence[Suite]) -> None:
        """The columns of each suite."""
        for suite in suites:
            columns: dict[str, list[Figure]] = {}
            for claim in suite.claims:
                if claim.id in self._cells:
                    columns.setdefault(claim.column, []).append(self._cells[claim.id])
            found = {name: Column(name, cells) for name, cells in columns.items()}
            self._columns |= found
            self._naming[suite.name] = Naming(list(found.values()))

    def readings(self, claim: Claim) -> Readings | None:
        """Every reading of a figure; None if it could not be measured."""
        cell = self._cells.get(claim.id)
        return cell.readings if cell else None

    def hits(self, claim: Claim) -> dict[Candidate, Decimal]:
        """Every candidate that gives a figure's digits, with its value."""
        cell = self._cells.get(claim.id)
        if cell is None:
            return {}
        if claim.id not in self._hits:
            self._hits[claim.id] = {
                Candidate(changes, convention, way): value
                for (changes, convention), value in cell.readings.values.items()
                for way in WAYS
                if cell.digits in digits_of(value, cell.step, way)
            }
        return self._hits[claim.id]

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
        return self._columns[claim.column].score(candidate)

    def wrong_figures(self) -> dict[str, WrongFigures]:
        """Suite -> how many figures that are drawn at random would be explained."""
        found = {name: naming.wrong_figures() for name, naming in self._naming.items()}
        return {name: each for name, each in found.items() if each.drawn}

    def explain(self, claim: Claim) -> Explanation:
        """What gives a figure's digits, and whether it is named."""
        hits = self._simplest(claim)
        stated = Candidate((), claim.convention, "round")
        if stated in hits:
            return Explanation(self._told(claim, stated, stated))
        if claim.id not in self._cells:
            return Explanation()
        column = self._columns[claim.column]
        named = self._naming[claim.suite].named(column)
        here = named and _for_one(named, column, self._cells[claim.id])
        if named and here in self.hits(claim):
            if claim.column not in self._chance:
                self._chance[claim.column] = by_chance(column, named)
            chance = self._chance[claim.column]
            return Explanation(self._told(claim, here, named, chance=chance))
        if not hits:
            return Explanation()
        own = [each for each in hits if _words(each, claim.convention) == claim.by]
        best = min(own or hits, key=lambda each: self._rank(claim, each))
        told = self._told(claim, best, best)
        return Explanation(possible=told, why_not=self._why_not(claim, best, named))

    def _rank(self, claim: Claim, candidate: Candidate) -> tuple[int, int, bool]:
        """The column under it, less a few figures for each thing that it changes."""
        column = self._columns[claim.column]
        need = sum(1 for _ in changed(candidate, claim.convention))
        worth = column.came_out(candidate).bit_count() - WORTH_OF_A_CHANGE * need
        return (-worth, need, candidate.rounding == "truncate")

    def _told(
        self, claim: Claim, here: Candidate, column: Candidate, *, chance: float | None = None
    ) -> Reproduction:
        """A reading of one figure, with how well the reading of the column does."""
        score, hits = self.score(claim, column), self._simplest(claim)
        value = self.hits(claim)[here]
        readings = {(each.changes, each.convention) for each in hits}
        same = {(each.changes, each.convention) for each in hits
                if each.changes == here.changes and hits[each] == value}  # fmt: skip
        return Reproduction(
            changes=dict(here.changes),
            convention=here.convention,
            rounding=here.rounding,
            measured=value,
            hits=score.hits,
            of=score.of,
            column=score.column,
            rivals=len(readings - same),
            isolated=score.hits == 1 and score.of > 1,
            chance=chance,
        )

    def _why_not(self, claim: Claim, candidate: Candidate, named: Candidate | None) -> str:
        if named is not None:
            said = _words(named, claim.convention)
            return f"Its column is explained by {said}, and a column has one reading."
        worth = self._naming[claim.suite].worth(self._columns[claim.column], candidate)
        if worth.more <= 0:
            return "Under it no more figures of the column come out than as stated."
        if worth.change < worth.asked <= worth.more:
            return f"One of its changes brings fewer than {worth.asked} figures of the column."
        what = "figure" if worth.more == 1 else "figures"
        brings = f"It brings {worth.more} {what} of the column more than the stated reading"
        if worth.more < worth.asked:
            return f"{brings}; {worth.asked} are needed."
        return f"{brings}; chance may bring {worth.chance - 1}."


def _words(candidate: Candidate, stated: str) -> str:
    return reading_words(dict(candidate.changes), candidate.convention, candidate.rounding, stated)


def _for_one(candidate: Candidate, column: Column, cell: Figure) -> Candidate:
    """The reading of a column less what does nothing for one of its figures."""
    readings, convention = cell.readings, candidate.convention
    changes = readings.effective(candidate.changes)
    usual = readings.value(changes, readings.convention)
    if convention == column.convention or readings.value(changes, convention) == usual:
        convention = readings.convention
    return Candidate(changes, convention, candidate.rounding)


def _counts(readings: Readings) -> Hashable:
    """What tells one figure from another: its counts, whatever they are called."""
    metric, conventions = readings.metric, conventions_of(readings.metric)
    return (metric, *(readings.values.get(((), each)) for each in conventions))


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
    """Distinct figures of the same table column that it reproduces, of those that it speaks of."""
    of: int
    """Distinct figures of the column that it speaks of."""


def trials(claim: Claim, suites: Sequence[Suite], records: Records) -> list[Trial]:
    """Everything that was tried, what hits most of the column first, then the nearest."""
    explainer = Explainer(suites, records)
    readings = explainer.readings(claim)
    if readings is None:
        return []
    ranges = {way: interval(claim.printed, claim.unit, way, claim.zeros) for way in WAYS}
    found = []
    for (changes, convention), value in readings.values.items():
        hit = next((way for way in WAYS if ranges[way].holds(value)), None)
        ways = (hit,) if hit else WAYS
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
