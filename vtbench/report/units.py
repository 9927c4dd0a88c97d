"""Units and rounding: the last step before a figure is read, and the only place that rounds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal

from vtbench.data.workload import Workload

PREFIXES = ("", "K", "M", "G", "T", "P", "E")
ABSENT = "—"
MINUS = "−"
PER_PREFIX = 1000
SIGNIFICANT = 3
MINUTE = 60
HOUR = 3600


def common_prefix(values: Iterable[int]) -> int:
    """The prefix that suits some values, for a column that is read downwards.

    It is the largest value's, or the one below where most values would begin with zeros.
    """
    sizes = sorted(abs(value) for value in values if value)
    if not sizes:
        return 0
    place = 0
    while place < len(PREFIXES) - 1 and _rounded(sizes[-1], place) >= PER_PREFIX:
        place += 1
    if place < 2:  # noqa: PLR2004 - below thousands there is no prefix
        return place
    middle, below = sizes[len(sizes) // 2], PER_PREFIX ** (place - 1)
    suits = below <= middle < 100 * below and sizes[-1] < 10_000 * below
    return place - 1 if suits else place


def si(value: int, prefix: int | None = None) -> str:
    """An integer with a decimal prefix, three decimals and at least three significant digits.

    ``prefix`` keeps a column in one unit. A value below a thousandth of that unit takes its own,
    because ``0.00000154 G`` cannot be read.
    """
    own = common_prefix([value])
    if prefix is None or abs(value) * PER_PREFIX < PER_PREFIX**prefix:
        prefix = own
    sign = MINUS if value < 0 else ""
    if prefix == 0:
        return f"{sign}{abs(value)}"
    return f"{sign}{_rounded(abs(value), prefix)} {PREFIXES[prefix]}"


def _rounded(value: int, prefix: int) -> Decimal:
    """A value in units of a prefix, to the nearest last digit."""
    with localcontext() as context:
        context.prec = len(str(value)) + 30
        scaled = Decimal(value).scaleb(-3 * prefix)
        decimals = max(3, SIGNIFICANT - 1 - scaled.adjusted()) if value else 0
        return scaled.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)


def signed(value: int, prefix: int | None = None) -> str:
    """A difference with its sign, as ``+0.013 G`` or ``−0.105 G``."""
    return si(value, prefix) if value <= 0 else "+" + si(value, prefix)


def digits(value: int) -> str:
    """An exact integer in groups of three."""
    return f"{value:,}".replace("-", MINUS)


def size(nbytes: int) -> str:
    """Bytes in decimal units with one decimal."""
    place = _place(nbytes)
    if place == 0:
        return f"{nbytes} B"
    return f"{Decimal(nbytes).scaleb(-3 * place):.1f} {PREFIXES[place]}B"


def precise_size(nbytes: int) -> str:
    """Bytes with three significant digits, for peaks that lie close together."""
    place = _place(nbytes)
    return f"{plain(nbytes / PER_PREFIX**place)} {PREFIXES[place]}B"


def _place(value: int) -> int:
    """The largest prefix that leaves a value at one or more."""
    place = 0
    while place < len(PREFIXES) - 1 and value >= PER_PREFIX ** (place + 1):
        place += 1
    return place


def percent(part: int, whole: int) -> str:
    """A share of a whole with one decimal; little is not nothing, and no whole has no shares."""
    if not whole:
        return ABSENT
    sign = MINUS if part < 0 else ""
    share = f"{Decimal(abs(part)) * 100 / Decimal(whole):.1f}"
    return f"{sign}{'<0.1' if part and share == '0.0' else share} %"


def ratio(part: int, whole: int) -> str:
    """How many times one count is the other."""
    return f"{Decimal(part) / Decimal(whole):.3f}×" if whole else ABSENT


Bound = Literal["at least", "at most", "unknown"]
"""What a ratio, or a difference, of two counts is if one of them, or both, are lower bounds."""
SIGNS: dict[Bound | None, str] = {None: "", "at least": "≥ ", "at most": "≤ "}
"""What stands before a ratio or a difference that is a bound."""


def bound_of(*, complete: bool, base_complete: bool) -> Bound | None:
    """The bound that a ratio or difference to a base is; None if it is exact."""
    if complete and base_complete:
        return None
    if not complete and not base_complete:
        return "unknown"
    return "at least" if base_complete else "at most"


def bounded(text: str, bound: Bound | None) -> str:
    """A ratio or a difference with the sign of its bound, or the word for one that is not known."""
    if text == ABSENT:
        return text
    return "unknown" if bound == "unknown" else f"{SIGNS[bound]}{text}"


def macs(value: int, *, complete: bool, prefix: int | None = None) -> str:
    """A MAC count; one that misses something is a lower bound and says so."""
    return si(value, prefix) if complete else f"≥ {si(value, prefix)}"


def plural(number: int, noun: str, several: str | None = None) -> str:
    """A number with its noun; ``several`` is the plural of a noun that takes more than an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {several or noun + 's'}"


