"""``vtbench formula``: names in, closed forms out."""

from __future__ import annotations

import functools
import itertools
import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from vtbench.cli.options import (
    Conditions,
    FormatOption,
    Inputs,
    Jobs,
    ModelList,
    Models,
    MoreModels,
    Options,
    Output,
    Resolution,
    Traceback,
    asked_models,
    parse_inputs,
    parse_jobs,
    parse_options,
    parse_resolution,
    workloads,
)
from vtbench.cli.output import (
    SUFFIXES,
    check_writable,
    page_width,
    say,
    stdout_kept_clean,
    wants_color,
    write_document,
)
from vtbench.cli.progress import progress
from vtbench.errors import BadInput, BadOption
from vtbench.formula import Formula
from vtbench.report import Format, json_text, render
from vtbench.report.formula import (
    Row,
    csv_table_of,
    evaluated,
    formula_object,
    formula_tables,
    values_table,
)
from vtbench.sweep import Outcome, in_processes, in_turn
from vtbench.workload import Workload

TIME_LIMIT = 30.0
MOST_POINTS = 1_000_000
LETTERS = ("B", "H", "W", "T")
INTERRUPTED = 130

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="H=192:512:32,W=224",
        help="Evaluate over ranges start:stop:step, stop included; B is 1 and W is H unless given.",
    ),
]


def formula(
    models: Models = None,
    more_models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    resolution: Resolution = None,
    inputs: Inputs = None,
    at: At = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the values of --at as PNG or SVG."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="What the symbolic run of one model may take.")
    ] = TIME_LIMIT,
    format_: FormatOption = None,
    output: Output = None,
    jobs: Jobs = None,
    traceback: Traceback = False,
) -> None:
    """Derive the exact MACs of models as a formula in batch, height and width.

    \b
    vtbench formula resnet50
    vtbench formula deit_s swin_t resnet50
    vtbench formula deit_s swin_t --at H=192:512:32
    vtbench formula transformers:BertModel --at B=1,T=64:512:64
    vtbench formula --models 'timm:*' --output formulas.jsonl

    The model is run once on symbolic sizes; the form is then held against concrete counts at
    other sizes, and one that fails is never shown. An output that ends in .jsonl gets a line per
    model as soon as it is done, and a second run goes on where the first one stopped.

    Exit status: 0 done; 1 some model has no formula; 2 none has.
    """
    path = None if output == Path("-") else output
    shape: Format = format_ or SUFFIXES.get(path.suffix.lower() if path else "", "table")
    conditions = Conditions(
        options=parse_options(option),
        resolution=parse_resolution(resolution),
        inputs=parse_inputs(inputs),
    )
    points = parse_at(at) if at is not None else None
    if plot is not None and points is None:
        raise BadOption("--plot draws the values of --at; say over which sizes.")
    if time_limit <= 0:
        raise BadOption(f"A time limit of {time_limit:g} s leaves no time.")
    check_writable(path)
    check_writable(plot)
    asked = workloads(asked_models(models, more_models, model_list), conditions)
    lines = path if path is not None and path.suffix.lower() == ".jsonl" else None
    task = functools.partial(derive_one, time_limit=time_limit)
    found = _derived(asked, task, parse_jobs(jobs), lines, traceback=traceback)
    raise typer.Exit(_answer(found, points, shape, path if lines is None else None, plot, lines))


def derive_one(workload: Workload, *, time_limit: float) -> Formula:
    """One model; torch is imported here and not before."""
    from vtbench.derive import formula as derive

    return derive(workload, time_limit=time_limit)


def parse_at(text: str) -> list[dict[str, int]]:
    """``H=192:512:32,W=224`` as every combination of sizes."""
    ranges: dict[str, range] = {}
    for part in text.split(","):
        name, equals, rest = (piece.strip() for piece in part.partition("="))
        numbers = re.fullmatch(r"(\d{1,9})(?::(\d{1,9})(?::(\d{1,9}))?)?", rest)
        if not equals or name not in LETTERS or numbers is None or name in ranges:
            raise BadInput(
                f"{part.strip()!r} in --at is not of the form H=224 or H=192:512:32; "
                "the sizes are B, H, W and T, each once."
            )
        start, stop, step = (int(n) if n else None for n in numbers.groups())
        assert start is not None  # noqa: S101  # the expression above demands it
        found = range(start, (start if stop is None else stop) + 1, 1 if step is None else step or 0 or 1)
        if step == 0 or start < 1 or not found:
            raise BadInput(f"The range {part.strip()!r} in --at holds no size of at least 1.")
        ranges[name] = found
    ranges.setdefault("B", range(1, 2))
    square = "H" in ranges and "W" not in ranges
    names = [name for name in LETTERS if name in ranges]
    number = 1
    for name in names:
        number *= len(ranges[name])
    if number > MOST_POINTS:
        raise BadInput(f"--at asks for {number} sizes; {MOST_POINTS} is the most.")
    points = (dict(zip(names, values, strict=True)) for values in itertools.product(*(ranges[n] for n in names)))
    return [_squared(point) if square else point for point in points]


