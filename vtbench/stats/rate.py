"""Images per second."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vtbench.errors import UsageError
from vtbench.stats.samples import checked


def images_per_second(batch_size: int, samples: Sequence[float]) -> float:
    """Images over the total time of the timed block: B·n / Σ seconds, never a mean of inverses."""
    if batch_size < 1:
        raise UsageError(f"A batch of {batch_size} holds no images; use at least 1.")
    seconds = checked(samples)
    return batch_size * len(seconds) / math.fsum(seconds)
