"""Cells: what a sweep consists of, and under which name the file of records knows them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import msgspec

from vtbench.data.measurement import Device, Measurement, Turn
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload

COUNTED = "macs"
"""The protocol that counts: no device takes part in it."""

_DEFAULTS = msgspec.structs.asdict(Workload(model=""))


class Cell(msgspec.Struct, frozen=True):
    """One workload under one protocol."""

    workload: Workload
    """As it was asked for; the record holds it as it was run, with its blanks filled."""
    protocol: str
    """The name of a protocol."""
    turn: Turn | None = None
    """Which of its launches this is; None if there is only one reading of it."""

    @property
    def key(self) -> str:
        """Equal for equal cells, on every machine and in every run."""
        return key_of(self.workload, str(PROTOCOLS[self.protocol].id))

    def __str__(self) -> str:
        """As progress shows it."""
        work = self.workload
        size = "" if work.resolution is None else " {}x{}".format(*work.resolution)
        options = "".join(f" {name}={value}" for name, value in work.options)
        launch = "" if self.turn is None else f", launch {self.turn.round}"
        return f"{work.model}{options}{size} batch {work.batch_size}: {self.protocol}{launch}"


def key_of(workload: Workload, protocol: str) -> str:
    """Equal for equal workloads under a protocol, on every machine and in every run.

    What is left at its default is left out, so that a field that a later version adds changes no
    key.
    """
    asked = {
        name: msgspec.to_builtins(getattr(workload, name))
        for name, default in _DEFAULTS.items()
        if getattr(workload, name) != default
    }
    written = msgspec.json.encode({**asked, "protocol": protocol}, order="deterministic")
    return hashlib.sha256(written).hexdigest()[:16]


def same_cell(record: Measurement, key: str, device: str | None) -> bool:
    """Whether a record is of that cell; a cell that is only counted is the same on every device."""
    if record.cell != key:
        return False
    found = record.device.name if record.device is not None else None
    return device is None or found is None or found == device


def shard(cells: Sequence[Cell], index: int, number: int) -> list[Cell]:
    """The part ``index`` of ``number``, from 1: parts are disjoint, complete, and equally many.

    Cells are dealt in the order of their keys, which mixes axes: no part has all the large sizes.
    """
    dealt = sorted(cell.key for cell in cells)
    mine = set(dealt[index - 1 :: number])
    return [cell for cell in cells if cell.key in mine]


def which_part(text: str) -> tuple[int, int] | None:
    """``2/5``: the second of five parts; None if it is no part."""
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        return None
    return int(match[1]), int(match[2])


def device_of(cell: Cell, devices: Sequence[Device]) -> str | None:
    """The name of the device that a cell is measured on; none takes part in a count."""
    return None if cell.protocol == COUNTED or not devices else devices[0].name
