"""``vtbench formula``: names in, closed forms out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from vtbench.cli.axes import one_of_each
from vtbench.cli.deriving import derive_all, derive_one
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
    parse_resolution,
    workloads,
)
from vtbench.cli.output import (
    check_writable,
    document_path,
    page_width,
    say,
    shape_of,
    wants_color,
    write_document,
)
from vtbench.cli.ranges import LETTERS, parse_at, parse_symbols
from vtbench.data.closed_form import Formula, written
from vtbench.errors import BadOption
from vtbench.report import Format, Rendering
from vtbench.report.formula import (
    Row,
    evaluated,
    formula_document,
)

TIME_LIMIT = 30.0


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants to see of the forms."""

    points: list[dict[str, int]] | None
    """Sizes to evaluate them at."""
    format: Format
    output: Path | None
    plot: Path | None


def formula(
    models: Models = None,
    more_models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    resolution: Resolution = None,
    inputs: Inputs = None,
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol",
            metavar="NAME=EXAMPLE[:MULTIPLE]",
            help="Make an option of the model a symbol, such as C=384:6, a width of which only "
            "multiples of 6 are taken. Repeatable.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="H=192:512:32,W=224",
            help="Evaluate over ranges start:stop:step, stop included; B is 1 and W is H unless "
            "they are given.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the values of --at as PNG or SVG."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option(metavar="SECONDS", help="What the symbolic runs of one model may take.")
    ] = TIME_LIMIT,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume",
            metavar="FILE.jsonl",
            help="Keep every form in a file, a line each, and take from there what is there.",
        ),
    ] = None,
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
    vtbench formula my_package.blocks:attention --symbol C=384:6 --symbol N=196
    vtbench formula --models 'timm:*' --resume forms.jsonl --output forms.csv

    The model is run once on symbolic sizes; the form is then held against concrete counts at
    other sizes, and one that fails is never shown. With --resume a long run that was interrupted
    goes on where it stopped.

    Exit status: 0 done; 1 some model has no formula; 2 none has.
    """
    path = document_path(output)
    conditions = Conditions(
        options=one_of_each(option),
        resolution=parse_resolution(resolution),
        inputs=parse_inputs(inputs),
    )
    symbols = parse_symbols(symbol)
    letters = tuple(each.name for each in symbols) or LETTERS
    question = Question(
        points=None if at is None else parse_at(at, letters),
        format=shape_of(format_, path),
        output=path,
        plot=plot,
    )
    if plot is not None and at is None:
        raise BadOption("--plot draws the values of --at; say over which sizes.")
    if not time_limit > 0:
        raise BadOption(f"A time limit of {time_limit:g} s leaves no time.")
    processes = parse_jobs(jobs) or 1
    check_writable(path)
    check_writable(plot)
    check_writable(resume)
    asked = workloads(asked_models(models, more_models, model_list), conditions)
    task = functools.partial(derive_one, time_limit=time_limit, symbols=symbols)
    found = derive_all(asked, task, processes, resume, traceback=traceback)
    raise typer.Exit(answer(found, question))


def answer(found: Sequence[Formula], question: Question) -> int:
    """Write the document, say on standard error what went wrong, and give the exit status."""
    good = [each for each in found if each.error is None]
    for each in found:
        if each.error is not None:
            say(each.error if each.model in each.error else f"{each.model}: {each.error}")
    if not good:
        return 2
    rows = None if question.points is None else evaluated(good, question.points)
    if rows is not None and not _within(good, rows):
        return 2
    asked = Rendering(
        format=question.format,
        width=page_width(),
        color=question.output is None and wants_color(),
        command="vtbench formula",
    )
    write_document(formula_document(found, rows, asked), question.output)
    if question.plot is not None and rows:
        _draw(good, rows, question.plot)
    return 1 if len(good) < len(found) else 0


def _within(good: Sequence[Formula], rows: list[Row]) -> bool:
    """Whether any form holds at any of the sizes; where one does not, a sentence says so."""
    for place, each in enumerate(good):
        left_out = [sizes for sizes, counts in rows if counts[place] is None]
        if left_out:
            more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            say(
                f"{each.model} has no value at {written(left_out[0])}{more}: its formula holds "
                f"for {'; '.join(each.conditions)}."
            )
    return any(count is not None for _, counts in rows for count in counts)


def _draw(good: Sequence[Formula], rows: list[Row], plot: Path) -> None:
    """One line per model, and per value of what varies beside the size on the axis."""
    from vtbench.report.plot import lines

    first = rows[0][0]
    numbers = {name: len({sizes[name] for sizes, _ in rows}) for name in first}
    axis = max(first, key=lambda name: (numbers[name], name == "H"))
    square = all(sizes.get("W") == sizes.get("H") for sizes, _ in rows)
    others = [n for n in first if n != axis and numbers[n] > 1 and not (square and n == "W")]
    series: dict[str, list[tuple[float, float]]] = {}
    for sizes, counts in rows:
        fixed = "".join(f", {name}={sizes[name]}" for name in others)
        for each, count in zip(good, counts, strict=True):
            if count is not None:
                series.setdefault(f"{each.model}{fixed}", []).append((sizes[axis], count / 1e9))
    lines(series, "H = W" if square and axis == "H" else axis, "GMACs", plot)
    say(f"wrote {plot}")
