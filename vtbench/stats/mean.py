"""The mean of samples with its interval, and quantiles of exactly these samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from vtbench.stats.interval import t_quantile

LEVEL = 0.95


def exact_mean(values: Sequence[int]) -> Fraction:
    """The sum over the number."""
    return Fraction(sum(values), len(values))


def mean_half_width(values: Sequence[int]) -> float | None:
    """Half the 95 % interval of the mean by Student's t; None of a single value.

    s / sqrt(n) times t at n - 1 degrees of freedom, where s² is the sum of squares about the mean
    over n - 1.
    """
    number = len(values)
    if number < 2:  # noqa: PLR2004  # one value has no spread
        return None
    mean = exact_mean(values)
    squares = sum(((value - mean) ** 2 for value in values), start=Fraction(0))
    return t_quantile(LEVEL, number - 1) * math.sqrt(squares / (number - 1) / number)


def quantile(values: Sequence[int], share: Fraction) -> Fraction:
    """The value below which a share of these samples lies, linear between neighbours.

    It describes the samples and says nothing of others, so it takes one of them and no more.
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
