"""In which order and side by side with what: counts first, then one measurement at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from vtbench.sweep.cells import COUNTED, Cell
from vtbench.sweep.local import Isolate, Local

FEW = 8
"""Counts for which one more worker is worth its start."""


class Phase(msgspec.Struct, frozen=True):
    """Cells that are executed under the same rules."""

    cells: tuple[Cell, ...]
    how: Local
    counts: bool
    """Whether it counts only, on no device."""


def phases(
    cells: Sequence[Cell],
    places: tuple[int | None, ...],
    isolate: Isolate | None = None,
    jobs: int | None = None,
) -> list[Phase]:
    """Counts in parallel; then what is measured, one at a time on a CPU, one on each GPU.

    Unless it is said otherwise a measurement has a fresh process of its own, and counts share.
    """
    counts = tuple(cell for cell in cells if cell.protocol == COUNTED)
    measured = tuple(cell for cell in cells if cell.protocol != COUNTED)
    workers = jobs or min(os.cpu_count() or 1, max(1, len(counts) // FEW))
    found = [
        Phase(
            counts,
            Local(isolate=isolate or "none", places=(None,) * workers, timing=False),
            counts=True,
        ),
        Phase(measured, Local(isolate=isolate or "cell", places=places), counts=False),
    ]
    return [phase for phase in found if phase.cells]
