"""``vtbench formula``: names in, closed forms out."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from vtbench.cli.deriving import derive_all, derive_one, key_with
from vtbench.cli.figures import Drawing, Figure
from vtbench.cli.groups import command
from vtbench.cli.options import At, Building, From, Jobs, Models, Output, Save, Session
from vtbench.cli.output import say, tell
from vtbench.cli.workloads import asked, grid_of
from vtbench.cli.written import Written
from vtbench.data.closed_form import Formula, written
from vtbench.data.files import ResultFile, read_results
from vtbench.data.symbol_values import LETTERS, parse_at, parse_symbols, points_of
from vtbench.errors import BadOption
from vtbench.report.formula import Row, evaluated, formula_document
from vtbench.report.formula_chart import formula_chart, lines_each
from vtbench.report.plot import refuse_many

TIME_LIMIT = 30.0


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants to see of the forms."""

    points: list[dict[str, int | float]] | None
    """Sizes to evaluate them at."""
    written: Written
    plot: Figure | None


@command
def formula(
    *,
    models: Models,
    building: Building,
    symbol: Annotated[
        list[str] | None,
        typer.Option(
            "--symbol",
            metavar="NAME=EXAMPLE[:MULTIPLE][:LOW..HIGH]",
            help="Make an option of the model a symbol: C=384 gives an example of its value, "
            "C=384:6 says that it is a multiple of 6, k=98:1..196 gives the range for which the "
            "formula is wanted, and keep=0.5 is a rate. Repeatable.",
        ),
    ] = None,
    at: At = None,
    drawing: Drawing,
    session: Session,
    save: Save,
    kept: From,
    jobs: Jobs,
    output: Output,
) -> int:
    """Derive the exact MACs of models as a formula in batch, height and width.

    \b
    vtbench formula resnet50
    vtbench formula deit_s swin_t resnet50
    vtbench formula deit_s swin_t --at H=192:512:32
    vtbench formula transformers:BertModel --at B=1,T=64:512:64
    vtbench formula my_package.blocks:attention --symbol C=384:6 --symbol N=196
    vtbench formula my_package.models:pruned --symbol k=98:1..196
    vtbench formula --models 'timm:*' --save forms.jsonl --output forms.csv

    vtbench runs the model once on symbolic sizes. It then compares the formula with counts at
    other sizes, and never shows a formula that differs from one of them. With --save, a run that
    was interrupted goes on where it stopped.

    Exit status: 0 if all is done; 1 if a model has no formula; 2 if no model has one.
    """
    place = output.written("formula", "formula")
    _refuse_idle_options(building)
    symbols = parse_symbols(symbol)
    letters = tuple(each.name for each in symbols) or LETTERS
    plot = drawing.figure()
    rates = [each.name for each in symbols if each.rate]
    question = Question(
        points=None if at is None else points_of(parse_at(at, rates=bool(rates)), letters, rates),
        written=place,
        plot=plot,
    )
    if plot is not None and at is None:
        raise BadOption("--plot needs the sizes of --at; give --at too.")
    task = functools.partial(derive_one, time_limit=session.seconds(TIME_LIMIT), symbols=symbols)
    number = jobs.number or 1
    known = read_results(kept.from_ or (), ("forms",)).forms
    wanted = asked(models, grid_of(building))
    if plot is not None and question.points:
        refuse_many(len(wanted.todo()) * lines_each(question.points))
    with ResultFile(save.save, ("forms",)) as file:
        tell(file.said)
        found = derive_all(
            wanted.todo(),
            task,
            number,
            key_with(symbols),
            (known, file),
            traceback=output.traceback,
        )
    return answer(found, question)


def _refuse_idle_options(building: Building) -> None:
    """A form holds for every batch, and is that of the forward pass."""
    if "batch_size" in building.typed:
        raise BadOption(
            "--batch-size: the batch is the symbol B of a formula; give --at B=8 instead."
        )
    if building.typed.get("backward"):
        raise BadOption("--backward: a formula covers the forward pass only; leave --backward out.")


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
    question.written.write(formula_document(found, rows, question.written.rendering))
    if question.plot is not None and rows:
        question.plot.draw(formula_chart(good, rows))
    return 1 if len(good) < len(found) else 0


def _within(good: Sequence[Formula], rows: list[Row]) -> bool:
    """Whether any form holds at any of the sizes; if one does not, a sentence says so."""
    for place, each in enumerate(good):
        left_out = [sizes for sizes, counts in rows if counts[place] is None]
        if left_out:
            more = f" and {len(left_out) - 1} more" if len(left_out) > 1 else ""
            say(
                f"{each.model} has no value at {written(left_out[0])}{more}; its formula holds "
                f"for {'; '.join(each.conditions)}."
            )
    return any(count is not None for _, counts in rows for count in counts)
