"""Where the ticks of an axis stand, and their numbers: plain, in the unit of the label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

import msgspec

from vtbench.report.chart import Scale
from vtbench.report.units import MINUS, PER_PREFIX, PREFIXES

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MULTIPLES = (
    tuple(float(n) for n in range(1, 10)), (1.0, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0),
    (1.0,),
)  # fmt: skip
"""Numbers within a decade that a logarithmic axis may name, the most first."""
_LEAST, _MOST = 0.01, 10_000.0
"""Numbers in the unit of the label that can still be read; beyond them each has its own prefix."""
_DIGITS = 10
_FROM_PREFIXED = 1e6
"""From here on numbers without a unit that takes prefixes have them too."""
FEW = 2


class Ticks(msgspec.Struct, frozen=True, kw_only=True):
    """The ticks of an axis with their names, and the label that has their unit."""

    places: tuple[float, ...]
    names: tuple[str, ...]
    label: str
    marks: tuple[float, ...] = ()
    """Ticks without a name."""


def ticks_of(scale: Scale, ends: tuple[float, float], most: int) -> Ticks:
    """About ``most`` ticks between two ends, or those that the scale has."""
    low, high = ends
    own = [i for i, place in enumerate(scale.ticks) if low <= place <= high]
    if scale.ticks:
        places = [scale.ticks[i] for i in own]
    elif scale.logarithmic:
        places = log_places(low, high, most)
    else:
        places = linear_places(low, high, most)
    minor = _between(low, high) if scale.logarithmic and not scale.ticks else ()
    prefix = _prefix(scale, places)
    unit = f"{PREFIXES[prefix or 0]}{scale.unit}"
    if scale.names:
        names = [scale.names[i] for i in own]
    elif prefix is None:
        names = [_own_prefix(place) for place in places]
    else:
        names = [number_said(place / PER_PREFIX**prefix) for place in places]
    said = ", ".join(filter(None, (unit, "log scale" if scale.logarithmic else "linear")))
    label = f"{scale.label} ({said})" if scale.label else ""  # rows have names instead
    return Ticks(places=tuple(places), names=tuple(names), label=label, marks=minor)


def linear_places(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [_rounded(n * step) for n in range(first, last + 1)]


def log_places(low: float, high: float, most: int) -> list[float]:
    """As many round numbers as there is room for; multiples of a step within less than a decade."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for multiples in _MULTIPLES:
        found = [
            place
            for n in decades
            for m in multiples
            if low * (1 - 1e-9) <= (place := _rounded(m * 10.0**n)) <= high * (1 + 1e-9)
        ]
        if len(found) <= most:
            return found if len(found) >= FEW else linear_places(low, high, most)
    step = math.ceil(len(found) / max(most, 1))
    return found[::step]


def _between(low: float, high: float) -> tuple[float, ...]:
    """The marks that show an axis to be logarithmic; over many decades only the decades."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    multiples = range(1, 10) if len(decades) <= 6 else (1,)  # noqa: PLR2004  # more are a grey bar
    found = (m * 10.0**n for n in decades for m in multiples)
    return tuple(place for place in found if low <= place <= high)


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _prefix(scale: Scale, places: Sequence[float]) -> int | None:
    """The prefix that all numbers share; None if each needs its own."""
    sizes = [abs(place) for place in places if place]
    if not sizes:
        return 0
    if not scale.prefixed:
        return None if max(sizes) >= _FROM_PREFIXED and not scale.ticks else 0
    place = 0
    while place < len(PREFIXES) - 1 and max(sizes) >= PER_PREFIX ** (place + 1):
        place += 1
    for enough in (1.0, _LEAST):  # whole numbers rather than decimals
        for each in range(place, -1, -1):
            least, largest = min(sizes) / PER_PREFIX**each, max(sizes) / PER_PREFIX**each
            if least >= enough and largest <= (_MOST if scale.logarithmic else PER_PREFIX):
                return each
    return place if not scale.logarithmic else None


def _own_prefix(value: float) -> str:
    place = 0
    while place < len(PREFIXES) - 1 and abs(value) >= PER_PREFIX ** (place + 1):
        place += 1
    return f"{number_said(value / PER_PREFIX**place)} {PREFIXES[place]}".rstrip()


def number_said(value: float) -> str:
    """A number without an exponent: ``0.0005``, ``64``, ``20,000``."""
    exact = Decimal(f"{value:.{_DIGITS}g}")
    said = f"{exact:,f}"
    said = said.rstrip("0").rstrip(".") if "." in said else said
    return said.replace("-", MINUS)


def thinned(places: Sequence[float], halves: Sequence[float], gap: float) -> list[int]:
    """Which labels stay so that none touches the next: every k-th, or the first that fit.

    ``places`` are the middles in points, and ``halves`` half of what each takes. The largest is
    worth more than its neighbour.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    own, taken = [places[i] for i in order], [halves[i] for i in order]
    last = len(own) - 1
    for k in range(1, 4):
        regular = list(range(last % k, last + 1, k))
        if _clear(regular, own, taken, gap):
            return [order[i] for i in regular]
    kept: list[int] = []
    for i in range(last, -1, -1):
        if _clear([i, *kept[:1]], own, taken, gap):
            kept.insert(0, i)
    return [order[i] for i in kept]


def _clear(
    kept: Sequence[int], places: Sequence[float], halves: Sequence[float], gap: float
) -> bool:
    return all(places[b] - halves[b] - places[a] - halves[a] >= gap for a, b in pairwise(kept))
