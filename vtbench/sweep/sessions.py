"""Which cells can take turns in one process."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.option import fields_of
from vtbench.data.workload import EXECUTION, Workload
from vtbench.sweep.cells import Cell


def sessions(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells that can take turns in one process: of one protocol and one setting of torch."""
    shared = sorted(
        name
        for name in EXECUTION
        if name not in fields_of(Workload) or fields_of(Workload)[name].option.shared
    )
    found: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        setting = tuple(getattr(cell.workload, name) for name in shared)
        found.setdefault((cell.protocol, *setting), []).append(cell)
    return list(found.values())
