"""What chance gives: the search for a reading, over figures that are drawn at random."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from vtbench.claims.judge.evidence import Candidate, Column, Digits

WITHIN = 0.05
"""Figures are drawn within this share of a count."""
DRAWS = 200
"""Random columns that a reading is compared with."""
RARE = 0.01
"""A reading that is named does better than the best of all but this share of them."""


class Luck(NamedTuple):
    """How well the best of all readings does if a column's figures are drawn at random."""

    hits: float
    """Distinct figures that it reproduces on average."""
    needed: int
    """Figures more than the stated reading's that it brings in too few columns to matter."""


def luck(column: Column, candidate: Candidate) -> Luck:
    """The search over columns drawn around what a candidate gives: that is where it could err."""
    dice = random.Random(f"{column.name} {candidate}")  # noqa: S311
    centres = column.values(candidate)
    hits, gains = 0, []
    for _ in range(DRAWS):
        printed = drawn(column, centres, dice)
        usual = column.came_out(column.stated, printed).bit_count()
        outs = column.all_came_out(printed)
        hits += max(((out & column.speaks_of(each)).bit_count() for each, out in outs.items()),
                    default=0)  # fmt: skip
        gains.append(max((out.bit_count() for out in outs.values()), default=0) - usual)
    gains.sort(reverse=True)
    return Luck(hits=hits / DRAWS, needed=gains[math.floor(RARE * DRAWS)] + 1)


def drawn(
    column: Column, centres: Sequence[tuple[Decimal, ...]], dice: random.Random
) -> list[Digits]:
    """Digits for each figure of a column, as precise as the printed ones."""
    found: list[Digits] = []
    for printed, centre, step in zip(column.printed, centres, column.steps, strict=True):
        value = float(centre[0] / step) if centre else float(printed)
        found.append(round(value * dice.uniform(1 - WITHIN, 1 + WITHIN)))
    return found
