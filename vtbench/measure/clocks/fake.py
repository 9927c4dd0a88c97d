"""A clock that is told what to say, so that everything built on clocks is tested without one."""

from __future__ import annotations

from collections.abc import Callable

from vtbench.measure.clocks.clock import Step


class FakeClock:
    """Every step takes what ``duration`` says of its number, counted from 0; time stands else."""

    def __init__(self, duration: Callable[[int], float], overhead: float = 0.0) -> None:
        self._duration = duration
        self._overhead = overhead
        self.steps = 0
        """Steps that were taken."""
        self.time = 0.0
        """What the clock shows."""

    def now(self) -> float:
        """What the clock shows."""
        return self.time

    def seconds(self, step: Step, steps: int) -> float:
        """The told durations, summed; the steps are really called."""
        total = 0.0
        for _ in range(steps):
            step()
            total += self._duration(self.steps)
            self.steps += 1
        self.time += total + self._overhead
        return total
