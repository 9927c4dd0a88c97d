"""From workloads to forms: derive each, keep what an earlier run has derived."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vtbench.cli.output import stdout_kept_clean
from vtbench.cli.progress import progress
from vtbench.data.closed_form import Formula, Symbol
from vtbench.data.files import ResultFile
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome, in_processes, in_turn

Asked = Sequence[tuple[Workload, str | None]]
Task = Callable[[Workload], Formula]


def derive_one(workload: Workload, *, time_limit: float, symbols: tuple[Symbol, ...]) -> Formula:
    """One model; torch is imported here and not before."""
    from vtbench.count.symbolic import derive

    if symbols:
        return derive.block_formula(workload, symbols)
    return derive.formula(workload, time_limit=time_limit)


def derive_all(
    asked: Asked, task: Task, jobs: int, lines: Path | None, *, traceback: bool = False
) -> list[Formula]:
    """A form for each model in order; those that the file holds already are taken from there."""
    with ResultFile(lines, ("forms",)) as kept:
        return _derived(asked, task, jobs, kept, traceback=traceback)


def _derived(
    asked: Asked, task: Task, jobs: int, kept: ResultFile, *, traceback: bool
) -> list[Formula]:
    known = {_key(form): form for form in kept.results.forms if form.error is None}
    found: dict[int, Formula] = {}
    todo: list[tuple[int, Workload]] = []
    for place, (work, error) in enumerate(asked):
        if error is not None:
            found[place] = Formula(model=work.model, error=error)
        elif _key(_failed(work)) in known:
            found[place] = known[_key(_failed(work))]
        else:
            todo.append((place, work))
    with stdout_kept_clean(), progress(len(todo)) as advance:
        for index, outcome in _outcomes(task, [work for _, work in todo], jobs):
            place, work = todo[index]
            advance(work.model)
            found[place] = outcome.result or _failed(work, outcome.error)
            kept.append(found[place])
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)
    return [found[place] for place in sorted(found)]


def _outcomes(
    task: Task, todo: Sequence[Workload], jobs: int
) -> Iterator[tuple[int, Outcome[Formula]]]:
    many = jobs > 1 and len(todo) > 1
    return in_processes(task, todo, jobs) if many else in_turn(task, todo)


def _failed(work: Workload, error: str | None = None) -> Formula:
    return Formula(model=work.model, options=work.to_dict()["options"], error=error)


def _key(form: Formula) -> str:
    return json.dumps([form.model, form.options], sort_keys=True)
