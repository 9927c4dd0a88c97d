"""What counts as a sample: a positive, finite number of seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence

from vtbench.errors import BadInput


def checked(samples: Sequence[float], what: str = "samples") -> list[float]:
    """The samples as floats; anything that is no duration is refused by name and place."""
    values = [float(sample) for sample in samples]
    if not values:
        raise BadInput(f"There are no {what}; measure at least once.")
    for place, value in enumerate(values):
        if not (math.isfinite(value) and value > 0):
            raise BadInput(
                f"Number {place + 1} of the {what} is {value}; "
                "each must be a positive, finite number."
            )
    return values