def pixels(workload: Workload) -> str:
    """The size of the images, or what is fed in if there are none."""
    if workload.resolution is not None:
        return f"{workload.resolution[0]}×{workload.resolution[1]}"
    shapes = ("×".join(str(n) for n in spec.shape) for spec in workload.inputs)
    return ", ".join(shapes) or ABSENT


def spoken(seconds: float) -> str:
    """A time as one would say it."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    if seconds < HOUR:
        return f"{seconds / MINUTE:.0f} min"
    return f"{int(seconds // HOUR)} h {int(seconds % HOUR // MINUTE)} min"


MOST_DIGITS = 6
"""Significant digits that no interval is narrow enough to exceed."""
FEWEST_DIGITS = 2
PLAIN_DIGITS = 3
"""Significant digits of a figure that comes without an interval; whole numbers stay whole."""
SMALL_LEAD = 2
"""A half-width whose first digit is below this is shown with two digits, as in ±0.12."""


def decimals(value: float, half: float | None) -> int:
    """Decimals of a value: down to the first digit that its half-width puts in doubt.

    Two digits where the half-width begins with a 1, because ±1 and ±1.9 are far apart. Negative
    decimals round to tens and more. Without an interval three significant digits, and never less
    than the whole number.
    """
    own = math.floor(math.log10(abs(value))) if value else 0
    if not half:
        digits = PLAIN_DIGITS if half is None else MOST_DIGITS
        return max(digits - 1 - own, 0)
    leading, _, place = f"{half:.9e}".partition("e")  # 0.19999999999999 leads with a 2
    wanted = -int(place) + (1 if float(leading) < SMALL_LEAD else 0)
    return min(max(wanted, FEWEST_DIGITS - 1 - own), MOST_DIGITS - 1 - own)


def written(value: float, places: int) -> str:
    """A number at so many decimals, in groups of three."""
    exact = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    return f"{exact:,f}".replace("-", MINUS)


def plain(value: float | None) -> str:
    """A figure without an interval."""
    return ABSENT if value is None else written(value, decimals(value, None))


def half_of(low: float | None, high: float | None) -> float | None:
    """Half the width of an interval; None if it has no two ends."""
    return None if low is None or high is None else abs(high - low) / 2


def plus_minus(value: float | None, half: float | None) -> str:
    """``1,234 ± 12``; the value alone if the half-width is not known or is nothing."""
    if value is None:
        return ABSENT
    places = decimals(value, half)
    said = written(value, places)
    around = written(half, places) if half else ""
    return f"{said} ± {around}" if around.strip("0.,") else said


def bracketed(value: float | None, low: float | None, high: float | None, unit: str = "") -> str:
    """``51.8 [51.3, 52.4]``, where the interval need not lie evenly around its value."""
    if value is None:
        return ABSENT
    half = half_of(low, high)
    places = decimals(value, half)
    if not half or low is None or high is None:
        return written(value, places) + unit
    ends = f"{written(low, places)}, {written(high, places)}"
    return f"{written(value, places)}{unit} [{ends}]"


def share(value: float | None) -> str:
    """A share of one as a percentage; one decimal, and none from 100 on."""
    return ABSENT if value is None else f"{written(value * 100, int(abs(value) < 1))} %"
