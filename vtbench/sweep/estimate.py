"""How long cells are going to take: as long as others like them did, or at most their caps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import median

from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.stats import WarmUp
from vtbench.sweep.cells import COUNTED, Cell

START = 4.0
"""Seconds to start a process, import torch's libraries, build and count a model."""
COUNT = 0.5
"""Seconds to count a model in a process that runs already."""
STEPS = 2.0
"""Seconds for the few steps of a protocol that takes no samples of time."""


class Estimate:
    """Seconds of cells, judged by the records that there are."""

    def __init__(self, records: Iterable[Measurement], max_seconds: float) -> None:
        self.max_seconds = max_seconds
        by_model: dict[tuple[str, str], list[float]] = {}
        by_protocol: dict[str, list[float]] = {}
        for record in records:
            if record.samples:
                spent = _spent(record)
                name = record.protocol.name
                by_model.setdefault((name, record.workload.model), []).append(spent)
                by_protocol.setdefault(name, []).append(spent)
        self._by_model = {key: median(spent) for key, spent in by_model.items()}
        self._by_protocol = {key: median(spent) for key, spent in by_protocol.items()}

    def seconds(self, cell: Cell) -> float:
        """What one cell takes."""
        if cell.protocol == COUNTED:
            return COUNT
        if not PROTOCOLS[cell.protocol].timed:
            return START + STEPS
        spent = self._by_model.get((cell.protocol, cell.workload.model))
        if spent is None:
            spent = self._by_protocol.get(cell.protocol)
        return START + (self._at_most() if spent is None else spent)

    def known(self, cell: Cell) -> bool:
        """Whether the seconds come from a record rather than from a cap or a rule of thumb."""
        return cell.protocol in self._by_protocol

    def total(self, cells: Sequence[Cell], workers: int = 1) -> float:
        """What cells take together, shared evenly among workers."""
        return math.fsum(self.seconds(cell) for cell in cells) / workers

    def _at_most(self) -> float:
        return WarmUp().max_seconds + self.max_seconds


def _spent(record: Measurement) -> float:
    """Seconds of warm-up and samples."""
    samples = math.fsum(record.samples) * record.steps_per_sample
    return (record.warmup_seconds or 0.0) + samples
