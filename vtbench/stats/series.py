"""Where most of a series lies, and the error of its mean where samples resemble each other."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist, median, variance

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


CUT = 6.0
"""Robust standard deviations from the middle at which a sample loses its last weight."""
NORMAL = 1.4826
"""Standard deviations in a median absolute deviation, for normal noise."""
NORMAL_MEAN = 1.2533
"""The same for a mean absolute deviation."""
STEEPEST = 0.1
"""The least mean slope that is divided by."""
ROUNDS = 100
CLOSE = 1e-12


def location(values: Sequence[float]) -> tuple[float, list[float]]:
    """The biweight middle of a series, and what each sample adds to the error of it.

    Weights (1-u²)² fall from 1 in the middle to 0 at six robust standard deviations, u = ±1; on
    normal noise that loses 2 % of the mean's precision, where the median loses 36 %. The second
    answer is the influence of each sample, scaled so that the middle less its true value is about
    the mean of the influences: their standard error is the middle's.
    """
    middle = median(values)
    scale = _scale(values, middle)
    if scale == 0:
        return middle, [0.0] * len(values)
    reach = CUT * scale
    for _ in range(ROUNDS):
        weights = [_weight((value - middle) / reach) for value in values]
        moved = math.fsum(w * (v - middle) for w, v in zip(weights, values, strict=True))
        step = moved / math.fsum(weights)
        middle += step
        if abs(step) < CLOSE * scale:
            break
    shares = [(value - middle) / reach for value in values]
    slope = math.fsum(_slope(u) for u in shares) / len(values)
    return middle, [reach * u * _weight(u) / max(slope, STEEPEST) for u in shares]


def _scale(values: Sequence[float], middle: float) -> float:
    """Robust standard deviation: of the middle half, or of all where more than half are equal."""
    away = [abs(value - middle) for value in values]
    usual = median(away)
    if usual > CLOSE * max(away):  # less is what rounding left of equal values
        return NORMAL * usual
    return NORMAL_MEAN * math.fsum(away) / len(away)


def _weight(u: float) -> float:
    return (1 - u * u) ** 2 if abs(u) < 1 else 0.0


def _slope(u: float) -> float:
    """The derivative of u·weight(u)."""
    return (1 - u * u) * (1 - 5 * u * u) if abs(u) < 1 else 0.0
