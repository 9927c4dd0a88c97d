"""The grid that patches lie on, for methods that go by neighbours."""

from __future__ import annotations

import math

from vtbench.errors import ModelError
from vtbench.reduce.run import Run

Grid = tuple[int, int]


def grid_of(run: Run, patches: int) -> Grid:
    """Rows and columns of so many patches: those of the network, or as many of both."""
    if run.grid is not None and run.grid[0] * run.grid[1] == patches:
        return run.grid
    side = math.isqrt(patches)
    if side * side != patches:
        raise ModelError(
            f"{patches} patches are not a square, and the network's own image has "
            f"{run.grid}; build it for this image size (img_size), so that rows are known."
        )
    return side, side
