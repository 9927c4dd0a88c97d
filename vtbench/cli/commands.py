"""The commands by name: each lives in a file of that name, imported when it is asked for.

``vtbench init-suite`` is ``init_suite`` in ``vtbench/cli/init_suite.py``: a function, or a typer
application where the command has commands of its own.
"""

from __future__ import annotations

import importlib
from collections import UserDict
from typing import Any

import typer
from typer.core import TyperGroup

from vtbench.cli.imports import imported_uncollected

GROUPS = {
    "Count": {
        "macs": "Count the MACs of models.",
        "formula": "Derive the MACs of models as a formula of their input size.",
        "cost": "Evaluate the papers' cost models, term by term.",
        "conformance": "Compare FLOP counters on cases with known answers.",
    },
    "Measure": {
        "throughput": "Measure images per second, and say which model is faster.",
        "latency": "Measure how long single steps take.",
        "memory": "Measure the peak memory of a step.",
        "sweep": "Count or measure every combination of options.",
        "compare": "Compare two files of measurements.",
        "regress": "Compare the speed of two revisions of your code.",
        "report": "Make tables and figures from saved results.",
    },
    "Check": {
        "check": "Check a paper's published numbers.",
        "explain": "Explain the verdict on one claim.",
        "audit": "Find figures in a printed table that contradict each other.",
        "baseline": "Save the costs of models, for `vtbench check --against`.",
        "init-suite": "Write a new suite, from an example or from a printed table.",
    },
    "Look up": {
        "show": "Draw what a model keeps of an image.",
        "models": "List models by their short names.",
        "suites": "List the suites of claims that come with vtbench.",
        "env": "Describe this machine and what would distort timings.",
    },
}
"""Heading -> name -> what `vtbench --help` says of it, in that order."""
COMMANDS = {name: said for commands in GROUPS.values() for name, said in commands.items()}

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class _Commands(UserDict[str, Any]):
    """Name -> command; one that is looked up is imported."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = command_named(name)
        return self.data[name]


def command_named(name: str) -> Any:
    """The command of that name, imported."""
    place = name.replace("-", "_")
    module = f"vtbench.cli.{place}"
    with imported_uncollected(module):
        found = getattr(importlib.import_module(module), place)
    if not isinstance(found, typer.Typer):
        function = found
        found = typer.Typer(
            rich_markup_mode=None, add_completion=False, context_settings=HELP_NAMES
        )
        found.command(name=name)(function)
    command: Any = typer.main.get_command(found)
    command.name = name
    return command


class CommandGroup(TyperGroup):
    """``vtbench`` itself; its help imports none of the commands that it lists."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands(dict.fromkeys(COMMANDS))

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # typer's signature
        """The list of commands in the help; some versions of typer bring a click of their own."""
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(list(commands.items()))
