"""A measured number with the range that its samples leave open, and Student's t that gives one."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """An estimate and the two ends of its interval, which is a 95 % one unless said otherwise."""

    value: float
    """The estimate itself; it lies between the two ends."""
    low: float
    """The lower end."""
    high: float
    """The upper end."""


def half_width(interval: Interval) -> float:
    """Half the width of an interval, as a share of its value: 0.01 is ±1 %."""
    return (interval.high - interval.low) / 2 / interval.value


NORMAL_FROM = 1000.0
"""Degrees of freedom from which the expansion around the normal quantile is used."""
STEPS = 64
"""Intervals of Simpson's rule: quantiles are right to 1e-5 up to a level of 99.9 %."""


@functools.lru_cache(maxsize=1024)
def t_quantile(level: float, dof: float) -> float:
    """The t such that a share ``level`` of Student's distribution lies between -t and t.

    With t = sqrt(dof) tan(u), the density of u is c·cos(u)^(dof-1): no tail is left to cut.
    Newton's method on the angle, kept inside its bracket by bisection.
    """
    if dof >= NORMAL_FROM:
        z = NormalDist().inv_cdf((1 + level) / 2)
        return z + (z**3 + z) / (4 * dof) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * dof**2)
    log_c = math.lgamma((dof + 1) / 2) - math.lgamma(dof / 2) - math.log(math.pi) / 2
    scale = math.exp(log_c)
    low, high = 0.0, math.pi / 2
    angle = math.atan(NormalDist().inv_cdf((1 + level) / 2) / math.sqrt(dof))
    for _ in range(100):
        excess = 2 * scale * _area(angle, dof) - level
        low, high = (low, angle) if excess > 0 else (angle, high)
        density = 2 * scale * math.cos(angle) ** (dof - 1)
        following = angle - excess / density
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - angle) < 1e-14:  # noqa: PLR2004  # a few units in the last place
            break
        angle = following
    return math.sqrt(dof) * math.tan(angle)


def _area(angle: float, dof: float) -> float:
    """The integral of cos(u)^(dof-1) from 0 to an angle, by Simpson's rule."""
    step = angle / STEPS
    inner = sum((4 if k % 2 else 2) * math.cos(k * step) ** (dof - 1) for k in range(1, STEPS))
    return float(1 + inner + math.cos(angle) ** (dof - 1)) * step / 3
