"""The convention search: which reading of a model gives the printed digits.

Explanations are judged jointly. For each figure every candidate (changes of the workload along
the suite's axes, a convention, a rounding) that gives its digits is a hit; of these the one is
named that reproduces most of its table column, then the one that needs the fewest changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from vtbench.claim import Claim, Suite, interval
from vtbench.claim.interval import Rounding
from vtbench.judge.conventions import conventions_of, measured
from vtbench.judge.search import alternatives
from vtbench.judge.verdict import Reproduction
from vtbench.record import Record
from vtbench.workload import Workload

Candidate = tuple[tuple[tuple[str, Any], ...], str, Rounding]
"""Changes, convention, rounding."""


class Explainer:
    """Every candidate's hits over the columns of some suites, found once."""

    def __init__(self, suites: Sequence[Suite], records: Mapping[Workload, Record]) -> None:
        self._records = records
        self._hits: dict[str, dict[Candidate, Decimal]] = {}
        self._column: dict[str, Counter[Candidate]] = {}
        self._measured: Counter[str] = Counter()
        for suite in suites:
            for claim in suite.claims:
                if claim.workload is not None and claim.unknown is None:
                    self._collect(claim, suite)

    def _collect(self, claim: Claim, suite: Suite) -> None:
        found = dict(self._candidates(claim, suite))
        if not found:
            return
        self._measured[claim.column] += 1
        ways: tuple[Rounding, ...] = ("round", "truncate")
        ranges = {way: interval(claim.printed, claim.unit, way) for way in ways}
        hits = {
            (changes, convention, way): value
            for (changes, convention), value in found.items()
            for way, range_ in ranges.items()
            if range_.holds(value)
        }
        self._hits[claim.id] = hits
        self._column.setdefault(claim.column, Counter()).update(hits.keys())

    def _candidates(
        self, claim: Claim, suite: Suite
    ) -> Iterator[tuple[tuple[tuple[tuple[str, Any], ...], str], Decimal]]:
        assert claim.workload is not None  # noqa: S101  # the caller has looked
        stated: list[tuple[dict[str, Any], Workload]] = [({}, claim.workload)]
        for changes, workload in [*stated, *alternatives(claim, suite)]:
            record = self._records.get(workload)
            if record is None or not record.complete:
                continue
            for convention in conventions_of(claim.metric):
                value = measured(record, claim.metric, convention)
                if value is not None:
                    yield (tuple(changes.items()), convention), Decimal(value)

    def tried(self, claim: Claim) -> int:
        """How many candidates give this figure's digits."""
        return len(self._hits.get(claim.id, {}))

    def explain(self, claim: Claim) -> Reproduction | None:
        """The best explanation of a figure, or None where nothing gives its digits."""
        hits = self._hits.get(claim.id)
        if not hits:
            return None
        column = self._column[claim.column]

        def rank(candidate: Candidate) -> tuple[int, int, int, int]:
            changes, convention, rounding = candidate
            stated = not changes and convention == claim.convention and rounding == "round"
            need = len(changes) + (convention != claim.convention) + (rounding == "truncate")
            return (not stated, -column[candidate], need, rounding == "truncate")

        best = min(hits, key=rank)
        of = self._measured[claim.column]
        same_value = {c for c in hits if hits[c] == hits[best] and c[:1] == best[:1]}
        return Reproduction(
            changes=dict(best[0]),
            convention=best[1],
            rounding=best[2],
            measured=hits[best],
            hits=column[best],
            of=of,
            rivals=len({c[:2] for c in hits} - {c[:2] for c in same_value}),
            isolated=column[best] == 1 and of > 1,
        )
