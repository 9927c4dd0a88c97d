"""Places that can be changed, each kind with its own way to be read and to be written."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

MISSING = object()
"""What a place reads if there is nothing under a name."""


class Place(NamedTuple):
    """Something that can be changed, what it held, and how both are read and written."""

    holder: Any
    read: Callable[[Any], Any]
    write: Callable[[Any, Any], None]
    saved: Any
    own: bool
    """It belongs to the model or to its inputs, and not to the code that they run."""


def slot_of(slot: Any, value: Any) -> Any:
    """What a slot of an object holds."""
    try:
        return slot.__get__(value, type(value))
    except AttributeError:
        return MISSING


def refill(held: dict[Any, Any], saved: dict[Any, Any]) -> None:
    """Write the contents of a dict."""
    # by the methods of the builtin classes: a class made from one may refuse to be emptied
    kind: Any = OrderedDict if isinstance(held, OrderedDict) else dict
    kind.clear(held)
    for key, value in saved.items():
        kind.__setitem__(held, key, value)


def refill_names(held: Any, saved: dict[str, Any]) -> None:
    """Write what a wrapper holds under its names."""
    now = dict(held.items())
    for name, value in saved.items():
        if now.get(name) is not value:
            held[name] = value


def refill_set(held: set[Any], saved: set[Any]) -> None:
    """Write the contents of a set."""
    set.clear(held)
    set.update(held, saved)


def refill_deque(held: deque[Any], saved: list[Any]) -> None:
    """Write the contents of a deque."""
    held.clear()
    held.extend(saved)


def is_generator(value: Any) -> bool:
    """Whether something draws random numbers from a state of its own."""
    return isinstance(
        value,
        torch.Generator | random.Random | np.random.Generator | np.random.RandomState,
    )


def state_of(value: Any) -> Place:
    """The place where a generator of random numbers stands."""
    kind: tuple[Callable[[Any], Any], Callable[[Any, Any], None]]
    if isinstance(value, torch.Generator):
        kind = torch.Generator.get_state, _set_state
    elif isinstance(value, random.Random):
        kind = random.Random.getstate, random.Random.setstate
    elif isinstance(value, np.random.Generator):
        kind = (lambda held: held.bit_generator.state), _set_bits
    else:
        kind = np.random.RandomState.get_state, np.random.RandomState.set_state
    read, write = kind
    return Place(value, read, write, read(value), own=True)


def _set_state(generator: torch.Generator, saved: torch.Tensor) -> None:
    generator.set_state(saved)


def _set_bits(generator: np.random.Generator, saved: Any) -> None:
    generator.bit_generator.state = saved
