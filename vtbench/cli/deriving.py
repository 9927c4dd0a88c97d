"""From workloads to forms: derive each, keep what an earlier run has derived."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from vtbench.cli.output import stdout_kept_clean
from vtbench.cli.progress import progress
from vtbench.data.closed_form import Formula, Symbol
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, OutputError
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
    known = _kept(lines) if lines is not None else {}
    found: dict[int, Formula] = {}
    todo: list[tuple[int, Workload]] = []
    for place, (work, error) in enumerate(asked):
        if error is not None:
            found[place] = Formula(model=work.model, error=error)
        elif _key(work) in known:
            found[place] = known[_key(work)]
        else:
            todo.append((place, work))
    with stdout_kept_clean(), progress(len(todo)) as advance:
        for index, outcome in _outcomes(task, [work for _, work in todo], jobs):
            place, work = todo[index]
            advance(work.model)
            found[place] = _formula(work, outcome)
            if lines is not None:
                _append(found[place], lines)
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)
    return [found[place] for place in sorted(found)]


def _outcomes(
    task: Task, todo: Sequence[Workload], jobs: int
) -> Iterator[tuple[int, Outcome[Formula]]]:
    many = jobs > 1 and len(todo) > 1
    return in_processes(task, todo, jobs) if many else in_turn(task, todo)


def _key(work: Workload) -> str:
    return json.dumps([work.model, work.to_dict()["options"]], sort_keys=True)


def _formula(work: Workload, outcome: Outcome[Formula]) -> Formula:
    if outcome.result is not None:
        return outcome.result
    return Formula(model=work.model, options=work.to_dict()["options"], error=outcome.error)


def _kept(lines: Path) -> dict[str, Formula]:
    """The forms of an earlier run; failures, and a line that was cut off, are derived again."""
    if not lines.exists():
        return {}
    found = {}
    try:
        text = lines.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{str(lines)!r} cannot be continued: it cannot be read.") from error
    for line in text.splitlines():
        try:
            kept = msgspec.json.decode(line, type=Formula)
        except msgspec.DecodeError:
            continue
        if kept.error is None:
            found[json.dumps([kept.model, kept.options], sort_keys=True)] = kept
    return found


def _append(done: Formula, lines: Path) -> None:
    """One whole line; a line that an interrupt has cut off is ended first."""
    try:
        with lines.open("a+b") as file:
            size = file.seek(0, 2)
            if size:
                file.seek(size - 1)
            gap = b"\n" if size and file.read(1) != b"\n" else b""
            file.write(gap + msgspec.json.encode(done) + b"\n")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise OutputError(f"The output {str(lines)!r} cannot be written: {reason}.") from error
