"""The median of samples that may resemble their neighbours, with an honest interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from vtbench.stats.interval import Interval
from vtbench.stats.samples import checked
from vtbench.stats.series import standard_error
from vtbench.stats.student import t_quantile

FEWEST = 6
"""Samples below which no range of them holds the median with 95 % confidence: 2^(1-5) > 5 %."""


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
    above = [(value > middle) + (value == middle) / 2 for value in values]
    error, dof = standard_error(above)
    out = t_quantile(level, dof) * error * n
    low = math.floor(n / 2 - out)
    return Interval(middle, ordered[max(low, 0)], ordered[min(n - 1 - low, n - 1)])
