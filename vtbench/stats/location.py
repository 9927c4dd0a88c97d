"""Where most of a series lies, whatever a few of its samples do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

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
