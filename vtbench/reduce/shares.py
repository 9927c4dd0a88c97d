"""How many tokens go at each block of a method that keeps a share of those that come in."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from vtbench.errors import BadOption
from vtbench.reduce.host import Host
from vtbench.reduce.per_block import PerBlock, per_block

Shares = float | Sequence[float]
Going = Callable[[int], int]
"""How many go of so many tokens."""
RATIO = 0.9
"""What is kept by default."""
_LEAST = 0.5


def going_per_block(host: Host, ratio: Shares, r: PerBlock | None) -> list[Going]:
    """What goes at each block: n - n·ratio of n tokens, rounded down, or r if that is given."""
    if r is None:
        return [partial(_share, each) for each in _shares(ratio, host)]
    if ratio != RATIO:
        raise BadOption(f"ratio={ratio!r} and r={r!r} say the same in two ways; give one of them.")
    return [partial(_number, each) for each in per_block("r", r, host)]


def _share(ratio: float, tokens: int) -> int:
    return math.floor(tokens - tokens * ratio)


def _number(r: int, tokens: int) -> int:
    return min(r, tokens)


def _shares(ratio: Shares, host: Host) -> list[float]:
    several = [ratio] * host.depth if isinstance(ratio, int | float) else list(ratio)
    if len(several) != host.depth:
        raise BadOption(
            f"ratio={several} has {len(several)} shares, and the network {host.depth} blocks."
        )
    for each in several:
        number = isinstance(each, int | float) and not isinstance(each, bool)
        if not number or not _LEAST <= each <= 1:
            raise BadOption(
                f"ratio={each!r}: it is the share of the tokens that a block keeps, from "
                f"{_LEAST:g} to 1, as at most half of them can go at once."
            )
    return several
