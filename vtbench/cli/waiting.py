"""What one long step is doing, on standard error, once it has taken long enough to ask."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator

from vtbench.cli.output import say
from vtbench.cli.progress import INTERVAL, PATIENCE
from vtbench.report.units import spoken


@contextlib.contextmanager
def waiting(doing: str, most: float) -> Iterator[None]:
    """Say what takes so long, and how long it can take at most, in seconds."""
    ended = threading.Event()
    watch = _spin if sys.stderr.isatty() else _repeat
    thread = threading.Thread(target=watch, args=(doing, most, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _repeat(doing: str, most: float, ended: threading.Event) -> None:
    """A line now and then, for a log."""
    began = time.monotonic()
    while not ended.wait(INTERVAL):
        say(f"{doing}: {spoken(time.monotonic() - began)} so far, at most about {spoken(most)}")


def _spin(doing: str, most: float, ended: threading.Event) -> None:
    """A line that moves, for a terminal."""
    if ended.wait(PATIENCE):
        return
    from rich.console import Console

    console = Console(file=sys.__stderr__)
    with console.status(f"{doing}; at most about {spoken(most)}"):
        ended.wait()
