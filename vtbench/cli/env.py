"""``vtbench env``: this machine, as the record of a measurement would describe it."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from vtbench.cli.options import Output, Traceback
from vtbench.cli.output import (
    check_writable,
    page_width,
    stdout_kept_clean,
    wants_color,
    write_document,
)
from vtbench.report import Rendering
from vtbench.report.environment import machine_document

EnvFormat = Literal["table", "json", "markdown"]
_SUFFIXES: dict[str, EnvFormat] = {".json": "json", ".md": "markdown"}


def env(
    format_: Annotated[
        EnvFormat | None,
        typer.Option(
            "--format", help="Shape of the page; a table, or what the name of --output ends in."
        ),
    ] = None,
    output: Output = None,
    traceback: Traceback = False,  # noqa: ARG001  # the entry point reads it
) -> None:
    """Show this machine as records describe it, and what stands in the way of measuring.

    \b
    vtbench env
    vtbench env --format json --output machine.json

    Devices with their memory, versions, settings that alter speed, and warnings: other load, a
    clock that cannot be watched, a container's quota. Host and user are not named.
    """
    shape = format_ or (_SUFFIXES.get(output.suffix.lower(), "table") if output else "table")
    check_writable(output)
    from vtbench.measure.machine.this_machine import machine

    with stdout_kept_clean():
        found = machine()
    asked = Rendering(
        format=shape,
        width=page_width(),
        color=output is None and wants_color(),
        command="vtbench env",
    )
    write_document(machine_document(found, asked), output)
