"""From workloads to a document: count each, keep the order, answer with a status."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vtbench.cli.output import say, stdout_kept_clean, write_document
from vtbench.cli.progress import progress
from vtbench.data.libraries import LISTED
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome, in_processes, in_turn
from vtbench.report import CountsRendering, citation, counts_document, failure

MANY = 20
"""Up to so many models one process is quicker than starting several."""
INTERRUPTED = 130

Asked = Sequence[tuple[Workload, str | None]]


def count(
    asked: Asked, settings: dict[str, Any], jobs: int | None, *, traceback: bool = False
) -> tuple[list[Record], bool]:
    """A record for each workload in order, and whether all were reached before an interrupt."""
    records = {
        place: Record(workload=work, error=error)
        for place, (work, error) in enumerate(asked)
        if error is not None
    }
    places = [place for place in range(len(asked)) if place not in records]
    todo = [asked[place][0] for place in places]
    finished = True
    try:
        with stdout_kept_clean(), progress(len(todo)) as advance:
            for index, outcome in _outcomes(todo, settings, jobs):
                advance(todo[index].model)
                records[places[index]] = _record(todo[index], outcome)
                if traceback and outcome.trace:
                    sys.stderr.write(outcome.trace)
    except KeyboardInterrupt:
        finished = False
    return [records[place] for place in sorted(records)], finished


def _outcomes(
    todo: Sequence[Workload], settings: dict[str, Any], jobs: int | None
) -> Iterator[tuple[int, Outcome[Record]]]:
    task = functools.partial(count_one, settings=settings)
    if jobs is not None or len(todo) > MANY or settings.get("ops") or any(map(_foreign, todo)):
        return in_processes(task, todo, jobs or os.cpu_count() or 1)
    return in_turn(task, todo)


def _foreign(workload: Workload) -> bool:
    """Whether code of the user's builds it: what it was compiled from may end the process."""
    source, colon, _ = workload.model.partition(":")
    return bool(colon) and source not in LISTED


def count_one(workload: Workload, *, settings: dict[str, Any]) -> Record:
    """One workload; torch is imported here and not before."""
    from vtbench.count.count_workload import RunSettings, count_workload

    return count_workload(workload, settings=RunSettings(**settings))


def _record(workload: Workload, outcome: Outcome[Record]) -> Record:
    return outcome.result or Record(workload=workload, error=outcome.error)


def answer(
    records: Sequence[Record],
    question: CountsRendering,
    path: Path | None,
    *,
    strict: bool = False,
    finished: bool = True,
) -> int:
    """Write the document and say on standard error what went wrong; the exit status."""
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(failure(record))
    if not finished and (path is None or len(failed) == len(records)):
        return INTERRUPTED
    if len(failed) == len(records):
        return 2
    write_document(counts_document(records, question), path)
    if question.cite and question.format == "csv":  # a comment would not be CSV
        sys.stderr.write(citation(records) + "\n")
    if not finished:
        return INTERRUPTED
    incomplete = [record.workload.model for record in records if record.unknown]
    if strict and incomplete:
        say(f"--strict: {', '.join(incomplete)}: unknown operators were met.")
    return 1 if failed or (strict and incomplete) else 0
