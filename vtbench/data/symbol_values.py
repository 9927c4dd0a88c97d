"""``--at``: values of symbols, for closed forms and for cost models.

``H=192:512:32,W=224``: parts between commas; a part without ``=`` is a further value of the symbol
before it, and ``start:stop:step`` stands for several values, the stop included. Cost models also
take rates, as the decimals that are typed, and lists in brackets, ``blocks=[3,6,9]``, as one value.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Any

import msgspec

from vtbench.data.closed_form import Symbol
from vtbench.errors import BadInput, BadOption

LETTERS = ("B", "H", "W", "T")
"""The sizes of a model's closed form."""
MOST_POINTS = 1_000_000
MOST_SIZES = 20_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*")
_RANGE = re.compile(r"(\d{1,9}):(\d{1,9})(?::(\d{1,9}))?")
_DECIMAL = re.compile(r"[+-]?\d{1,9}\.\d{1,9}")
_LIST = re.compile(r"\[([^\[\]]*)\]")
_PART = re.compile(r"(?:\[[^\[\]]*\]|[^,])*")
_RATES = re.compile(r"\d{1,9}(\.\d{1,6})?(:\d{1,9}(\.\d{1,6})?){0,2}")
_NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
_SYMBOL = re.compile(
    rf"(?P<name>[A-Za-z]\w*)=(?P<example>{_NUMBER})(?::(?P<multiple>\d{{1,9}}))?"
    rf"(?::(?P<low>{_NUMBER})\.\.(?P<high>{_NUMBER}))?"
)


One = int | str | Fraction
"""A single value."""


class Given(msgspec.Struct, frozen=True):
    """The values of one symbol."""

    only: str | None
    """The cost model that they are for; None is all of them."""
    symbol: str
    values: tuple[One | tuple[One, ...], ...]
    """A list that was typed in brackets is one of them."""
    rates: tuple[float, ...] = ()
    """Those of them that are fractions."""


def parse_at(
    texts: Sequence[str] | None, *, rates: bool = False, exact: bool = False
) -> list[Given]:
    """``SYMBOL=VALUE`` and ``NAME:SYMBOL=VALUE``; nothing is computed.

    Rates are decimals apart from the other values; ``exact`` leaves decimals and lists among them.
    """
    found: dict[tuple[str | None, str], list[Any]] = {}
    fractions: dict[tuple[str | None, str], list[float]] = {}
    for text in texts or ():
        values: list[Any] | None = None
        of: tuple[str | None, str] = (None, "")
        for part in (piece.strip() for piece in _parts(text, lists=exact)):
            left, equals, right = (piece.strip() for piece in part.partition("="))
            if equals:
                only, _, symbol = left.rpartition(":")
                if (only or None, symbol) in found:
                    raise BadInput(f"--at: {left} is given twice.")
                of = (only or None, symbol)
                values = found.setdefault(of, [])
            if values is None or (equals and not _NAME.fullmatch(symbol)) or not (right or left):
                raise BadInput(f"--at: expected SYMBOL=VALUE, such as H=224, got {part!r}.")
            written = right if equals else left
            if exact:
                values += _exact(part, written)
                fractions.setdefault(of, [])
                continue
            shares = _rates(part, written) if rates else ()
            fractions.setdefault(of, []).extend(map(float, shares))
            values += () if shares else _values(part, written)
    return [Given(*of, tuple(values), tuple(fractions[of])) for of, values in found.items()]


def _parts(text: str, *, lists: bool) -> list[str]:
    """What stands between commas; a list in brackets is not cut apart if there can be one."""
    if not lists:
        return text.split(",")
    if text.count("[") != text.count("]"):
        raise BadInput(f"--at: expected a list with both brackets, such as [3,6,9], got {text!r}.")
    parts, place = [], 0
    while place <= len(text):  # after the last comma there is one part more
        match = _PART.match(text, place)
        parts.append(match[0] if match else "")
        place += len(parts[-1]) + 1
    return parts


def _exact(part: str, text: str) -> Sequence[Any]:
    """A whole number, a decimal as a fraction, a word, a range, or a list of such numbers."""
    inside = _LIST.fullmatch(text)
    if inside is not None:
        words = [word.strip() for word in inside[1].split(",")] if inside[1].strip() else []
        if not all(re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,9})?", word) for word in words):
            raise BadInput(f"--at: expected numbers between the brackets, got {part!r}.")
        return [tuple(_number(word) for word in words)]
    if _DECIMAL.fullmatch(text):
        return [Fraction(text)]
    return _rates(part, text) or _values(part, text)


