"""The commands of ``vtbench``; each lives in a file of its own name."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli.audit import audit
from vtbench.cli.baseline import baseline
from vtbench.cli.check import check
from vtbench.cli.conformance import conformance
from vtbench.cli.cost import cost
from vtbench.cli.explain import explain
from vtbench.cli.formula import formula
from vtbench.cli.init_suite import init_suite
from vtbench.cli.macs import macs
from vtbench.cli.models import models
from vtbench.cli.report import report
from vtbench.cli.suites import suites
from vtbench.version import VERSION

app = typer.Typer(
    name="vtbench",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help needs no rich, and starts at once
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"vtbench {VERSION}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def vtbench(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  # its callback answers
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Count the multiply-accumulates (MACs) of vision models exactly.

    \b
    vtbench macs swin_t                 one model, with what stands behind the number
    vtbench macs resnet50 deit_s        several, in one table
    vtbench formula deit_s              the count as a formula in height and width
    vtbench check vt_v3                 which printed figures of a paper hold
    vtbench conformance                 which counter is right on what
    vtbench models                      the short names

    Any timm, torchvision or transformers model can be named, and any function of yours that
    returns a module. Nothing is downloaded; no GPU is needed.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(short_help="Count the MACs of models.")(macs)
app.command(short_help="Derive the MACs of models as a formula.")(formula)
app.command(short_help="Hold printed figures against the models.")(check)
app.add_typer(baseline, name="baseline")
app.command(short_help="Say everything about one claim.")(explain)
app.command(short_help="List the suites of claims that ship.")(suites)
app.command(short_help="Write a suite to begin with.")(init_suite)
app.command(short_help="Find the figures of a printed table that contradict each other.")(audit)
app.command(short_help="Show the papers' cost formulas, term by term.")(cost)
app.command(short_help="Derive tables from kept records.")(report)
app.command(short_help="List models by their short names.")(models)
app.command(short_help="Try every counter on micro-cases whose truth is known.")(conformance)
