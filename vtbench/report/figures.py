"""How the figures of one column are written: one unit for all of them, which its heading names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Literal

import msgspec

from vtbench.data.naming import written as as_typed
from vtbench.report.units import (
    ABSENT,
    MINUS,
    PREFIXES,
    SIGNIFICANT,
    common_prefix,
    decimals,
    half_of,
    written,
)

Kind = Literal[
    "text", "value", "whole", "count", "portion", "difference", "bytes", "ratio", "share", "number",
    "milliseconds", "rate", "factor",
]  # fmt: skip
"""What a column holds: ``value`` is one of an option, ``portion`` a part of a count, and
``number`` comes without a unit."""

Number = int | float
Write = Callable[["Cell"], str]
MOST_PLACES = 6
"""Decimals that a small figure may add to its column."""
WIDE = 0.10
"""Half an interval that is no longer small, as a share of its value."""
COUNT_PLACES = 3
RATIO_PLACES = 3
MILLI = 1e3


class Cell(msgspec.Struct, frozen=True):
    """One entry of a sheet before it is rounded."""

    value: Number | str | bool | None = None
    low: float | None = None
    high: float | None = None
    """The ends of its interval, if it has one."""
    sign: str = ""
    """Stands before the figure: ``≥`` for a lower bound."""
    mark: str = ""
    """Stands behind the figure and refers to a note."""
    said: str | None = None
    """What readers see in the place of the value, such as ``failed``."""


def written_column(
    kind: Kind, cells: Sequence[Cell], places: int | None, prefix: int | None = None
) -> tuple[str, list[str]]:
    """The unit of a column and its cells; ``places`` are decimals, ``prefix`` is another's."""
    numbers = [
        cell.value
        for cell in cells
        if isinstance(cell.value, int | float)
        and not isinstance(cell.value, bool)
        and not is_absent(cell.value)
    ]
    unit, write = _writer(kind, numbers, places, prefix)
    return unit, [_said(cell, kind, write) for cell in cells]


def is_absent(value: object) -> bool:
    """Whether there is no figure: nothing, or one that is none."""
    return value is None or value == "" or (isinstance(value, float) and not math.isfinite(value))


def _said(cell: Cell, kind: Kind, write: Write) -> str:
    if cell.said is not None:
        return cell.said
    if is_absent(cell.value):
        return ABSENT
    if kind == "value":
        return as_typed(cell.value)
    if isinstance(cell.value, bool):
        return "yes" if cell.value else "no"
    if isinstance(cell.value, str):
        return cell.value
    return f"{cell.sign}{write(cell)}{cell.mark}"


def _writer(
    kind: Kind, numbers: Sequence[Number], places: int | None, prefix: int | None
) -> tuple[str, Write]:
    if kind in ("count", "portion", "difference", "bytes"):
        return _prefixed(kind, [int(number) for number in numbers], places, prefix)
    ratio, share = (default if places is None else places for default in (RATIO_PLACES, 1))
    unit = "%" if kind == "share" else ""
    writers: dict[Kind, Write] = {
        "milliseconds": lambda cell: _interval(cell, MILLI, places, brackets=True),
        "rate": lambda cell: _interval(cell, 1.0, places, brackets=False),
        "factor": lambda cell: _interval(cell, 1.0, places, brackets=True, unit="×"),
        "ratio": lambda cell: f"{_fixed(_exact(cell), ratio)}×",
        "share": lambda cell: _or_less(_exact(cell) * 100, share),
        "whole": lambda cell: f"{int(_exact(cell)):,}".replace("-", MINUS),
        "number": lambda cell: _plain(cell, places),
    }
    return unit, writers.get(kind, lambda cell: as_typed(cell.value))


def _exact(cell: Cell) -> Decimal:
    return Decimal(cell.value)  # type: ignore[arg-type]  # only numbers are written


def _plain(cell: Cell, places: int | None) -> str:
    """Three significant digits; whole numbers stay whole."""
    if isinstance(cell.value, int):
        return f"{cell.value:,}".replace("-", MINUS)
    value = float(_exact(cell))
    return written(value, decimals(value, None) if places is None else places)


def _interval(
    cell: Cell, scale: float, places: int | None, *, brackets: bool, unit: str = ""
) -> str:
    """``1,280 ± 6`` or ``51.8 [51.3, 52.4]``; ends that lie far off stand in brackets too."""
    value = float(_exact(cell)) * scale
    low, high = (None if end is None else end * scale for end in (cell.low, cell.high))
    half = half_of(low, high)
    digits = decimals(value, half) if places is None else places
    said = written(value, digits)
    if not half or low is None or high is None:
        return f"{said}{unit}"
    if brackets or half > WIDE * abs(value):
        return f"{said}{unit} [{written(low, digits)}, {written(high, digits)}]"
    around = written(half, digits)
    return f"{said} ± {around}" if around.strip("0.,") else said


def _prefixed(
    kind: Kind, numbers: Sequence[int], places: int | None, prefix: int | None
) -> tuple[str, Write]:
    """Integers in units of one decimal prefix, with as many decimals in every cell."""
    place = common_prefix(numbers) if prefix is None else prefix
    least = 0 if kind == "bytes" else COUNT_PLACES
    if not place:
        digits = 0
    elif places is None:
        digits = least if kind == "portion" else _places(numbers, place, least)
    else:
        digits = places
    unit = f"{PREFIXES[place]}B" if kind == "bytes" else PREFIXES[place]
    plus = "+" if kind == "difference" else ""
    return unit, lambda cell: _scaled(int(_exact(cell)), place, digits, plus)


def _places(numbers: Sequence[int], prefix: int, least: int) -> int:
    """Decimals that leave three significant digits to the smallest figure of a column."""
    sizes = [Decimal(abs(number)).scaleb(-3 * prefix).adjusted() for number in numbers if number]
    wanted = (SIGNIFICANT - 1 - size for size in sizes)
    return max(least, min(MOST_PLACES, max(wanted, default=least)))


def _scaled(value: int, prefix: int, places: int, plus: str = "") -> str:
    """A count in units of a prefix."""
    with localcontext() as context:
        context.prec = len(str(value)) + 40
        return _or_less(Decimal(value).scaleb(-3 * prefix), places, plus)


def _or_less(value: Decimal, places: int, plus: str = "") -> str:
    """A figure at so many decimals; little is not nothing, and nothing needs no decimals."""
    said = _fixed(value, places)
    if said.strip("0.−"):
        return f"{plus if value > 0 else ''}{said}"
    least = _fixed(Decimal(1).scaleb(-places), places)
    return "0" if not value else f"<{least}" if value > 0 else f">{MINUS}{least}"


def _fixed(value: Decimal, places: int) -> str:
    with localcontext() as context:
        context.prec = max(28, value.adjusted() + places + 10)
        rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
        return f"{rounded:,f}".replace("-", MINUS)
