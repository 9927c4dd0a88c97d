"""A time limit that holds whatever runs: the work is done in a forked process."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
from collections.abc import Callable
from typing import TypeVar

import torch

from vtbench.errors import Untraceable, VtbenchError

Result = TypeVar("Result")

_PIECE = 1 << 16


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """What ``work`` returns or raises; Untraceable when it takes longer.

    The result must pickle. Where processes cannot be forked, the work runs here without a limit.
    """
    if seconds <= 0:
        raise Untraceable("the time limit was used up.")
    if not hasattr(os, "fork"):
        return work()
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        _answer(work, writable)
    os.close(writable)
    try:
        answer = _read(readable, time.monotonic() + seconds)
    finally:
        os.close(readable)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if answer is None:
        raise Untraceable(f"it took longer than {seconds:.0f} s.")
    if not answer:
        raise Untraceable("the process that traced it died, as when memory runs out.")
    outcome = pickle.loads(answer)  # noqa: S301  # from our own child
    if isinstance(outcome, VtbenchError):
        raise outcome
    return outcome  # type: ignore[no-any-return]  # what the child's work returned


def _answer(work: Callable[[], object], writable: int) -> None:
    """In the child: do the work, send what came of it, and end without any clean-up."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        torch.set_num_threads(1)  # the threads of the parent's pool do not live here
        try:
            outcome: object = work()
        except VtbenchError as error:
            outcome = error
        except Exception as error:  # noqa: BLE001  # a foreign model may raise anything
            outcome = Untraceable(f"it raised {type(error).__name__}: {error}")
        data = pickle.dumps(outcome)
        while data:
            data = data[os.write(writable, data) :]
        status = 0
    finally:
        os._exit(status)


def _read(readable: int, deadline: float) -> bytes | None:
    """Everything that was sent before the deadline; None if it was not enough time."""
    pieces: list[bytes] = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([readable], [], [], left)[0]:
            return None
        piece = os.read(readable, _PIECE)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
