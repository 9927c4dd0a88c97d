"""The one place where consoles of rich are made."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def console(file: IO[str] | None, **settings: Any) -> Console:
    """A console that writes to its file and nowhere else.

    In a notebook rich would show what is printed as outputs of the cell, and leave the file empty.
    """
    from rich.console import Console  # not for who only reads tables as data

    return Console(file=file, force_jupyter=False, **settings)
