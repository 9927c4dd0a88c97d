"""The file of a sweep: measurements by the cell that each is of.

Two sweeps may share a file: each sees what the other has finished, and a cell that one of them
works on is locked, so that the other takes the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vtbench.data.files import Kind, Result, ResultFile, locks
from vtbench.data.launches import combined
from vtbench.data.measurement import Measurement
from vtbench.sweep.cells import Cell, same_cell


class Store(ResultFile):
    """Measurements in a file, or in memory alone if there is no file."""

    def __init__(self, path: Path | None, wanted: Sequence[Kind] = ("measurements",)) -> None:
        self._cells: dict[str, list[Measurement]] = {}
        super().__init__(path, wanted)

    @property
    def records(self) -> list[Measurement]:
        """Every measurement read and appended, in the file's order."""
        return self.results.measurements

    def of(self, key: str, device: str | None) -> Measurement | None:
        """What is known of a cell on a device model: its launches as one, or its newest record.

        None if there is nothing yet.
        """
        found = combined(self._records_of(key, device))
        return max(reversed(found), key=lambda each: bool(each.launches), default=None)

    def launch_of(self, cell: Cell, device: str | None) -> Measurement | None:
        """The newest record of one launch of a cell; of the cell, if it has one reading."""
        if cell.turn is None:
            return self.of(cell.key, device)
        number = cell.turn.round
        found = (line for line in reversed(self._records_of(cell.key, device))
                 if line.turn is not None and line.turn.round == number)  # fmt: skip
        return next(found, None)

    def only_fails(self, key: str, device: str | None) -> bool:
        """Whether a cell was launched, and no launch came off."""
        launches = [line for line in self._records_of(key, device) if line.turn is not None]
        return bool(launches) and all(line.error is not None for line in launches)

    def _records_of(self, key: str, device: str | None) -> list[Measurement]:
        return [line for line in self._cells.get(key, ()) if same_cell(line, key, device)]

    def claim(self, key: str) -> bool:
        """Take a cell in hand; False if another sweep has it."""
        return self._file < 0 or locks.claimed(self._file, locks.place_of(key))

    def release(self, key: str) -> None:
        """A cell is finished, or given up."""
        if self._file >= 0:
            locks.release(self._file, locks.place_of(key))

    def _take(self, result: Result) -> None:
        super()._take(result)
        if isinstance(result, Measurement) and result.cell is not None:
            self._cells.setdefault(result.cell, []).append(result)
