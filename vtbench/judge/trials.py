"""What was tried for one figure: every candidate, with what it gives and how well it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.claim import Claim, Suite, interval
from vtbench.claim.interval import Rounding
from vtbench.judge.conventions import conventions_of, measured
from vtbench.judge.search import alternatives
from vtbench.record import Record
from vtbench.workload import Workload

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
    """Figures of the same table column that it reproduces, by that rounding or its better one."""
    of: int
    """Figures of the column that could be measured."""


Key = tuple[tuple[tuple[str, Any], ...], str]
"""Changes and convention of a candidate."""


def trials(claim: Claim, suite: Suite, records: Mapping[Workload, Record]) -> list[Trial]:
    """Everything that was tried, what hits most of the column first, then the nearest."""
    column, of = _column_hits(claim, suite, records)
    found = []
    for (changes, convention), value in _candidates(claim, suite, records):
        ways = _ways(claim, value)
        hits = max((column[changes, convention, way] for way in ways or _WAYS), default=0)
        found.append(
            Trial(
                changes=dict(changes),
                convention=convention,
                value=value,
                hit=ways[0] if ways else None,
                hits=hits,
                of=of,
            )
        )
    middle = (claim.low + claim.high) / 2

    def rank(trial: Trial) -> tuple[bool, int, int, Decimal]:
        need = len(trial.changes) + (trial.convention != claim.convention)
        return (trial.hit is None, -trial.hits if trial.hit else 0, need if trial.hit else 0,
                abs(trial.value - middle))  # fmt: skip

    return sorted(found, key=rank)


def _candidates(
    claim: Claim, suite: Suite, records: Mapping[Workload, Record]
) -> Iterator[tuple[Key, Decimal]]:
    """What may be tried for a figure, the stated workload first, and what each gives."""
    if claim.workload is None:
        return
    stated: list[tuple[dict[str, Any], Workload]] = [({}, claim.workload)]
    for changes, workload in [*stated, *alternatives(claim, suite)]:
        record = records.get(workload)
        if record is None or not record.complete:
            continue
        for convention in conventions_of(claim.metric):
            value = measured(record, claim.metric, convention)
            if value is not None:
                yield (tuple(changes.items()), convention), Decimal(value)


def _ways(claim: Claim, value: Decimal) -> tuple[Rounding, ...]:
    return tuple(w for w in _WAYS if interval(claim.printed, claim.unit, w).holds(value))


def _column_hits(
    claim: Claim, suite: Suite, records: Mapping[Workload, Record]
) -> tuple[Counter[tuple[Any, ...]], int]:
    """How many figures of its column each candidate gives, and how many could be measured."""
    hits: Counter[tuple[Any, ...]] = Counter()
    of = 0
    for mate in suite.claims:
        if mate.column != claim.column or mate.workload is None or mate.unknown is not None:
            continue
        found = list(_candidates(mate, suite, records))
        of += bool(found)
        hits.update((*key, way) for key, value in found for way in _ways(mate, value))
    return hits, of
