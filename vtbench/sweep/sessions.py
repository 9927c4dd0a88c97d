"""Which cells can take turns in one process, and what came of it, kept or measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.option import fields_of
from vtbench.data.workload import EXECUTION, Workload
from vtbench.sweep.cells import Cell
from vtbench.sweep.store import Store

if TYPE_CHECKING:
    from vtbench.measure.isolated import MeasureSettings
    from vtbench.measure.machine.devices import Chosen


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


def held(session: Sequence[Cell], places: Sequence[Chosen], store: Store) -> list[Measurement]:
    """The records of a session that a file holds whole; records of several give no ratio."""
    from vtbench.measure.machine.devices import describe

    if store.path is None:
        return []
    found: list[Measurement] = []
    for place in places:
        name = describe(place.kind, place.index).name
        own = [store.of(cell.key, name) for cell in session]
        good = [record for record in own if record is not None and record.error is None]
        if len(good) < len(session) or len({record.session for record in good}) > 1:
            return []
        found += good
    return found


def measured(
    session: Sequence[Cell], places: Sequence[Chosen], settings: MeasureSettings
) -> list[Measurement]:
    """A session on every device, each in a process of its own."""
    from vtbench.measure import isolated

    each = [
        msgspec.structs.replace(settings, protocol=session[0].protocol, index=place.index)
        for place in places
    ]
    records = isolated.measure([cell.workload for cell in session], each)
    keys = [cell.key for cell in session] * len(places)
    return [
        msgspec.structs.replace(record, cell=key) for record, key in zip(records, keys, strict=True)
    ]
