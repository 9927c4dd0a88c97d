"""Which cell is next: those not done yet, and not in the hands of another sweep."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.measurement import Measurement
from vtbench.sweep.cells import Cell
from vtbench.sweep.store import Store


class Queue:
    """Cells to be handed out, one at a time and in order, to whoever executes them."""

    def __init__(
        self, cells: Sequence[Cell], store: Store, device: str | None, *, retry: bool = False
    ) -> None:
        self.store = store
        self.device = device
        """The model of the device; None if it is the executor's to say."""
        self.retry = retry
        """Whether a cell that failed is tried again."""
        self.stopped = False
        """Set if no more cells are to be handed out."""
        self.in_hand: list[Cell] = []
        """Cells that are handed out and have no record yet."""
        self._waiting = [cell for cell in cells if not self._done(cell)]

    def push(self, cell: Cell) -> None:
        """One more cell, the last."""
        self._waiting.append(cell)

    def __len__(self) -> int:
        """Cells that are not handed out and, as far as was seen, not done."""
        return len(self._waiting)

    @property
    def waiting(self) -> list[Cell]:
        """The cells of which ``len`` is the number."""
        return list(self._waiting)

    @property
    def over(self) -> bool:
        """Whether there is nothing to hand out, now or later."""
        return self.stopped or not self._waiting

    def take(self) -> Cell | None:
        """The next cell that is free, now ours; None if there is none at the moment."""
        if self.over:
            return None
        self.store.read()
        self._waiting = [cell for cell in self._waiting if not self._done(cell)]
        for place, cell in enumerate(self._waiting):
            if not self.store.claim(cell.key):
                continue
            self.store.read()
            if self._done(cell):  # finished between the look and the claim
                self.store.release(cell.key)
                continue
            self.in_hand.append(cell)
            return self._waiting.pop(place)
        return None

    def give(self, cell: Cell, record: Measurement) -> None:
        """Keep the record of a cell that was handed out."""
        self.store.append(record)
        self.store.release(cell.key)
        self.in_hand.remove(cell)

    def _done(self, cell: Cell) -> bool:
        record = self.store.of(cell.key, self.device)
        return record is not None and not (self.retry and record.error is not None)
