"""``vtbench`` itself: its version, its help, and the commands below it."""

from __future__ import annotations

from typing import Annotated

import typer

from vtbench.cli.commands import HELP_NAMES, CommandGroup
from vtbench.cli.output import write_document
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
        write_document(f"vtbench {VERSION}\n", None)
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
    vtbench macs swin_t                 count a model, and say how it is counted
    vtbench macs resnet50 deit_s        count two models, in one table
    vtbench throughput resnet50 deit_s  say which is faster, and how sure that is
    vtbench latency deit_s              time single steps
    vtbench memory deit_s               measure the peak memory of a step
    vtbench sweep deit_s --resolution 192:320:64
                                        count a model at several sizes
    vtbench formula deit_s              derive its count for every image size
    vtbench check vt_v3                 check the published numbers of a paper
    vtbench conformance                 compare counters on known answers
    vtbench models                      list the short names

    You can name any timm, torchvision or transformers model, and any function of yours that
    returns a module. Nothing is downloaded, and no GPU is needed: vtbench measures the CPU unless
    you give --gpu.
    """
    if context.invoked_subcommand is None:
        write_document(context.get_help() + "\n", None)
