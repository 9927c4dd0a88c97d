"""Imports large libraries without looking through them for garbage again and again."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def imported_uncollected(module: str) -> Iterator[None]:
    """Pause the garbage collector for a module's first import, and keep it from what came in.

    Modules live as long as the process does. The collector would walk all of them time and again,
    which is an eighth of the processor time of a short command.
    """
    if module in sys.modules or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
