"""How a cost grows: exponents of a power law, and the nearest polynomial of a degree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from vtbench.errors import BadInput
from vtbench.stats.interval import Interval, t_quantile
from vtbench.stats.samples import checked

FEWEST = 3
"""Points below which a line leaves no residual to judge it by."""


def exponent(x: Sequence[float], y: Sequence[float], level: float = 0.95) -> Interval:
    """The k of y ≈ c·x^k, by least squares on logarithms, with Student's interval (n-2 degrees)."""
    if len(x) != len(y):
        raise BadInput(
            f"There are {len(x)} sizes and {len(y)} values; give one value for each size."
        )
    u = [math.log(value) for value in checked(x, "sizes")]
    v = [math.log(value) for value in checked(y, "values")]
    if len(set(u)) < FEWEST:
        raise BadInput(
            f"An exponent needs at least {FEWEST} different sizes; there are {len(set(u))}."
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


def nearest(xs: Sequence[Fraction], ys: Sequence[Fraction], degree: int) -> list[Fraction] | None:
    """Values of the polynomial of a degree whose relative errors have the least squares.

    None if a value is zero, of which no error is relative. The sums of powers of x, weighted by
    1/y², are the normal equations, solved exactly.
    """
    if not all(ys):
        return None
    rows = [[x**power / y for power in range(degree + 1)] for x, y in zip(xs, ys, strict=True)]
    size = degree + 1
    system = [
        [sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(size)]
        + [sum((row[i] for row in rows), Fraction(0))]
        for i in range(size)
    ]
    factors = _solved(system)
    return [sum((f * x**power for power, f in enumerate(factors)), Fraction(0)) for x in xs]


def _solved(system: list[list[Fraction]]) -> list[Fraction]:
    """The solution of linear equations, each with its right side last (Gauss and Jordan).

    Normal equations of distinct x have positive pivots, so none is zero.
    """
    for place in range(len(system)):
        pivot = system[place][place]
        system[place] = [each / pivot for each in system[place]]
        for other in range(len(system)):
            if other != place:
                by = system[other][place]
                system[other] = [
                    a - by * b for a, b in zip(system[other], system[place], strict=True)
                ]
    return [row[-1] for row in system]


def exponents(xs: Sequence[Fraction], ys: Sequence[Fraction]) -> tuple[float, float, float] | None:
    """The least, the overall and the largest exponent of a growth; None of values that are zero.

    Between neighbours the exponent is the rise of the logarithm by that of the size; overall it is
    the slope of the straight line through all logarithms by least squares.
    """
    if min(*xs, *ys) <= 0:
        return None
    points = [(math.log(x), math.log(y)) for x, y in zip(xs, ys, strict=True)]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points)]
    mean_x = math.fsum(x for x, _ in points) / len(points)
    mean_y = math.fsum(y for _, y in points) / len(points)
    spread = math.fsum((x - mean_x) ** 2 for x, _ in points)
    overall = math.fsum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return min(slopes), overall, max(slopes)
