"""The command line: parse, call one function, write the document, end with a status.

0: done. 1: some model failed, or ``--strict`` met an unknown operator. 2: nothing could be done.
130: interrupted. Standard output holds the document and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from collections.abc import Sequence

from vtbench.cli.output import notices_said, say, write_document
from vtbench.errors import VtbenchError

INTERRUPTED = 130
HELP = frozenset({"-h", "--help"})


def main(arguments: Sequence[str] | None = None) -> None:
    """The ``vtbench`` command."""
    try:
        status = _status(list(sys.argv[1:] if arguments is None else arguments))
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        say("The command was interrupted.")
    sys.exit(status)


def _status(arguments: list[str]) -> int:
    """Run a command; every error that a user can act on becomes one sentence."""
    import typer

    from vtbench.cli.app import app

    # typer carries its own copy of click in some versions and imports click in others.
    click_exception = typer.BadParameter.__mro__[2]
    try:
        if not HELP.intersection(arguments):
            with notices_said():
                status = app(args=arguments, prog_name="vtbench", standalone_mode=False)
            return int(status or 0)
        with contextlib.redirect_stdout(io.StringIO()) as help_:  # typer writes it by itself
            status = app(args=arguments, prog_name="vtbench", standalone_mode=False)
        write_document(help_.getvalue(), None)
        return int(status or 0)
    except VtbenchError as error:
        if "--traceback" in arguments:
            traceback.print_exc(file=sys.stderr)
        say(str(error))
        return 2
    except click_exception as error:  # type: ignore[misc]  # ClickException, wherever it lives
        said = error.format_message().strip().rstrip(".").replace("Value error, ", "")
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "vtbench"
        stop = "" if said.endswith("?") else "."
        say(f"{said}{stop} Run `{command} --help` for help.")
        return 2
    except typer.Abort:
        return INTERRUPTED