def _number(word: str) -> int | Fraction:
    return Fraction(word) if "." in word else int(word)


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


def _rates(part: str, text: str) -> Sequence[Fraction]:
    """A fraction or a range of fractions; nothing if the text is something else."""
    if "." not in text or not _RATES.fullmatch(text):
        return ()
    start, *rest = map(Fraction, text.split(":"))
    if not rest:
        return [start]
    stop, step = rest[0], rest[1] if len(rest) > 1 else Fraction(0)
    if not step or start > stop:
        raise BadInput(
            f"--at: the range {part!r} is empty or has no step; write start:stop:step, such as "
            "0.1:0.9:0.1."
        )
    number = (stop - start) // step + 1
    if number > MOST_POINTS:
        raise BadInput(f"--at: expected a range of at most {MOST_POINTS:,} values, got {part!r}.")
    return [start + place * step for place in range(number)]


def points_of(
    given: Sequence[Given], names: Sequence[str] = LETTERS, rates: Collection[str] = ()
) -> list[dict[str, int | float]]:
    """Every combination of sizes; B is 1 and W is H unless they are given."""
    values: dict[str, tuple[int | float, ...]] = {}
    for each in given:
        whole = tuple(size for size in each.values if isinstance(size, int) and size > 0)
        sizes = tuple(rate for rate in each.rates if rate > 0 and each.symbol in rates) + whole
        if each.only is not None or each.symbol not in names:
            raise BadInput(f"--at: expected a size among {', '.join(names)}, got {each.symbol!r}.")
        if len(sizes) < len(each.values) + len(each.rates):
            takes = "sizes of at least 1, such as H=224 or H=192:512:32"
            if each.symbol in rates:
                takes = f"rates above 0, such as {each.symbol}=0.5"
            raise BadInput(f"--at: {each.symbol} takes {takes}.")
        values[each.symbol] = tuple(dict.fromkeys(sizes))
    if "B" in names:
        values.setdefault("B", (1,))
    number = math.prod(map(len, values.values()))
    if number > MOST_POINTS:
        raise BadInput(
            f"--at: expected at most {MOST_POINTS:,} combinations of sizes, got {number:,}."
        )
    return list(_points({name: values[name] for name in names if name in values}))


def _points(values: dict[str, tuple[int | float, ...]]) -> Iterator[dict[str, int | float]]:
    square = "H" in values and "W" not in values
    for sizes in itertools.product(*values.values()):
        point = dict(zip(values, sizes, strict=True))
        yield {**point, "W": point["H"]} if square else point


def parse_symbols(given: Sequence[str] | None) -> tuple[Symbol, ...]:
    """``C=384``, ``C=384:6`` (multiples of 6), ``k=98:1..196`` (a range), ``keep=0.5`` (a rate)."""
    found: dict[str, Symbol] = {}
    for text in given or ():
        symbol = _symbol(text)
        if symbol.name in found:
            raise BadOption(f"--symbol: {symbol.name!r} is given twice.")
        found[symbol.name] = symbol
    return tuple(found.values())


def _symbol(text: str) -> Symbol:
    parts = _SYMBOL.fullmatch(text.strip())
    if parts is None:
        raise BadOption(
            "--symbol: expected NAME=EXAMPLE, NAME=EXAMPLE:MULTIPLE or NAME=EXAMPLE:LOW..HIGH, "
            f"such as C=384:6, k=98:1..196 or keep=0.5, got {text!r}."
        )
    name, example = parts["name"], parts["example"]
    rate = any("." in (part or "") for part in (example, parts["low"], parts["high"]))
    read = float if rate else int
    multiple = int(parts["multiple"] or 1)
    if rate and multiple > 1:
        raise BadOption(f"--symbol: {name} is a rate ({example}), which has no multiple.")
    low, high = (None if end is None else read(end) for end in (parts["low"], parts["high"]))
    value = read(example)
    if not value or not multiple or (not rate and value % multiple):
        raise BadOption(
            f"--symbol: {example}, the example of {name}, is "
            f"{'not above 0' if not value else f'not a multiple of {multiple}'}."
        )
    if low is not None and high is not None and not (0 < low <= value <= high and low < high):
        raise BadOption(
            f"--symbol: expected a range above 0 with the example {example} of {name} in it, got "
            f"{parts['low']}..{parts['high']}."
        )
    if high is not None and not rate and high - (low or 0) > MOST_POINTS * multiple:
        raise BadOption(f"--symbol: expected a range of at most {MOST_POINTS:,} values of {name}.")
    return Symbol(name=name, example=value, multiple=multiple, low=low, high=high)
