"""Searches over one number: the largest that fits, where speed stops growing, the nearest budget.

Each asks for figures one at a time and knows nothing of how they come about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

MOST = 1 << 16
"""No batch above this is tried."""
GROWTH = 0.05
"""A doubling of the batch that brings less than this share of throughput brings nothing."""
BESIDE = 8
"""So many numbers in a row may be refused before there is taken to be none further on."""
LISTED = 64
"""So many values are all tried; of more, only those that bisection asks for."""


def largest(fits: Callable[[int], bool], most: int = MOST) -> int:
    """The largest number that fits, 0 if 1 does not: doubled until one fails, then bisected."""
    good, bad = 0, 1
    while bad <= most and fits(bad):
        good, bad = bad, 2 * bad
    bad = min(bad, most + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


class Rate(msgspec.Struct, frozen=True):
    """Images per second, between the ends of its 95 % interval."""

    low: float
    high: float


class Knee(msgspec.Struct, frozen=True):
    """Where throughput stops growing."""

    batch: int
    why: Literal["growth", "memory", "most"]
    """``growth``: a doubling brings too little; ``memory``: the next batch does not run;
    ``most``: nothing larger is tried."""
    unclear_from: int | None = None
    """The first batch from which on the intervals leave open whether it still grows."""


def knee(rate: Callable[[int], Rate | None], most: int = MOST) -> Knee | None:
    """The smallest power of two whose double is surely no 5 % faster; None if 1 does not run.

    An interval that reaches across 5 % decides nothing, and the next doubling is tried.
    """
    batch, here = 1, rate(1)
    unclear: int | None = None
    while here is not None:
        if 2 * batch > most:
            return Knee(batch, "most", unclear)
        then = rate(2 * batch)
        if then is None:
            return Knee(batch, "memory", unclear)
        if then.high / here.low < 1 + GROWTH:
            return Knee(batch, "growth", unclear)
        grows = then.low / here.high >= 1 + GROWTH
        unclear = None if grows else unclear or batch
        batch, here = 2 * batch, then
    return None


def nearest_listed(
    figure: Callable[[int], int | None], number: int, budget: int
) -> tuple[int, int] | None:
    """The place, among ``number`` values in order, whose figure is nearest a budget, and it.

    Up to 64 values are all tried. Among more the figures are taken to rise or fall throughout.
    """
    known: dict[int, int | None] = {}

    def known_figure(place: int) -> int | None:
        if place not in known:
            known[place] = figure(place)
        return known[place]

    if number <= LISTED:
        for place in range(number):
            known_figure(place)
        return _nearest(known, budget)
    low, high = 0, number - 1
    first, last = known_figure(low), known_figure(high)
    rising = first is None or last is None or first <= last
    while high - low > 1:
        middle = (low + high) // 2
        found = known_figure(middle)
        if found is None:  # refused: go on beside it
            known_figure(middle + 1)
            found = known[middle + 1]
        below = found is not None and (found < budget) == rising
        low, high = (middle, high) if below else (low, middle)
    return _nearest(known, budget)


def nearest_from_one(
    figure: Callable[[int], int | None], budget: int, most: int = MOST
) -> tuple[int, int] | None:
    """As above over 1, 2, 3, ..., whose figures are taken to rise.

    Where a number is refused the next one that is not stands for it: a model may take even ones.
    """
    known: dict[int, int | None] = {}

    def next_accepted(value: int) -> int | None:
        for near in range(value, min(value + BESIDE, most + 1)):
            if near not in known:
                known[near] = figure(near)
            if known[near] is not None:
                return known[near]
        return None

    def below(value: int) -> bool:
        found = next_accepted(value)
        return found is not None and found < budget

    next_accepted(largest(below, most) + 1)
    return _nearest(known, budget)


def _nearest(known: dict[int, int | None], budget: int) -> tuple[int, int] | None:
    found = [(place, count) for place, count in known.items() if count is not None]
    return min(found, key=lambda pair: (abs(pair[1] - budget), pair[0]), default=None)
