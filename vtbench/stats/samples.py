"""Samples: what counts as one, images per second, and percentiles from as many as each takes."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import median

from vtbench.errors import BadInput, UsageError


def checked(samples: Sequence[float], what: str = "samples") -> list[float]:
    """The samples as floats; anything that is not a duration is refused by name and place."""
    values = [float(sample) for sample in samples]
    if not values:
        raise BadInput(f"There are no {what}; measure at least once.")
    for place, value in enumerate(values):
        if not (math.isfinite(value) and value > 0):
            raise BadInput(
                f"Number {place + 1} of the {what} is {value}; "
                "every one must be a positive, finite number."
            )
    return values


def images_per_second(batch_size: int, samples: Sequence[float]) -> float:
    """Images over the total time of the timed block: B·n / Σ seconds, never a mean of inverses."""
    if batch_size < 1:
        raise UsageError(f"A batch has at least 1 image, not {batch_size}.")
    seconds = checked(samples)
    return batch_size * len(seconds) / math.fsum(seconds)


RISK = 0.01
"""How likely it may be that fewer than two samples lie beyond a percentile that is shown."""
MEDIAN = 50.0


def percentile(samples: Sequence[float], p: float) -> float | None:
    """The p-th percentile, linear between neighbours; None if the samples are too few.

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
        raise UsageError(f"A percentile is a number between 0 and 100, not {p}.")
    if p == MEDIAN:
        return 1
    q = min(p, 100 - p) / 100
    n = 2
    while (1 - q) ** n + n * q * (1 - q) ** (n - 1) > RISK:
        n += 1
    return n
