"""Options that say how many tokens go at each block: one number, a list, or a slope."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.errors import BadOption
from vtbench.reduce.host import Host

PerBlock = int | Sequence[float]
_SLOPE = 2


def per_block(option: str, value: PerBlock, host: Host) -> list[int]:
    """A number for each block.

    One number holds at every block; a list has one for each. Two numbers (r, inflection) are a
    slope of mean r: it rises for an inflection up to 1 and falls for one down to -1.
    """
    if type(value) is int:
        found = [value] * host.depth
    elif isinstance(value, Sequence) and len(value) == _SLOPE != host.depth:
        found = _sloped(option, value, host.depth)
    elif isinstance(value, Sequence) and len(value) == host.depth:
        found = list(value)  # type: ignore[arg-type]  # checked below
    elif isinstance(value, Sequence):
        raise BadOption(
            f"{option}={list(value)} has {len(value)} numbers, and the network {host.depth} blocks."
        )
    else:
        found = [value]
    if any(type(each) is not int or each < 0 for each in found):
        raise BadOption(f"{option}={value!r}: tokens that go are whole numbers from 0.")
    return found


def _sloped(option: str, value: Sequence[float], depth: int) -> list[int]:
    """From r·(1 - inflection), cut to a whole number, in even steps of mean r, each cut too."""
    mean, inflection = value
    if not -1 <= inflection <= 1:
        raise BadOption(f"{option}={list(value)}: the inflection is from -1 to 1.")
    first = int(mean * (1 - inflection))
    step = 2 * (mean - first) / (depth - 1)
    return [int(first + step * index) for index in range(depth)]
