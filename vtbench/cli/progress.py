"""How far the work is, or what takes so long, on standard error, once there is a reason to ask."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

from vtbench.cli.output import say
from vtbench.data.visible import visible
from vtbench.report.console import console
from vtbench.report.units import spoken

PATIENCE = 2.0
"""Seconds before a terminal shows a bar."""
INTERVAL = 10.0
"""Seconds between two lines if standard error is not a terminal."""

Advance = Callable[[str], None]
Left = Callable[[], float]
"""How many seconds what is left is going to take."""


@contextlib.contextmanager
def progress(total: int, doing: str = "counting", left: Left | None = None) -> Iterator[Advance]:
    """A function to call with the name of each model that is done."""
    watch = _bar if sys.stderr.isatty() else _lines
    with watch(total, doing, left) as advance:
        yield advance


@contextlib.contextmanager
def _bar(total: int, doing: str, left: Left | None) -> Iterator[Advance]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console(sys.__stderr__),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = bar.add_task(doing, total=total)
    timer = threading.Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda name: bar.update(task, advance=1, description=visible(name) + _said(left))
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


@contextlib.contextmanager
def _lines(total: int, doing: str, left: Left | None) -> Iterator[Advance]:
    done: list[str] = []
    ended = threading.Event()
    began = time.monotonic()

    def watch() -> None:
        while not ended.wait(INTERVAL):
            spent = time.monotonic() - began
            say(f"{doing}: {len(done)} of {total} done after {spent:.0f} s{_said(left)}")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield done.append
    finally:
        ended.set()
        thread.join()


def _said(left: Left | None) -> str:
    """How much longer it takes, if that can be told."""
    return "" if left is None else f", {spoken(left())} left"


@contextlib.contextmanager
def waiting(doing: str, expected: float) -> Iterator[None]:
    """Say what takes so long, and how many seconds it is expected to take at most.

    It is no promise: a busy machine may take longer, and then that is said.
    """
    ended = threading.Event()
    watch = _spin if sys.stderr.isatty() else _repeat
    thread = threading.Thread(target=watch, args=(doing, expected, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _repeat(doing: str, expected: float, ended: threading.Event) -> None:
    """A line now and then, for a log."""
    began = time.monotonic()
    while not ended.wait(INTERVAL):
        say(f"{doing}: {so_far(time.monotonic() - began, expected)}")


def so_far(spent: float, expected: float) -> str:
    """How long it has taken, beside what was expected of a machine that is quiet."""
    if spent <= expected:
        return f"{spoken(spent)} so far, expected to take up to {spoken(expected)}"
    return f"{spoken(spent)} so far, longer than the {spoken(expected)} that were expected"


def _spin(doing: str, expected: float, ended: threading.Event) -> None:
    """A line that moves, for a terminal."""
    if ended.wait(PATIENCE):
        return
    with console(sys.__stderr__).status(
        f"{doing}; expected to take up to {spoken(expected)}"
    ) as line:
        if not ended.wait(max(0.0, expected - PATIENCE)):
            line.update(f"{doing}; longer than the {spoken(expected)} that were expected")
            ended.wait()