def _squared(point: dict[str, int]) -> dict[str, int]:
    full = {**point, "W": point["H"]}
    return {name: full[name] for name in LETTERS if name in full}


def _derived(
    asked: Sequence[tuple[Workload, str | None]],
    task: functools.partial[Formula],
    jobs: int | None,
    lines: Path | None,
    *,
    traceback: bool,
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
        items = [work for _, work in todo]
        many = jobs is not None and jobs > 1 and len(items) > 1
        outcomes = in_processes(task, items, jobs or 1) if many else in_turn(task, items)
        for index, outcome in outcomes:
            place, work = todo[index]
            advance(work.model)
            found[place] = _formula(work, outcome)
            if lines is not None:
                _append(found[place], lines)
            if traceback and outcome.trace:
                sys.stderr.write(outcome.trace)
    return [found[place] for place in sorted(found)]


def _key(work: Workload) -> str:
    return json.dumps([work.model, work.to_dict()["options"]], sort_keys=True)


def _formula(work: Workload, outcome: Outcome[Formula]) -> Formula:
    if outcome.result is not None:
        return outcome.result
    return Formula(model=work.model, options=work.to_dict()["options"], error=outcome.error)


def _kept(lines: Path) -> dict[str, Formula]:
    """The forms of an earlier run; a line that was cut off is derived again."""
    if not lines.exists():
        return {}
    found = {}
    for line in lines.read_text(encoding="utf-8").splitlines():
        try:
            kept = msgspec.json.decode(line, type=Formula)
        except msgspec.DecodeError:
            continue
        found[json.dumps([kept.model, kept.options], sort_keys=True)] = kept
    return found


def _append(done: Formula, lines: Path) -> None:
    with lines.open("ab") as file:
        if file.tell() and not _ends_in_newline(lines):
            file.write(b"\n")
        file.write(msgspec.json.encode(done) + b"\n")


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _answer(
    found: Sequence[Formula],
    points: list[dict[str, int]] | None,
    shape: Format,
    path: Path | None,
    plot: Path | None,
    lines: Path | None,
) -> int:
    failed = [each for each in found if each.error is not None]
    for each in failed:
        say(f"{each.model}: {each.error}" if each.model not in (each.error or "") else str(each.error))
    if len(failed) == len(found):
        return 2
    good = [each for each in found if each.error is None]
    rows = evaluated(good, points) if points is not None else None
    if lines is None:
        write_document(_document(found, good, rows, shape, path), path)
    else:
        say(f"{len(good)} forms in {lines}")
    if plot is not None and rows:
        _draw(good, rows, plot)
    return 1 if failed else 0


def _document(
    found: Sequence[Formula],
    good: Sequence[Formula],
    rows: list[Row] | None,
    shape: Format,
    path: Path | None,
) -> str:
    if shape == "json":
        return json_text(list(_objects(found, good, rows))) + "\n"
    if shape == "csv":
        table = csv_table_of(found) if rows is None else values_table(good, rows, exact=True)
        return render([table], "csv") + "\n"
    tables = formula_tables(found) if rows is None else [values_table(good, rows, exact=False)]
    color = path is None and wants_color()
    return render(tables, shape, width=page_width(), color=color) + "\n"


def _objects(
    found: Sequence[Formula], good: Sequence[Formula], rows: list[Row] | None
) -> Iterator[dict[str, object]]:
    for each in found:
        shown = formula_object(each)
        if rows is not None and each in good:
            place = list(good).index(each)
            shown["at"] = [{**sizes, "macs": counts[place]} for sizes, counts in rows]
        yield shown


def _draw(good: Sequence[Formula], rows: list[Row], plot: Path) -> None:
    """One line per model, over the size that varies most."""
    from vtbench.plot import lines

    varied = max(rows[0][0], key=lambda name: (len({sizes[name] for sizes, _ in rows}), name == "H"))
    others = [name for name in rows[0][0] if name != varied and len({s[name] for s, _ in rows}) > 1]
    series: dict[str, list[tuple[float, float]]] = {}
    for sizes, counts in rows:
        fixed = "".join(f", {name}={sizes[name]}" for name in others if sizes[name] != sizes[varied])
        for each, count in zip(good, counts, strict=True):
            if count is not None:
                series.setdefault(f"{each.model}{fixed}", []).append((sizes[varied], count / 1e9))
    lines(series, varied, "GMACs", plot)
    say(f"wrote {plot}")
