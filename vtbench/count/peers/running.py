"""Running the other counters on one workload: each on its own copy, silent, in limited time.

Whatever a foreign counter prints, warns of or replaces in torch is gone when it has ended.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FrameType
from typing import Any

import torch
from torch import nn

from vtbench.count.peers.counters import Peer, chosen, is_installed, not_installed
from vtbench.count.peers.differences import compared
from vtbench.count.peers.tally import Crashed, ModelCall, NoTally, Tally, Unsuitable
from vtbench.data.record import PeerCount, Record

LARGE = 2_000_000_000
"""Bytes of weights, or of activations, from which on no real model is built for a counter."""
SENTENCE = 300
"""Characters of a foreign error message that are kept."""
TIME_LIMIT = 300.0
"""Seconds after which a counter is given up."""

Build = Callable[[bool], ModelCall]
"""Builds the model: with values on the CPU if true, without on the meta device."""


def peer_counts(build: Build, record: Record, names: Iterable[str]) -> dict[str, PeerCount]:
    """What each counter says of a workload, and what explains its difference from the record.

    Each runs on a copy of its own; one that raises or takes too long is an entry with an error.
    Raises MissingPackage for one that was asked for by name and is not installed.
    """
    picked = chosen(names)
    large = _too_large(record)
    original = None if large else build(True)
    results = {}
    for peer in picked:
        if not is_installed(peer):
            results[peer.name] = PeerCount(error=_capital(not_installed(peer)))
        elif large and not peer.on_meta:
            results[peer.name] = PeerCount(error=large)
        else:
            fresh = partial(_copy_of, original, build) if original else partial(build, False)
            said = tally_of(peer, fresh, backward=record.workload.backward)
            results[peer.name] = (
                compared(said, record) if isinstance(said, Tally) else PeerCount(error=said.reason)
            )
    return results


def _too_large(record: Record) -> str | None:
    memory = record.memory
    if memory is None or max(memory.weights, memory.activations_peak) < LARGE:
        return None
    return f"The model is too large to run with values ({LARGE // 10**9} GB or more)."


def _copy_of(original: ModelCall, build: Build) -> ModelCall:
    """A copy with values of its own; built again if it cannot be copied."""
    try:
        return copy.deepcopy(original)
    except (RuntimeError, TypeError, NotImplementedError, ValueError):
        again = build(True)
        if again.module is original.module:
            raise Unsuitable("The module cannot be copied for this counter.") from None
        return again


def tally_of(
    peer: Peer, make: Callable[[], ModelCall], *, backward: bool = False
) -> Tally | NoTally:
    """What one counter says of a model of its own, or why it says nothing."""
    if backward and not peer.backward:
        return NoTally("It counts forward passes only, and this workload has a backward pass.")
    try:
        call = make()._replace(backward=backward)
        with contained():
            return peer.run(call)
    except (Unsuitable, TookTooLong) as error:
        return NoTally(_capital(str(error)))
    except Crashed as error:
        return NoTally(str(error), crashed=True)
    except Exception as error:  # noqa: BLE001 - a foreign counter may raise anything
        return NoTally(_sentence(error), crashed=True)


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    first = lines[0][:SENTENCE] if lines else "no message"
    return f"It raised {type(error).__name__}: {first}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


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
