"""Running the other counters on one workload."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

from torch import nn

from vtbench.count.peers import hooks, patches, tools
from vtbench.count.peers.differences import compared
from vtbench.count.peers.names import Tool, chosen, is_installed, not_installed
from vtbench.count.peers.quiet import TookTooLong, contained
from vtbench.count.peers.tally import Subject, Tally, Unsuitable
from vtbench.data.record import PeerCount, Record

LARGE = 2_000_000_000
"""Bytes of weights, or of activations, from which on no real model is built for a counter."""
SENTENCE = 300
"""Characters of a foreign error message that are kept."""


class Ready(Protocol):
    """A model with its inputs, as the builders of models return it."""

    @property
    def module(self) -> nn.Module:
        """The model."""

    @property
    def args(self) -> tuple[Any, ...]:
        """Positional inputs."""

    @property
    def kwargs(self) -> dict[str, Any]:
        """Inputs by name."""


RUN: dict[str, Callable[[Subject], Tally]] = {
    "fvcore": tools.run_fvcore,
    "thop": hooks.run_thop,
    "torch": tools.run_torch,
    "ptflops": patches.run_ptflops,
    "calflops": patches.run_calflops,
    "torchinfo": hooks.run_torchinfo,
    "torchprofile": tools.run_torchprofile,
}
ON_META = frozenset(("thop", "torch", "torchinfo", "ptflops", "calflops"))
"""Counters that run on shapes alone; only where a model is too large are they asked to."""

Build = Callable[[bool], Ready]
"""Builds the model: with values on the CPU where true, without on the meta device."""


def compare(build: Build, record: Record, names: Iterable[str]) -> dict[str, PeerCount]:
    """What each counter says, and what explains its difference from the record.

    Each runs on a copy of its own; one that raises or takes too long is an entry with an error.
    Raises MissingPackage for one that was asked for by name and is not installed.
    """
    picked = chosen(names)
    large = _too_large(record)
    original = None if large else build(True)
    results = {}
    for tool in picked:
        if not is_installed(tool):
            results[tool.name] = PeerCount(error=_capital(not_installed(tool)))
        elif large and tool.name not in ON_META:
            results[tool.name] = PeerCount(error=large)
        else:
            fresh = partial(_copy_of, original, build) if original else partial(build, False)
            said = tally_of(tool, fresh, backward=record.workload.backward)
            results[tool.name] = (
                PeerCount(error=said) if isinstance(said, str) else compared(said, record)
            )
    return results


def _too_large(record: Record) -> str | None:
    memory = record.memory
    if memory is None or max(memory.weights, memory.activations_peak) < LARGE:
        return None
    return f"The model is too large to run with values ({LARGE // 10**9} GB or more)."


def _copy_of(original: Ready, build: Build) -> Ready:
    """A copy with values of its own; built again where it cannot be copied."""
    try:
        return copy.deepcopy(original)
    except (RuntimeError, TypeError, NotImplementedError, ValueError):
        again = build(True)
        if again.module is original.module:
            raise Unsuitable("The module cannot be copied for it.") from None
        return again


def tally_of(tool: Tool, make: Callable[[], Ready], *, backward: bool = False) -> Tally | str:
    """What one counter says of a model of its own, or the sentence why it says nothing."""
    try:
        made = make()
        subject = Subject(made.module, made.args, made.kwargs, backward)
        with contained():
            return RUN[tool.name](subject)
    except (Unsuitable, TookTooLong) as error:
        return _capital(str(error))
    except Exception as error:  # noqa: BLE001 - a foreign counter may raise anything
        return _sentence(error)


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    first = lines[0][:SENTENCE] if lines else "no message"
    return f"It raised {type(error).__name__}: {first}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
