"""The ratio of two arms' times, measured in turns or apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from vtbench.errors import BadInput
from vtbench.stats.interval import Interval
from vtbench.stats.samples import checked
from vtbench.stats.series import standard_error
from vtbench.stats.student import t_quantile


def ratio_interval(
    a: Sequence[Sequence[float]] | Sequence[float],
    b: Sequence[Sequence[float]] | Sequence[float],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The time of b over that of a, for arms measured in turns; 1.03: b takes 3 % longer.

    Blocks of equal index form a pair, so what both arms share at that moment cancels.
    """
    del seed
    first, second = _blocks(a, "blocks of the first arm"), _blocks(b, "blocks of the second arm")
    if len(first) != len(second):
        raise BadInput(
            f"{len(first)} and {len(second)} blocks are no pairs; measure the arms in turns."
        )
    steps = [math.log(y / x) for x, y in zip(first, second, strict=True)]
    return _of_logs(steps, level)


def ratio_of_interleaved(
    times_a: Sequence[float], times_b: Sequence[float], *, level: float = 0.95
) -> Interval:
    """As ``ratio_interval`` for samples taken alternately; an odd one at the end is left out."""
    if abs(len(times_a) - len(times_b)) > 1:
        raise BadInput(
            f"{len(times_a)} and {len(times_b)} samples were not taken alternately; "
            "compare them unpaired."
        )
    n = min(len(times_a), len(times_b))
    return ratio_interval(times_a[:n], times_b[:n], level=level)


def _blocks(arm: Sequence[Sequence[float]] | Sequence[float], what: str) -> list[float]:
    """One number a block: its median."""
    return checked(
        [
            float(block) if isinstance(block, int | float) else median(checked(block, what))
            for block in arm
        ],
        what,
    )


def _of_logs(steps: list[float], level: float) -> Interval:
    """From differences of logarithms to a ratio."""
    middle = median(steps)
    if len(steps) < 6:  # noqa: PLR2004  # as for a median
        return Interval(math.exp(middle), math.exp(min(steps)), math.exp(max(steps)))
    error, dof = standard_error(steps)
    half = t_quantile(level, dof) * error
    return Interval(math.exp(middle), math.exp(middle - half), math.exp(middle + half))
