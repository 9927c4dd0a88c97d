"""The standard error of a mean of samples that are not independent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence


def standard_error(values: Sequence[float]) -> tuple[float, float]:
    """Standard error of the mean of a series, and its degrees of freedom.

    Neighbouring samples of a timed loop resemble each other, so a mean of n of them is worth fewer
    than n. The series is cut into ten stretches whose means are taken as independent.
    """
    n = len(values)
    stretches = min(n, 10)
    ends = [round(n * k / stretches) for k in range(stretches + 1)]
    means = [math.fsum(values[low:high]) / (high - low) for low, high in itertools.pairwise(ends)]
    middle = math.fsum(means) / stretches
    variance = math.fsum((mean - middle) ** 2 for mean in means) / (stretches - 1)
    return math.sqrt(variance / stretches), stretches - 1
