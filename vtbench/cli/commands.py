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

COMMANDS = {
    "macs": "Count the MACs of models.",
    "throughput": "Measure images per second, and which model is faster.",
    "latency": "Measure how long single steps take.",
    "memory": "Measure the memory of a step, beside the predicted one.",
    "sweep": "Count and measure over sizes, batches, options.",
    "formula": "Derive the MACs of models as a formula.",
    "check": "Hold printed figures against the models.",
    "baseline": "Write down what models cost, for `vtbench check --against`.",
    "explain": "Say everything about one claim.",
    "suites": "List the suites of claims that ship.",
    "init-suite": "Write a suite to begin with.",
    "audit": "Find the figures of a printed table that contradict each other.",
    "cost": "Show the papers' cost formulas, term by term.",
    "compare": "Hold measurements against earlier ones.",
    "report": "Derive tables from kept records.",
    "models": "List models by their short names.",
    "env": "Show this machine, and what stands in the way of measuring.",
    "conformance": "Try every counter on micro-cases whose truth is known.",
}
"""Name -> what `vtbench --help` says of it, in that order."""

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class _Commands(UserDict[str, Any]):
    """Name -> command; one that is looked up is imported."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _imported(name)
        return self.data[name]


def _imported(name: str) -> Any:
    place = name.replace("-", "_")
    found = getattr(importlib.import_module(f"vtbench.cli.{place}"), place)
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
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
