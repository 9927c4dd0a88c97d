"""What was tried for one figure: every reading, with what it gives and how well it does."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.claims.judge.explaining import Candidate, Explainer
from vtbench.claims.judge.readings import Records
from vtbench.claims.suite import Claim, Suite, interval
from vtbench.claims.suite.interval import Rounding

_WAYS: tuple[Rounding, ...] = ("round", "truncate")


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a model, held against one printed figure."""

    changes: dict[str, Any]
    """Changes to the stated workload."""
    convention: str
    value: Decimal
    """What it gives."""
    hit: Rounding | None
    """How the value becomes the printed digits; None where it does not."""
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
    ranges = {way: interval(claim.printed, claim.unit, way) for way in _WAYS}
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
