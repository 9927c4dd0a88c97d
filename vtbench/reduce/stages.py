"""Methods that cut at a few blocks: which, and how much is kept there."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from vtbench.errors import BadOption
from vtbench.reduce.host import Host
from vtbench.reduce.step import Step, Untouched

Rates = float | Sequence[float]
Blocks = Sequence[int] | None
Rounding = Literal["ceil_current", "int_original"]


class Quota(NamedTuple):
    """How many patch tokens a stage keeps, at least one."""

    rate: float
    rounding: Rounding

    def of(self, present: int, whole: int) -> int:
        """Of the tokens present rounded up, or of the whole image's patches cut to an integer."""
        if self.rounding == "ceil_current":
            return math.ceil(self.rate * present)
        return min(max(int(self.rate * whole), 1), present)


def stages(host: Host, blocks: Blocks) -> tuple[int, ...]:
    """The blocks at which a method cuts, counted from 0; a quarter, half and three quarters deep.

    That is 3, 6 and 9 of 12.
    """
    if blocks is None:
        return tuple(host.depth * part // 4 for part in (1, 2, 3))
    if isinstance(blocks, int):
        blocks = (blocks,)
    wrong = [each for each in blocks if type(each) is not int or not 0 <= each < host.depth]
    if wrong or len(set(blocks)) != len(blocks) or list(blocks) != sorted(blocks):
        raise BadOption(
            f"blocks={list(blocks)}: give whole numbers from 0 to {host.depth - 1} in rising "
            "order, each once."
        )
    return tuple(blocks)


def rates(keep_rate: Rates, count: int) -> tuple[float, ...]:
    """What is kept at each stage, as a share of the tokens that come in there.

    One rate holds at every stage; of several there must be one for each.
    """
    several = list(keep_rate) if isinstance(keep_rate, Sequence) else [keep_rate] * count
    if len(several) != count:
        raise BadOption(f"keep_rate={several} has {len(several)} rates for {count} stages.")
    for each in several:
        # a rate may also be a letter, of which a formula is derived
        if isinstance(each, bool | str | None) or not 0 < each <= 1:
            raise BadOption(f"keep_rate={each!r}: a rate is above 0 and at most 1.")
    return tuple(several)


def quotas(keep_rate: Rates, rounding: Rounding, count: int) -> list[Quota]:
    """What each stage keeps: a share of the tokens that come in there, or of the image's patches.

    In the latter case the share is the product of the rates up to there.
    """
    found: Sequence[float] = rates(keep_rate, count)
    if rounding == "int_original":
        several = itertools.accumulate(found, operator.mul)
        if isinstance(keep_rate, Sequence):
            found = list(several)
        else:  # powers round otherwise than products do, and the released code takes powers
            found = [keep_rate**k for k in range(1, count + 1)]
    return [Quota(each, rounding) for each in found]


def at_stages(
    host: Host, cuts: dict[int, Step], between: Callable[[], Step] = Untouched
) -> list[Step]:
    """A step for every block: a cut where there is one, and what stands between."""
    return [cuts.get(index) or between() for index in range(host.depth)]
