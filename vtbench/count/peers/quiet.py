"""A foreign counter at arm's length: silent, in limited time, and with nothing left behind."""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import Any

import torch
from torch import nn

TIME_LIMIT = 300.0
"""Seconds after which a counter is given up."""


class TookTooLong(Exception):
    """A counter did not end in time."""


@contextlib.contextmanager
def contained(seconds: float = TIME_LIMIT) -> Iterator[None]:
    """Run a counter: what it prints, warns and logs is dropped, what it replaces is put back."""
    before = logging.root.manager.disable
    said = io.StringIO()
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
            torch.random.fork_rng(devices=[]),
            _replacements_undone(),
            _time_limit(seconds),
        ):
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _replacements_undone() -> Iterator[None]:
    """Counters that patch torch do not put everything back when a model raises."""
    places: tuple[Any, ...] = (torch, nn.functional, torch.Tensor)
    saved = [(place, dict(vars(place))) for place in places]
    try:
        yield
    finally:
        for place, was in saved:
            for name, value in was.items():
                if vars(place).get(name) is not value:
                    setattr(place, name, value)
        for name in set(vars(torch.Tensor)) - set(saved[-1][1]):
            delattr(torch.Tensor, name)  # the method that it hid is inherited


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Only the main thread can be interrupted; elsewhere a counter takes what it takes."""
    can = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not can:
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"It did not end within {seconds:.0f} s.")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
