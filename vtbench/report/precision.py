"""Measured figures as text: an interval says how many digits of its value mean anything."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

from vtbench.report.units import ABSENT, MINUS

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
    """Half the width of an interval; None where it has no two ends."""
    return None if low is None or high is None else abs(high - low) / 2


def plus_minus(value: float | None, half: float | None) -> str:
    """``1,234 ± 12``; the value alone where the half-width is not known or is nothing."""
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
