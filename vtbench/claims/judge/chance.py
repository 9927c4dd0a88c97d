"""What chance gives: the search for a reading, over figures that are drawn at random."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from decimal import Decimal

from vtbench.claims.judge.evidence import Candidate, Column, Digits

WITHIN = 0.05
"""Figures are drawn within this share of a count."""
DRAWS = 200
"""Random columns that a reading is compared with."""
RARE = 0.01
"""A reading that is named does better than the best of all but this share of them."""


def by_chance(column: Column, candidate: Candidate) -> float:
    """The distinct figures that the best reading gives on average in random columns."""
    hits = [max(((out & column.speaks_of(each)).bit_count()
                 for each, out in column.all_came_out(printed).items()), default=0)
            for printed in _columns(column, candidate)]  # fmt: skip
    return sum(hits) / len(hits)


def needed(column: Column, candidate: Candidate) -> int:
    """The figures more than the stated reading's that the best one brings in too few of them."""
    gains = [max((out.bit_count() for out in column.all_came_out(printed).values()), default=0)
             - column.came_out(column.stated, printed).bit_count()
             for printed in _columns(column, candidate)]  # fmt: skip
    return sorted(gains, reverse=True)[math.floor(RARE * DRAWS)] + 1


def _columns(column: Column, candidate: Candidate) -> Iterator[list[Digits]]:
    """Columns drawn around what a candidate gives: that is where it could be named in error."""
    dice = random.Random(f"{column.name} {candidate}")  # noqa: S311
    centres = column.values(candidate)
    for _ in range(DRAWS):
        yield drawn(column, centres, dice)


def drawn(
    column: Column, centres: Sequence[tuple[Decimal, ...]], dice: random.Random
) -> list[Digits]:
    """Digits for each figure of a column, as precise as the printed ones."""
    found: list[Digits] = []
    for printed, centre, step in zip(column.printed, centres, column.steps, strict=True):
        value = float(centre[0] / step) if centre else float(printed)
        found.append(round(value * dice.uniform(1 - WITHIN, 1 + WITHIN)))
    return found
