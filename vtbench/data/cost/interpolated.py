"""Closed forms of a cost that a rule gives by whole numbers: through some, held at the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import product

import msgspec

from vtbench.data.cost.letters import Form
from vtbench.data.polynomial import coefficients, through, value_at

_POINTS = 4
"""Values that settle a polynomial in one letter, one more than a cost that is quadratic needs."""
_HELD = 2
"""Further values at which it must hold."""
_SIZES = 3
"""Values of each of several letters."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One polynomial, and where it holds."""

    when: str
    """In words, such as ``r even``; empty if it holds wherever the whole does."""
    form: Form


class InLetters(msgspec.Struct, frozen=True, kw_only=True):
    """MACs of a cost model in letters that count tokens, or why there is no such form."""

    where: str
    """What the letters are and where the pieces hold, or the sentence that says why not."""
    pieces: tuple[Piece, ...] = ()


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring values over which one polynomial holds, or one for each parity."""

    first: int
    last: int
    forms: tuple[Form, ...]
    """One, or those of even and of odd values."""


def along(letter: str, first: int, costs: Sequence[int]) -> Stretch | None:
    """The longest stretch from the first value on; None if no polynomial holds at enough."""
    found = [stretch for period in (1, 2) if (stretch := _periodic(letter, first, costs, period))]
    # one polynomial is preferred where two would reach no further
    return max(found, key=lambda each: (each.last, -len(each.forms)), default=None)


def _periodic(letter: str, first: int, costs: Sequence[int], period: int) -> Stretch | None:
    classes: dict[int, list[Fraction]] = {}
    for start in range(period):
        places = range(start, len(costs), period)[:_POINTS]
        if len(places) < _POINTS:
            return None
        xs = [Fraction(first + place) for place in places]
        classes[start] = coefficients(xs, [Fraction(costs[place]) for place in places])
    reach = 0
    for place, cost in enumerate(costs):
        factors = classes[place % period]
        if sum(factor * (first + place) ** power for power, factor in enumerate(factors)) != cost:
            break
        reach = place + 1
    if reach < period * (_POINTS + _HELD):
        return None
    forms = {
        (first + start) % period: Form(
            {((letter, power),) if power else (): factor
             for power, factor in enumerate(factors) if factor}
        )
        for start, factors in classes.items()
    }  # fmt: skip
    return Stretch(
        first=first, last=first + reach - 1, forms=tuple(forms[rest] for rest in sorted(forms))
    )


def between(
    sizes: Mapping[str, Sequence[int]],
    held: Sequence[Mapping[str, int]],
    cost: Callable[[Mapping[str, int]], int],
) -> Form | None:
    """The polynomial through every combination of sizes; None if it fails where it is held."""
    axes = {letter: [Fraction(size) for size in found[:_SIZES]] for letter, found in sizes.items()}
    places = product(*(range(len(found)) for found in axes.values()))
    form = through(
        axes,
        {
            place: Fraction(
                cost({letter: sizes[letter][at] for letter, at in zip(sizes, place, strict=True)})
            )
            for place in places
        },
    )
    if any(value_at(form, point) != cost(point) for point in held):
        return None
    return Form(form)
