"""``--at``: values of symbols, for closed forms and for cost models.

``H=192:512:32,W=224``: parts between commas; a part without ``=`` is a further value of the symbol
before it, and ``start:stop:step`` stands for several values, the stop included.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence

import msgspec

from vtbench.data.closed_form import Symbol
from vtbench.errors import BadInput, BadOption

LETTERS = ("B", "H", "W", "T")
"""The sizes of a model's closed form."""
MOST_POINTS = 1_000_000
MOST_SIZES = 20_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_RANGE = re.compile(r"(\d{1,9}):(\d{1,9})(?::(\d{1,9}))?")
_SYMBOL = re.compile(r"([A-Za-z]\w*)=(\d{1,9})(?::(\d{1,9}))?")


class Given(msgspec.Struct, frozen=True):
    """The values of one symbol."""

    only: str | None
    """The cost model that they are for; None is all of them."""
    symbol: str
    values: tuple[int | str, ...]


def parse_at(texts: Sequence[str] | None) -> list[Given]:
    """``SYMBOL=VALUE`` and ``NAME:SYMBOL=VALUE``; nothing is computed."""
    found: dict[tuple[str | None, str], list[int | str]] = {}
    for text in texts or ():
        values: list[int | str] | None = None
        for part in (piece.strip() for piece in text.split(",")):
            left, equals, right = (piece.strip() for piece in part.partition("="))
            if equals:
                only, _, symbol = left.rpartition(":")
                if (only or None, symbol) in found:
                    raise BadInput(f"--at: {left} is given twice.")
                values = found.setdefault((only or None, symbol), [])
            if values is None or (equals and not _NAME.fullmatch(symbol)) or not (right or left):
                raise BadInput(f"--at: expected SYMBOL=VALUE, such as H=224, got {part!r}.")
            values += _values(part, right if equals else left)
    return [Given(only, symbol, tuple(values)) for (only, symbol), values in found.items()]


def _values(part: str, text: str) -> Sequence[int | str]:
    """A whole number, a switch, a word that its symbol judges, or a range."""
    match = _RANGE.fullmatch(text)
    if match is not None:
        start, stop, step = int(match[1]), int(match[2]), int(match[3] or 1)
        if step < 1 or start > stop:
            raise BadInput(
                f"--at: the range {part!r} is empty; write start:stop:step with start <= stop."
            )
        if (stop - start) // step + 1 > MOST_POINTS:
            raise BadInput(
                f"--at: expected a range of at most {MOST_POINTS:,} values, got {part!r}."
            )
        return range(start, stop + 1, step)
    if re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        return [int(text)]
    if not re.fullmatch(r"[A-Za-z_][\w-]*", text):
        raise BadInput(f"--at: expected a whole number, a range or a word, got {part!r}.")
    return [{"true": 1, "false": 0}.get(text.lower(), text)]


def points_of(given: Sequence[Given], names: Sequence[str] = LETTERS) -> list[dict[str, int]]:
    """Every combination of sizes; B is 1 and W is H unless they are given."""
    values: dict[str, tuple[int, ...]] = {}
    for each in given:
        sizes = tuple(size for size in each.values if isinstance(size, int) and size > 0)
        if each.only is not None or each.symbol not in names:
            raise BadInput(f"--at: expected a size among {', '.join(names)}, got {each.symbol!r}.")
        if len(sizes) < len(each.values):
            raise BadInput(
                f"--at: {each.symbol} takes sizes of at least 1, such as H=224 or H=192:512:32."
            )
        values[each.symbol] = tuple(dict.fromkeys(sizes))
    if "B" in names:
        values.setdefault("B", (1,))
    number = math.prod(map(len, values.values()))
    if number > MOST_POINTS:
        raise BadInput(
            f"--at: expected at most {MOST_POINTS:,} combinations of sizes, got {number:,}."
        )
    return list(_points({name: values[name] for name in names if name in values}))


def _points(values: dict[str, tuple[int, ...]]) -> Iterator[dict[str, int]]:
    square = "H" in values and "W" not in values
    for sizes in itertools.product(*values.values()):
        point = dict(zip(values, sizes, strict=True))
        yield {**point, "W": point["H"]} if square else point


def parse_symbols(given: Sequence[str] | None) -> tuple[Symbol, ...]:
    """``C=384`` and ``C=384:6``, a width of which only multiples are taken."""
    found: dict[str, Symbol] = {}
    for text in given or ():
        parts = _SYMBOL.fullmatch(text.strip())
        if parts is None:
            raise BadOption(
                f"--symbol: expected NAME=EXAMPLE or NAME=EXAMPLE:MULTIPLE, such as C=384:6, got "
                f"{text!r}."
            )
        name, example, multiple = parts[1], int(parts[2]), int(parts[3] or 1)
        if example < 1 or multiple < 1 or example % multiple:
            raise BadOption(
                f"--symbol: {example}, the example of {name}, is not a multiple of {multiple}."
            )
        if name in found:
            raise BadOption(f"--symbol: {name!r} is given twice.")
        found[name] = Symbol(name=name, example=example, multiple=multiple)
    return tuple(found.values())
