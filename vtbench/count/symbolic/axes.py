"""The values of a symbol that stands for an option, in order and at even distances."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from vtbench.data.closed_form import Symbol, exact

RATES = 200
"""At most so many values of a rate are looked at."""
FINEST = 10**6
ONE = Fraction(1)
_BEYOND = 3


class Axis(NamedTuple):
    """One symbol and the values at which its form could be held."""

    name: str
    values: Sequence[int | float]
    """From the least to the largest."""
    place: int
    """Where the example stands among them."""
    asked: bool
    """Whether the user said the range."""
    rate: bool

    @property
    def example(self) -> int | float:
        """The value that decides what a trace asks."""
        return self.values[self.place]


def axis_of(symbol: Symbol, place: int = 0) -> Axis:
    """The values of a symbol; those of a whole number without a range lie above its example.

    ``place`` tells several symbols apart, so that no two have the same values held out.
    """
    asked = symbol.high is not None
    if symbol.rate:
        values = _rates(symbol)
        return Axis(symbol.name, values, values.index(symbol.example), asked, True)
    step = symbol.multiple
    low, high = symbol.low or symbol.example, symbol.high
    if high is None:
        high = 2 * symbol.example + (_BEYOND + place) * step
    whole = range(-(-int(low) // step) * step, int(high) + 1, step)
    return Axis(symbol.name, whole, whole.index(int(symbol.example)), asked, False)


def _rates(symbol: Symbol) -> list[float]:
    """Decimals of the range with a round step, and its ends; of a share, up to 1."""
    example = exact(symbol.example)
    high = Fraction(exact(symbol.high)) if symbol.high is not None else max(ONE, 2 * example)
    step = ONE / FINEST
    while high / step > RATES:
        step *= 10
    low = Fraction(exact(symbol.low)) if symbol.low is not None else step
    whole = (step * number for number in range(RATES + 1))
    inside = {each for each in whole if low <= each <= high} | {low, high, Fraction(example)}
    return sorted(map(float, inside))


def spread(number: int) -> Iterator[int]:
    """Places among ``number``, each once: those far apart first."""
    seen = set()
    for denominator in (2, 4, 8, 16):
        for numerator in range(1, denominator, 2):
            seen.add(numerator * number // denominator)
            yield numerator * number // denominator
    yield from (place for place in range(number) if place not in seen)
