"""Whether the speeds of a sweep can be held against those of one of its models."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.protocol import PROTOCOLS
from vtbench.data.relative import bases
from vtbench.errors import BadOption
from vtbench.stats.launches import FEWEST
from vtbench.sweep.axes import Grid
from vtbench.sweep.cells import Cell
from vtbench.sweep.rounds import Rounds


def check_base(to: str, found: Sequence[Cell], grid: Grid, rounds: Rounds | None) -> None:
    """Refuse a model that nothing can be held against, before anything is measured."""
    if to not in grid.models:
        raise BadOption(f"--relative-to: the model {to!r} is not among the models of this sweep.")
    if not any(PROTOCOLS[name].timed for name in grid.protocols):
        raise BadOption(
            "--relative-to compares speeds in a sweep; give --metric throughput or latency."
        )
    if rounds is None or rounds.launches < FEWEST:
        raise BadOption(
            f"--relative-to takes at least {FEWEST} rounds; give more --launches, and no --isolate."
        )
    for name in grid.protocols:
        bases([cell.workload for cell in found if cell.protocol == name], to)
