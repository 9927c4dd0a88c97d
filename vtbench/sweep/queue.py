"""Which cell is next: those not done yet, not in the hands of another sweep, and in time."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.measurement import Measurement
from vtbench.sweep.cells import Cell
from vtbench.sweep.deadline import Deadline, Pace
from vtbench.sweep.store import Store


class Queue:
    """Cells to be handed out, one at a time and in order, to whoever executes them.

    A cell that is to have several launches comes once for each.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        store: Store,
        device: str | None,
        *,
        retry: bool = False,
        deadline: Deadline | None = None,
        pace: Pace | None = None,
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
        self.late: list[Cell] = []
        """Cells that there was no time for."""
        self.deadline = deadline or Deadline(None)
        self.pace = pace or Pace()
        self._failed: set[str] = set()
        """Keys of cells that failed in this run, with no launch that came off."""
        self._begun: set[int] = set()
        """Rounds of which a cell was handed out."""
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
            if any(cell.key == other.key for other in self.in_hand):
                continue  # its next launch: the last is not over yet
            if not self._in_time(cell):
                self.late += self._waiting
                self._waiting = []
                return None
            if not self.store.claim(cell.key):
                continue
            self.store.read()
            if self._done(cell):  # finished between the look and the claim
                self.store.release(cell.key)
                continue
            self.in_hand.append(cell)
            self.pace.begin(cell)
            if cell.turn is not None:
                self._begun.add(cell.turn.round)
            return self._waiting.pop(place)
        return None

    def give(self, cell: Cell, record: Measurement) -> None:
        """Keep the record of a cell that was handed out."""
        self.store.append(record)
        self.store.release(cell.key)
        self.in_hand.remove(cell)
        self.pace.end(cell)
        if record.error is not None and self.store.only_fails(cell.key, self.device):
            self._failed.add(cell.key)

    def give_up(self, cell: Cell) -> None:
        """A cell that was handed out gets no record: its time is over."""
        self.store.release(cell.key)
        self.in_hand.remove(cell)
        self.pace.end(cell)
        self.late.append(cell)

    def _in_time(self, cell: Cell) -> bool:
        """Whether a cell is expected to end in time, and with it its round, if that begins here.

        Times alone decide, never figures, so that what was measured is not chosen by what it was.
        """
        left = self.deadline.left
        if left <= 0:
            return False
        begins = cell.turn is not None and cell.turn.round not in self._begun
        beside = [each for each in self._waiting if each.turn and cell.turn
                  and each.turn.round == cell.turn.round]  # fmt: skip
        expected = self.pace.together(beside) if begins else self.pace.seconds(cell)
        return expected is None or expected <= left

    def _done(self, cell: Cell) -> bool:
        """Whether it has its record; a cell that always failed is not launched again."""
        if cell.key in self._failed:
            return True
        record = self.store.launch_of(cell, self.device)
        if record is not None:
            return not (self.retry and record.error is not None)
        tried = cell.turn is not None and not self.retry
        return tried and self.store.only_fails(cell.key, self.device)
