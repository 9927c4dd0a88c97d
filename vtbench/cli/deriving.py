"""From workloads to forms: derive each, keep what an earlier run has derived."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence

import msgspec

from vtbench.cli.output import stdout_kept_clean
from vtbench.cli.progress import progress
from vtbench.data.closed_form import Formula, Symbol
from vtbench.data.files import ResultFile
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome, in_processes, in_turn
from vtbench.sweep.cells import key_of

Asked = Sequence[tuple[Workload, str | None]]
Task = Callable[[Workload], Formula]


def derive_one(workload: Workload, *, time_limit: float, symbols: tuple[Symbol, ...]) -> Formula:
    """One model; torch is imported here and not before."""
    from vtbench.count.symbolic import derive

    if symbols:
        return derive.block_formula(workload, symbols, time_limit=time_limit)
    return derive.formula(workload, time_limit=time_limit)


def derive_all(
    asked: Asked,
    task: Task,
    jobs: int,
    key: Callable[[Workload], str],
    kept: tuple[Sequence[Formula], ResultFile],
    *,
    traceback: bool = False,
) -> list[Formula]:
    """A form for each model in order; those that are kept are taken, and new ones are kept."""
    forms, file = kept
    known = {form.key: form for form in (*forms, *file.results.forms) if form.error is None}
    found: dict[int, Formula] = {}
    todo: list[tuple[int, Workload]] = []
    for place, (work, error) in enumerate(asked):
        if error is not None:
            found[place] = Formula(model=work.model, error=error)
        elif key(work) in known:
            found[place] = known[key(work)]
        else:
            todo.append((place, work))
    with stdout_kept_clean(), progress(len(todo)) as advance:
        for index, outcome in _outcomes(task, [work for _, work in todo], jobs):
            place, work = todo[index]
            advance(work.model)
            found[place] = msgspec.structs.replace(_formula(work, outcome), key=key(work))
            file.append(found[place])
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)
    return [found[place] for place in sorted(found)]


def _outcomes(
    task: Task, todo: Sequence[Workload], jobs: int
) -> Iterator[tuple[int, Outcome[Formula]]]:
    many = jobs > 1 and len(todo) > 1
    return in_processes(task, todo, jobs) if many else in_turn(task, todo)


def _formula(work: Workload, outcome: Outcome[Formula]) -> Formula:
    options = work.to_dict()["options"]
    return outcome.result or Formula(model=work.model, options=options, error=outcome.error)


def key_with(symbols: Sequence[Symbol]) -> Callable[[Workload], str]:
    """Under which name a form is kept: equal for equal workloads and symbols."""
    written = ",".join(map(_written, symbols))
    return lambda work: key_of(work, f"formula/1 {written}".strip())


def _written(symbol: Symbol) -> str:
    ends = "" if symbol.high is None else f":{symbol.low}..{symbol.high}"
    return f"{symbol.name}={symbol.example}:{symbol.multiple}{ends}"
