"""Axes as the user writes them: values between commas, and ranges ``start:stop:step``.

The stop of a range belongs to it. What stands in brackets or quotes is one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from vtbench.cli.options import parse_options, parse_resolution
from vtbench.cli.timing import split_values
from vtbench.errors import BadInput, BadOption, BadResolution, UsageError
from vtbench.sweep.axes import MANY, OptionAxis
from vtbench.workload import OptionValue

Word = TypeVar("Word", bound=str)

_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")
MOST_VALUES = 100 * MANY


def numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    """``1,16,64`` or ``8:64:8``, all at least 1; None where the option is not given."""
    if text is None:
        return None
    found: list[int] = []
    for part in _parts(text, option):
        for word in _range(part) or (part,):
            if not re.fullmatch(r"\d{1,9}", word) or int(word) < 1:
                raise BadInput(f"{word!r} in {option} is no number of at least 1.")
            found.append(int(word))
    return tuple(dict.fromkeys(found))


def resolutions(text: str | None) -> tuple[tuple[int, int] | None, ...]:
    """``192:512:32``, ``224,192x320``; each model's own where none is given."""
    if text is None:
        return (None,)
    found: list[tuple[int, int] | None] = []
    for part in _parts(text, "--resolution"):
        for word in _range(part) or (part,):
            if "," in word:
                raise BadResolution(f"The resolution {word!r} is neither a number nor HxW.")
            found.append(parse_resolution(word))
    return tuple(dict.fromkeys(found))


def words(text: str, option: str, known: Sequence[Word]) -> tuple[Word, ...]:
    """Names that are known, between commas."""
    found: list[Word] = []
    for part in _parts(text, option):
        match = next((name for name in known if name == part), None)
        if match is None:
            raise BadOption(f"{option} has no {part!r}; it has {', '.join(known)}.")
        found.append(match)
    return tuple(dict.fromkeys(found))


def or_none(text: str | None, read: Callable[[str], Word]) -> tuple[Word | None, ...]:
    """Values of which ``none`` may be one: without the option, and where it says so."""
    if text is None:
        return (None,)
    found = [None if part == "none" else read(part) for part in split_values(text)]
    return tuple(dict.fromkeys(found))


def options(given: Sequence[str] | None) -> tuple[OptionAxis, ...]:
    """``key=0.5,0.7``, ``model:key=8:16:4``; brackets make a tuple, which is one value."""
    found = []
    for text in given or ():
        left, equals, values = text.partition("=")
        spelled = [
            word for part in _parts(values, "-o") for word in (_range(part) or (part,))
        ] or [""]
        read = [parse_options([f"{left}{equals}{word}"])[0] for word in spelled]
        only, key, _ = read[0]
        found.append(OptionAxis(only, key, tuple(dict.fromkeys(_kept(v) for _, _, v in read))))
    return tuple(found)


def shard_of(text: str | None) -> tuple[int, int] | None:
    """``2/5``: the second of five parts."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--shard {text!r} is not of the form 2/5, the second of five parts.")
    return int(match[1]), int(match[2])


def budget_of(text: str) -> int:
    """``3.0G``, ``450M``, ``3e9``: a number of MACs."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:e\d{1,2})?)\s*([KMGT]?)", text.strip(), re.IGNORECASE)
    if match is None or Decimal(match[1]) <= 0:
        raise BadInput(f"The budget {text!r} of --match-macs is no number such as 3.0G or 450M.")
    return int(Decimal(match[1]).scaleb(3 * " KMGT".index(match[2].upper() or " ")))


def _kept(value: object) -> OptionValue:
    return tuple(value) if isinstance(value, list) else value  # type: ignore[return-value]  # parse_options lets nothing else through


def _parts(text: str, option: str) -> list[str]:
    parts = [part.strip() for part in split_values(text)]
    if option != "-o" and not all(part.strip() for part in text.split(",")):
        raise BadInput(f"{option} {text!r} holds an empty value.")
    return parts


def _range(text: str) -> list[str] | None:
    """The values of a range as they would be typed; None where the text is no range.

    Decimals, so that 0.5:0.9:0.1 holds 0.7 and not a neighbour of it.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    start, stop, step = (Decimal(number) for number in (match[1], match[2], match[3] or "1"))
    if step <= 0 or stop < start:
        raise BadInput(f"The range {text!r} holds no value: it is start:stop:step, upwards.")
    number = int((stop - start) / step) + 1
    if number > MOST_VALUES:
        raise BadInput(f"The range {text!r} holds {number:,} values; {MOST_VALUES:,} is the most.")
    return [str(start + place * step) for place in range(number)]
