"""The median of samples that may resemble their neighbours, with an honest interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from vtbench.stats.interval import Interval, t_quantile
from vtbench.stats.samples import checked
from vtbench.stats.series import resemblance, told

FEWEST = 6
"""Samples below which no range of them holds the median with 95 % confidence: 2^(1-5) > 5 %."""


NOTHING = 1e-4
"""A resemblance that is no longer added up."""


def median_interval(samples: Sequence[float], level: float = 0.95) -> Interval:
    """The median and its interval, in the samples' unit and order of measuring.

    Distribution-free: the ends are samples, found by rank. Whether a sample lies above the median
    is a series of zeros and ones; the standard error of its mean says how many ranks to go out.
    Fewer than six samples: from the least to the greatest, which is less than 95 %.
    """
    values = checked(samples)
    ordered = sorted(values)
    middle = median(ordered)
    n = len(values)
    if n < FEWEST:
        return Interval(middle, ordered[0], ordered[-1])
    error, dof = _error_of_share(values, middle)
    low = max(math.floor(n / 2 - t_quantile(level, dof) * error * n), 0)
    return Interval(middle, ordered[low], ordered[n - 1 - low])


def _error_of_share(values: Sequence[float], middle: float) -> tuple[float, float]:
    """The standard error of the share of samples above the middle, and its degrees of freedom.

    Zeros and ones hide most of how samples resemble each other, so that is taken from their ranks.
    Where normal noise resembles its neighbour by r, k samples apart the zeros and ones do so by
    2/π·asin(r^k): f = 1 + 2·Σ (1 - k/n)·2/π·asin(r^k).
    """
    n = len(values)
    r = resemblance(_ranks(values))
    f, far, k = 1.0, r, 1
    while far > NOTHING and k < n:
        f += 4 / math.pi * (1 - k / n) * math.asin(far)
        far, k = far * r, k + 1
    above = [(value > middle) - (value < middle) for value in values]
    balance = sum(above) / n
    return told([(each - balance) / 2 for each in above], r, f)


def _ranks(values: Sequence[float]) -> list[float]:
    """The place of each sample among all, from -0.5 to 0.5; equal samples share their places."""
    n = len(values)
    first: dict[float, int] = {}
    last: dict[float, int] = {}
    for place, value in enumerate(sorted(values)):
        first.setdefault(value, place)
        last[value] = place
    return [(first[value] + last[value]) / 2 / (n - 1) - 0.5 for value in values]
