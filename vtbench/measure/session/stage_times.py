"""How the time of a step divides into stages: a pass of its own, with hooks on the stage modules.

Hooks cost a little and forbid compiled graphs, so no throughput is taken from this pass; it says
how the time divides. Marks are laid where control enters and leaves a stage. What lies between
two marks belongs to the innermost stage that is open, or to none: so stages and the rest sum to
the whole. On CUDA marks are events in the stream, and all rounds are queued before one is read.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from torch import nn

from vtbench.data.stages import OTHER
from vtbench.measure.clocks import BACKLOG_CYCLES, Step

ROUNDS = 10


class HostMarker:
    """Lays marks into the course of work, and tells the time between them: the host's clock.

    For work that is done when the call returns.
    """

    def begin(self) -> None:
        """Nothing is under way any more."""

    def mark(self) -> Any:
        """A mark at this place of the work."""
        return time.perf_counter()

    def end(self) -> None:
        """All work has been done; marks can be read."""

    def between(self, first: Any, second: Any) -> float:
        """Seconds from one mark to a later one."""
        return float(second - first)


class CudaMarker(HostMarker):
    """Events in the stream of one CUDA device; ``cuda`` is ``torch.cuda``."""

    def __init__(self, cuda: Any, device: int) -> None:
        self._cuda = cuda
        self._device = device

    def begin(self) -> None:
        """An idle device, and a backlog so that launching runs ahead of the work."""
        self._cuda.synchronize(self._device)
        self._cuda._sleep(BACKLOG_CYCLES)  # noqa: SLF001  # torch has no public way to fill a queue

    def mark(self) -> Any:
        """An event at this place of the stream."""
        event = self._cuda.Event(enable_timing=True)
        event.record()
        return event

    def end(self) -> None:
        """Waits for the device."""
        self._cuda.synchronize(self._device)

    def between(self, first: Any, second: Any) -> float:
        """Events give milliseconds."""
        return float(first.elapsed_time(second)) / 1e3


class _Course:
    """The marks of one pass over some rounds, each with the stage that is open after it."""

    def __init__(self, marker: HostMarker) -> None:
        self._marker = marker
        self._open: list[str] = []
        self.rounds: list[list[tuple[Any, str]]] = []

    def start(self) -> None:
        self._open.clear()
        self.rounds.append([])
        self._lay()

    def enter(self, stage: str) -> None:
        self._open.append(stage)
        self._lay()

    def leave(self, stage: str) -> None:
        """A stage that raised inside leaves others open; they are closed with it."""
        while self._open and self._open.pop() != stage:
            pass
        self._lay()

    def stop(self) -> None:
        self._open.clear()
        self._lay()

    def _lay(self) -> None:
        if self.rounds:
            place = self._open[-1] if self._open else OTHER
            self.rounds[-1].append((self._marker.mark(), place))

    def sums(self, stages: Sequence[str]) -> list[dict[str, float]]:
        """Seconds of each stage and of the rest, round by round."""
        found = []
        for marks in self.rounds:
            sums = dict.fromkeys((*stages, OTHER), 0.0)
            for (mark, place), (later, _) in itertools.pairwise(marks):
                sums[place] += self._marker.between(mark, later)
            found.append(sums)
        return found


def stage_seconds(
    module: nn.Module,
    step: Step,
    stages: Sequence[str],
    marker: HostMarker,
    rounds: int = ROUNDS,
) -> dict[str, float]:
    """Median seconds of each stage that runs, and of what lies outside of all, per step.

    One step more runs first, so that the hooks have run once. The backward pass calls no module
    and counts as outside. Empty where no stage could be watched.
    """
    course = _Course(marker)
    with _hooked(module, stages, course) as watched:
        if not watched:
            return {}
        step()
        marker.begin()
        for _ in range(rounds):
            course.start()
            step()
            course.stop()
        marker.end()
    sums = course.sums(stages)
    medians = {name: median(each[name] for each in sums) for name in sums[0]}
    return {name: seconds for name, seconds in medians.items() if seconds > 0}


@contextmanager
def _hooked(module: nn.Module, stages: Sequence[str], course: _Course) -> Iterator[bool]:
    """Hooks on the stages, taken off again; says whether there are any."""
    parts = dict(module.named_modules())
    with ExitStack() as hooks:
        watched = False
        for stage in stages:
            for part in _called(parts.get(stage)):
                watched = True
                enter, leave = _callbacks(course, stage)
                hooks.callback(part.register_forward_pre_hook(enter).remove)
                hooks.callback(part.register_forward_hook(leave).remove)
        yield watched


def _callbacks(course: _Course, stage: str) -> tuple[Callable[..., None], Callable[..., None]]:
    def enter(*_: Any) -> None:
        course.enter(stage)

    def leave(*_: Any) -> None:
        course.leave(stage)

    return enter, leave


def _called(part: nn.Module | None) -> Iterator[nn.Module]:
    """The modules whose calls make up a stage; a list of modules is never called itself."""
    if part is None:
        return
    if isinstance(part, nn.ModuleList | nn.ModuleDict):
        for child in part.children():
            yield from _called(child)
    else:
        yield part
