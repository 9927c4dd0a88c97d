"""``vtbench`` itself: its version, its help, and the commands below it."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli.commands import HELP_NAMES, CommandGroup
from vtbench.data.version import VERSION

app = typer.Typer(
    name="vtbench",
    cls=CommandGroup,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help needs no rich, and starts at once
    context_settings=HELP_NAMES,
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
    """Count the multiply-accumulates (MACs) of vision models exactly, and measure their speed.

    \b
    vtbench macs swin_t                 one model, with what stands behind the number
    vtbench macs resnet50 deit_s        several, in one table
    vtbench throughput resnet50 deit_s  which is faster here, and how sure that is
    vtbench latency deit_s              how long single steps take, with percentiles
    vtbench memory deit_s               the most that a step holds
    vtbench sweep deit_s --resolution 192:320:64
                                        counts or times over sizes, resumably
    vtbench formula deit_s              the count as a formula in height and width
    vtbench check vt_v3                 which printed figures of a paper hold
    vtbench conformance                 which counter is right on what
    vtbench models                      the short names

    Any timm, torchvision or transformers model can be named, and any function of yours that
    returns a module. Nothing is downloaded; no GPU is needed. Without --gpu the CPU is measured.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
