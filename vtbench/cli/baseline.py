"""``vtbench baseline write``: what models cost now, for `vtbench check --against` to hold."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from vtbench.claims.baseline import lines_of_baseline
from vtbench.cli.commands import HELP_NAMES
from vtbench.cli.counting import INTERRUPTED, Counter
from vtbench.cli.groups import command
from vtbench.cli.options import Building, Jobs, Models
from vtbench.cli.output import check_writable, say, write_document
from vtbench.cli.workloads import asked, grid_of
from vtbench.report import failure

baseline = typer.Typer(
    help="Save the costs of models, for `vtbench check --against FILE`.",
    no_args_is_help=False,
    rich_markup_mode=None,
    add_completion=False,
    context_settings=HELP_NAMES,
)


@baseline.callback()
def _group() -> None:
    """Save the costs of models, for `vtbench check --against FILE`."""


@baseline.command(short_help="Count models and write their baseline.")
@command
def write(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The baseline file to write, in JSON Lines.")
    ],
    models: Models,
    building: Building,
    jobs: Jobs,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show the Python traceback of every error.")
    ] = False,
) -> int:
    """Count models and write their baseline: MACs, parameters, operators, memory, by module.

    \b
    vtbench baseline write baseline.jsonl resnet50 my_package.nets:make_net
    vtbench check --against baseline.jsonl

    Keep the file with your code, and write it again when you mean to change a model: its diff
    shows which modules changed. If a model fails, nothing is written.

    Exit status: 0 if the baseline is written; 2 if it is not.
    """
    check_writable(file)
    number = jobs.number
    wanted = asked(models, grid_of(building))
    counter = Counter(jobs=number, traceback=traceback)
    records, finished = counter.count(wanted.todo())
    if not finished:
        return INTERRUPTED
    failed = [record for record in records if record.error is not None]
    for record in failed:
        say(failure(record))
    if failed:
        say("No baseline was written, because a model failed.")
        return 2
    for record in records:
        if not record.complete:
            say(
                f"{record.workload.model} has unknown operators; the baseline guards only the "
                "part that was counted."
            )
    found = dict(zip(wanted.workloads, records, strict=True))
    write_document(lines_of_baseline(found, version("torch")), file)
    return 0
