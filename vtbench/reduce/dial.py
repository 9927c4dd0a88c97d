"""The option by which a method is set to leave so many tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

Left = Callable[[Any], int]
"""The patch tokens left after the last block for a value."""


class Dial(NamedTuple):
    """An option, and its values from fewest tokens left to most."""

    option: str
    values: Callable[[int], tuple[Any, ...]]
    """The values that it takes for so many patches in the image."""

    def nearest(self, tokens: int, patches: int, left: Left) -> Any:
        """The value that leaves nearest to so many tokens; of two as near, that of fewer."""
        values = self.values(patches)
        low, high = 0, len(values) - 1
        while low < high:  # what is left grows with the index, so the first with enough is sought
            middle = (low + high) // 2
            low, high = (low, middle) if left(values[middle]) >= tokens else (middle + 1, high)
        below = values[max(low - 1, 0)]
        at = values[low]
        if abs(left(below) - tokens) <= abs(left(at) - tokens):
            # the largest value would be as good as the smallest: the first of its plateau is taken
            return below
        return at


RATES = tuple(each / 1000 for each in range(1, 1001))


def rate(option: str) -> Dial:
    """A share that is kept, in thousandths."""
    return Dial(option, lambda _: RATES)


def removed(option: str) -> Dial:
    """A number of tokens that go at every block, from half of the image to none."""
    return Dial(option, lambda patches: tuple(range(patches // 2, -1, -1)))
