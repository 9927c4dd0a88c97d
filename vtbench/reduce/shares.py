"""Options that say which share of the tokens a block keeps: one number, or a list."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.errors import BadOption
from vtbench.reduce.host import Host

Shares = float | Sequence[float]


def kept_per_block(option: str, value: Shares, host: Host, least: float) -> list[float]:
    """A share for each block, from the least that the rule allows to 1."""
    several = [value] * host.depth if isinstance(value, int | float) else list(value)
    if len(several) != host.depth:
        raise BadOption(
            f"{option}={several} has {len(several)} shares, and the network {host.depth} blocks."
        )
    for each in several:
        number = isinstance(each, int | float) and not isinstance(each, bool)
        if not number or not least <= each <= 1:
            raise BadOption(
                f"{option}={each!r}: it is the share of the tokens that a block keeps, from "
                f"{least:g} to 1, as at most half of them can go at once."
            )
    return [float(each) for each in several]
