"""The standard error of a mean of samples that resemble their neighbours."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist, variance

USUAL = 0.5
"""The resemblance of neighbours that is assumed until the samples say otherwise."""
WEIGHT = 15
"""How many samples that assumption is worth."""
STRONGEST = 0.97
"""The strongest resemblance that is believed."""
MOST_STRETCHES = 61
FEWEST_STRETCHES = 5
RISK = 0.05
"""How often stretches that vary as much as they should are taken to vary too much."""


def standard_error(values: Sequence[float]) -> tuple[float, float]:
    """The standard error of the mean of a series, and its degrees of freedom.

    Each sample is taken to resemble the one before it, r: an autoregression of order one. r is
    estimated, and drawn towards 0.5 with the weight of fifteen samples, because a short series
    estimates it badly and a resemblance that is missed makes an interval too narrow. Then

        n·var(mean) / var(sample) = f = 1 + 2·Σ (1 - k/n)·r^k,  k = 1 .. n-1

    Where the means of long stretches vary more than that allows, the stretches are believed.
    """
    n = len(values)
    middle = math.fsum(values) / n
    away = [value - middle for value in values]
    r = resemblance(away)
    f = 1 + 2 * (r / (1 - r) - r * (1 - r**n) / (n * (1 - r) ** 2))
    return told(away, r, f)


def told(away: Sequence[float], r: float, f: float) -> tuple[float, float]:
    """The standard error of the mean of a series given less its mean, for its r and f."""
    n = len(away)
    power = math.fsum(value * value for value in away)
    if power == 0:
        return 0.0, float(n - 1)
    squared = power / (n - f) * f / n  # power / (n - f): the samples' variance, without bias
    doubt = 2 / n + 4 * (1 + r) / (1 - r) * n / (n + WEIGHT) ** 2  # variance of log(squared)
    by_stretches, dof = _of_stretches(away)
    if by_stretches > squared * _chi_square(1 - RISK, dof) / dof:
        return math.sqrt(by_stretches), dof
    return math.sqrt(squared), max(2 / doubt, 2.0)


def resemblance(away: Sequence[float]) -> float:
    """The correlation of neighbours, less its bias of -(1+3r)/n, drawn towards the usual one."""
    n = len(away)
    power = math.fsum(value * value for value in away)
    neighbours = math.fsum(x * y for x, y in itertools.pairwise(away))
    unbiased = (n * neighbours / power + 1) / (n - 3) if power else 0.0
    return min(max((n * unbiased + WEIGHT * USUAL) / (n + WEIGHT), 0.0), STRONGEST)


def _of_stretches(away: Sequence[float]) -> tuple[float, float]:
    """Squared standard error by the means of equal stretches, and its degrees of freedom."""
    n = len(away)
    count = min(max(FEWEST_STRETCHES, int(0.4 * n ** (2 / 3)) + 1), MOST_STRETCHES, n)
    ends = [round(n * k / count) for k in range(count + 1)]
    means = [math.fsum(away[low:high]) / (high - low) for low, high in itertools.pairwise(ends)]
    return variance(means) / count, count - 1.0


def _chi_square(level: float, dof: float) -> float:
    """Quantile of chi-square, by the cube-root approximation."""
    ninth = 2 / (9 * dof)
    return dof * (1 - ninth + NormalDist().inv_cdf(level) * math.sqrt(ninth)) ** 3
