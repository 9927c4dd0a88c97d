"""In which order the cells of a sweep are measured: in rounds, each in a random order of its own.

A cell that is measured at one time and in one process carries what that time and that process were
dealt. So each cell has several launches, and a round visits all cells once: what changes slowly
falls on all cells alike, and what changes from launch to launch shows.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import msgspec

from vtbench.data.measurement import Turn
from vtbench.data.protocol import PROTOCOLS
from vtbench.errors import UsageError
from vtbench.sweep.cells import Cell

LAUNCHES = 5
"""Launches of each timed cell, if nothing else is asked for."""


MOST_LAUNCHES = 1000
"""More launches of a cell than these are a mistake."""


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """How often cells are launched, and the seed of the order."""

    launches: int = LAUNCHES
    """Launches of each timed cell."""
    seed: int = 0
    """Of the random order within each round."""


def rounds_asked(launches: int | None, seed: int, isolate: str | None) -> Rounds | None:
    """How often each timed cell is launched; None if cells share processes."""
    if launches is not None and not 1 <= launches <= MOST_LAUNCHES:
        raise UsageError(
            f"--launches: expected a number from 1 to {MOST_LAUNCHES}, got {launches}."
        )
    if seed < 0:
        raise UsageError(f"--seed: expected a number of at least 0, got {seed}.")
    if isolate in (None, "cell"):
        return Rounds(launches=launches or LAUNCHES, seed=seed)
    if launches is not None:
        raise UsageError("--launches starts a new process for each; leave out --isolate.")
    return None


def in_rounds(cells: Iterable[Cell], rounds: Rounds) -> list[Cell]:
    """Cells that need one reading, as they come, then every round of those that are timed.

    A count is exact. A peak of memory is that of one step, and two processes agree on it.
    """
    cells = list(cells)
    timed = [(row, cell) for row, cell in enumerate(cells, 1) if PROTOCOLS[cell.protocol].timed]
    once = [cell for cell in cells if not PROTOCOLS[cell.protocol].timed]
    return once + [
        cell for number in range(1, rounds.launches + 1) for cell in _round(timed, number, rounds)
    ]


def _round(cells: Sequence[tuple[int, Cell]], number: int, rounds: Rounds) -> list[Cell]:
    """One round: the order follows from the seed and the number of the round alone."""
    order = list(cells)
    random.Random(f"{rounds.seed}/{number}").shuffle(order)  # noqa: S311 - an order, no secret
    return [
        msgspec.structs.replace(
            cell, turn=Turn(round=number, place=place, row=row, seed=rounds.seed)
        )
        for place, (row, cell) in enumerate(order, 1)
    ]
