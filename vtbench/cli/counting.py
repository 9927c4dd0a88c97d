"""From workloads to records: each is counted once, in order, beside those that are kept."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from vtbench.cli.imports import imported_uncollected
from vtbench.cli.output import notices_said, stdout_kept_clean
from vtbench.cli.progress import progress
from vtbench.data.files import ResultFile
from vtbench.data.model_names import is_code
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome, in_processes, in_turn

MANY = 20
"""Up to so many models one process is quicker than starting several."""
INTERRUPTED = 130

Todo = Sequence[tuple[Workload, str | None]]
"""Workloads, and why one cannot be, if it cannot."""
Keep = Callable[[Workload, Record], None]
"""Keeps the record of a workload as it was asked for."""


class Counter(msgspec.Struct, frozen=True, kw_only=True):
    """How workloads are counted."""

    settings: dict[str, Any] = {}
    """Of a count: other counters to run beside ours, and formulas of the user's."""
    jobs: int | None = None
    traceback: bool = False

    def count(
        self, todo: Todo, known: Mapping[Workload, Record] = {}, keep: Keep | None = None
    ) -> tuple[list[Record], bool]:
        """A record for each workload in order, and whether all were reached before an interrupt.

        What is known is not counted again; what is counted is kept, in the order asked for.
        """
        found = {
            place: Record(workload=work, error=error) if error is not None else known[work]
            for place, (work, error) in enumerate(todo)
            if error is not None or self._serves(known.get(work))
        }
        places = [place for place in range(len(todo)) if place not in found]
        works = [todo[place][0] for place in places]
        waiting: dict[int, Record] = {}
        next_, finished = 0, True
        try:
            with stdout_kept_clean(), progress(len(works)) as advance:
                for index, outcome in self._outcomes(works):
                    advance(works[index].model)
                    waiting[index] = self._record(works[index], outcome)
                    while next_ in waiting:  # workers end in any order, a file has one
                        record = waiting.pop(next_)
                        found[places[next_]] = record
                        if keep is not None and record.error is None:
                            keep(works[next_], record)
                        next_ += 1
        except KeyboardInterrupt:
            finished = False
        found |= {places[index]: record for index, record in waiting.items()}
        return [found[place] for place in sorted(found)], finished

    def _serves(self, record: Record | None) -> bool:
        """Whether a kept record says all that is asked."""
        counters = self.settings.get("counters") or ()
        if record is None or not set(counters) <= set(record.counters or ()):
            return False
        over = record.distribution.over if record.distribution is not None else None
        wanted = self.settings.get("over")
        # what a source gives may have changed since
        return bool(over == wanted and (over is None or over.source is None))

    def _outcomes(self, works: Sequence[Workload]) -> Iterator[tuple[int, Outcome[Record]]]:
        task = functools.partial(count_one, settings=self.settings)
        over = self.settings.get("over")
        named = over is not None and over.source is not None
        own = self.settings.get("ops") or named or any(map(_foreign, works))
        if self.jobs is not None or len(works) > MANY or own:
            return in_processes(task, works, self.jobs or os.cpu_count() or 1)
        return in_turn(task, works)

    def _record(self, workload: Workload, outcome: Outcome[Record]) -> Record:
        if self.traceback and outcome.trace:
            sys.stderr.write(outcome.trace)
        return outcome.result or Record(workload=workload, error=outcome.error)


def _foreign(workload: Workload) -> bool:
    """Whether code of the user's builds it: what it was compiled from may end the process."""
    return is_code(workload.model)


def count_one(workload: Workload, *, settings: dict[str, Any]) -> Record:
    """One workload; torch is imported here and not before."""
    with imported_uncollected("vtbench.count.count_workload"):
        from vtbench.count.count_workload import RunSettings, count_workload

    with notices_said():  # of a process of its own as well
        return count_workload(workload, settings=RunSettings(**settings))


def kept_whole(file: ResultFile) -> Keep:
    """Keeps records with all of their rows, to be found under what was asked for."""

    def keep(asked: Workload, record: Record) -> None:
        file.append(msgspec.structs.replace(record, asked=asked))

    return keep
