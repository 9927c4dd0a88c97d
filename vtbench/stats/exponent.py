"""How a cost grows: the slope of a straight line through logarithms."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vtbench.errors import BadInput
from vtbench.stats.interval import Interval
from vtbench.stats.samples import checked
from vtbench.stats.student import t_quantile

FEWEST = 3
"""Points below which a line leaves no residual to judge it by."""


def exponent(x: Sequence[float], y: Sequence[float], level: float = 0.95) -> Interval:
    """The k of y ≈ c·x^k, by least squares on logarithms, with Student's interval (n-2 degrees)."""
    if len(x) != len(y):
        raise BadInput(f"{len(x)} sizes and {len(y)} values are no pairs; give one value a size.")
    u = [math.log(value) for value in checked(x, "sizes")]
    v = [math.log(value) for value in checked(y, "values")]
    if len(set(u)) < FEWEST:
        raise BadInput(
            f"An exponent takes {FEWEST} different sizes at the least; there are {len(set(u))}."
        )
    n = len(u)
    middle_u, middle_v = math.fsum(u) / n, math.fsum(v) / n
    spread = math.fsum((a - middle_u) ** 2 for a in u)
    slope = math.fsum((a - middle_u) * (b - middle_v) for a, b in zip(u, v, strict=True)) / spread
    left = math.fsum(
        (b - middle_v - slope * (a - middle_u)) ** 2 for a, b in zip(u, v, strict=True)
    )
    half = t_quantile(level, n - 2) * math.sqrt(left / (n - 2) / spread)
    return Interval(slope, slope - half, slope + half)
