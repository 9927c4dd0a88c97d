"""Sizes as the user writes them: ranges to evaluate a form over, and widths to make symbols of."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence

from vtbench.data.closed_form import Symbol
from vtbench.errors import BadInput, BadOption

LETTERS = ("B", "H", "W", "T")
MOST_POINTS = 1_000_000
_RANGE = re.compile(r"(\d{1,9})(?::(\d{1,9})(?::(\d{1,9}))?)?")
_SYMBOL = re.compile(r"([A-Za-z]\w*)=(\d{1,9})(?::(\d{1,9}))?")


def parse_at(text: str, names: Sequence[str] = LETTERS) -> list[dict[str, int]]:
    """``H=192:512:32,W=224`` as every combination of sizes; B is 1 and W is H unless given."""
    ranges: dict[str, range] = {}
    for part in (piece.strip() for piece in text.split(",")):
        name, _, rest = (piece.strip() for piece in part.partition("="))
        if name not in names or name in ranges:
            raise BadInput(
                f"{part!r} in --at is not of the form H=224 or H=192:512:32; "
                f"the sizes are {', '.join(names)}, each once."
            )
        ranges[name] = _range(part, rest)
    if "B" in names:
        ranges.setdefault("B", range(1, 2))
    number = math.prod(len(each) for each in ranges.values())
    if number > MOST_POINTS:
        raise BadInput(f"--at asks for {number} sizes; {MOST_POINTS} is the most.")
    return list(_points({name: ranges[name] for name in names if name in ranges}))


def _range(part: str, text: str) -> range:
    numbers = _RANGE.fullmatch(text)
    if numbers is None:
        raise BadInput(f"{part!r} in --at is not of the form H=224 or H=192:512:32.")
    start = int(numbers[1])
    stop, step = int(numbers[2] or start), int(numbers[3] or 1)
    if start < 1 or stop < start or step < 1:
        raise BadInput(f"The range {part!r} in --at holds no size of at least 1.")
    return range(start, stop + 1, step)


def _points(ranges: dict[str, range]) -> Iterator[dict[str, int]]:
    square = "H" in ranges and "W" not in ranges
    for values in itertools.product(*ranges.values()):
        point = dict(zip(ranges, values, strict=True))
        yield {**point, "W": point["H"]} if square else point


def parse_symbols(given: Sequence[str] | None) -> tuple[Symbol, ...]:
    """``C=384`` and ``C=384:6``, a width of which only multiples are taken."""
    found: dict[str, Symbol] = {}
    for text in given or ():
        parts = _SYMBOL.fullmatch(text.strip())
        if parts is None:
            raise BadOption(
                f"The symbol {text!r} is not of the form NAME=EXAMPLE or NAME=EXAMPLE:MULTIPLE, "
                "such as C=384:6."
            )
        name, example, multiple = parts[1], int(parts[2]), int(parts[3] or 1)
        if example < 1 or multiple < 1 or example % multiple:
            raise BadOption(f"The example {example} of {name} is no multiple of {multiple}.")
        if name in found:
            raise BadOption(f"The symbol {name!r} is given twice.")
        found[name] = Symbol(name=name, example=example, multiple=multiple)
    return tuple(found.values())
