"""Percentiles, each only from as many samples as it takes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from statistics import median

from vtbench.errors import UsageError
from vtbench.stats.samples import checked

RISK = 0.01
"""How likely it may be that fewer than two samples lie beyond a percentile that is shown."""
MEDIAN = 50.0


def percentile(samples: Sequence[float], p: float) -> float | None:
    """The p-th percentile, linear between neighbours; None where the samples are too few.

    A high percentile rests on the few samples beyond it. It is shown once, with 99 % confidence,
    at least two of n samples lie beyond it: (1-q)^n + n·q·(1-q)^(n-1) <= 0.01 for the share q in
    the smaller tail. That takes 64 samples for p90 and 662 for p99, the floors of MLPerf's load
    generator. The median has no tail to miss, and an interval: it is shown from one sample.
    """
    values = sorted(checked(samples))
    if len(values) < fewest(p):
        return None
    if p == MEDIAN:
        return median(values)
    place = p / 100 * (len(values) - 1)
    below = int(place)
    share = place - below
    return values[below] * (1 - share) + values[min(below + 1, len(values) - 1)] * share


@functools.lru_cache(maxsize=64)
def fewest(p: float) -> int:
    """The fewest samples from which the p-th percentile is shown."""
    if not 0 < p < 100:  # noqa: PLR2004  # a percentage
        raise UsageError(f"{p} is no percentile; use a number between 0 and 100.")
    if p == MEDIAN:
        return 1
    q = min(p, 100 - p) / 100
    n = 2
    while (1 - q) ** n + n * q * (1 - q) ** (n - 1) > RISK:
        n += 1
    return n
