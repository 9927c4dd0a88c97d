"""``vtbench baseline write``: what models cost now, for `vtbench check --against` to hold."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from vtbench.claims.baseline import lines_of_baseline
from vtbench.cli.axes import one_of_each
from vtbench.cli.commands import HELP_NAMES
from vtbench.cli.counting import INTERRUPTED, count
from vtbench.cli.options import (
    Backward,
    BatchSize,
    Conditions,
    Inputs,
    Jobs,
    ModelList,
    MoreModels,
    Options,
    Resolution,
    Traceback,
    Train,
    asked_models,
    parse_inputs,
    parse_jobs,
    parse_resolution,
    workloads,
)
from vtbench.cli.output import check_writable, say, write_document
from vtbench.cli.values import parse_one_batch
from vtbench.report import failure

baseline = typer.Typer(
    help="Write down what models cost, for `vtbench check --against FILE`.",
    no_args_is_help=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings=HELP_NAMES,
)


@baseline.callback()
def _group() -> None:
    """Write down what models cost, for `vtbench check --against FILE`."""


@baseline.command(short_help="Count models and write their baseline.")
def write(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The baseline, JSON Lines.")],
    models: MoreModels = None,
    model_list: ModelList = None,
    option: Options = None,
    resolution: Resolution = None,
    batch_size: BatchSize = None,
    inputs: Inputs = None,
    backward: Backward = False,
    train: Train = False,
    jobs: Jobs = None,
    traceback: Traceback = False,
) -> None:
    """Count models and write their baseline: MACs, parameters, operators, memory, by module.

    \b
    vtbench baseline write baseline.jsonl --models resnet50,my_package.nets:make_net
    vtbench check --against baseline.jsonl

    Keep the file with your code, and write it again when a change is meant: a diff of it shows
    which modules moved. Where a model fails nothing is written, and the exit status is 2.
    """
    check_writable(file)
    conditions = Conditions(
        options=one_of_each(option),
        resolution=parse_resolution(resolution),
        batch_size=parse_one_batch(batch_size) or 1,
        inputs=parse_inputs(inputs),
        train=train,
        backward=backward,
    )
    asked = workloads(asked_models(None, models, model_list), conditions)
    records, finished = count(asked, {}, parse_jobs(jobs), traceback=traceback)
    if not finished:
        raise typer.Exit(INTERRUPTED)
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(failure(record))
    if failed:
        say("no baseline was written.")
        raise typer.Exit(2)
    for record in records:
        if not record.complete:
            say(f"{record.workload.model} has unknown operators: only its counted part is guarded.")
    found = {workload: record for (workload, _), record in zip(asked, records, strict=True)}
    write_document(lines_of_baseline(found, version("torch")), file)
