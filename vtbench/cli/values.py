"""Values as they are typed: several between commas, or a range ``start:stop:step``.

The stop of a range belongs to it. What stands in brackets or quotes is one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from vtbench.data.option import Field
from vtbench.errors import BadInput, BadOption, BadResolution
from vtbench.sweep.axes import MANY

CLOSES = {"(": ")", "[": "]", '"': '"', "'": "'"}
QUOTES = ("'", '"')
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")
MOST_VALUES = 100 * MANY
MOST_SIDES = 2


def values_of(field: Field, text: str) -> tuple[Any, ...]:
    """The values of a field, each once, in the order in which they were typed."""
    read = _reader(field)
    return tuple(dict.fromkeys(read(word) for word in spelled(text, field.flag)))


def _reader(field: Field) -> Callable[[str], Any]:
    """How one value of a field is read, by its type."""

    def read(word: str) -> Any:
        if field.optional and word == "none":
            return None
        if field.choices:
            return one_of(word, field.flag, field.choices)
        if int in field.parts:
            return positive(word, field.flag)
        if str in field.parts:
            return word
        return parse_resolution(word)

    return read


def one_of(word: str, option: str, known: tuple[Any, ...]) -> Any:
    """A word that an option knows."""
    if word not in known:
        raise BadOption(f"{option}: expected one of {', '.join(known)}, got {word!r}.")
    return word


def seconds_of(text: str, option: str) -> float:
    """``90``, ``90s``, ``20m``, ``1.5h``: a time in seconds."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|m|min|h|)", text.strip())
    if match is None or not float(match[1]):
        raise BadInput(f"{option}: expected a time such as 90s, 20m or 1.5h, got {text!r}.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}[match[2]]


def positive(word: str, option: str) -> int:
    """A whole number of at least 1."""
    if not re.fullmatch(r"[0-9]{1,9}", word) or int(word) < 1:
        raise BadInput(f"{option}: expected a positive integer, got {word!r}.")
    return int(word)


def positives(text: str, option: str) -> tuple[int, ...]:
    """``1,16,64`` or ``8:64:8``, all at least 1."""
    return tuple(dict.fromkeys(positive(word, option) for word in spelled(text, option)))


def parse_resolution(text: str) -> tuple[int, int]:
    """``224`` or ``192x320``, height first."""
    sides = integers(text)
    if sides is None or len(sides) > MOST_SIDES:
        raise BadResolution(f"--resolution: expected a size such as 224 or 192x320, got {text!r}.")
    if min(sides) < 1:
        raise BadResolution(f"--resolution: expected a positive size, got {text!r}.")
    return sides[0], sides[-1]


def integers(text: str) -> tuple[int, ...] | None:
    """Whole numbers between x; None if the text is anything else."""
    parts = re.split(r"[x×X]", text.strip())
    if not all(re.fullmatch(r"-?[0-9]{1,9}", part) for part in parts):
        return None
    return tuple(int(part) for part in parts)


def split_values(text: str) -> list[str]:
    """Values between commas that stand outside of brackets and quotes; none may be empty."""
    if not text.strip():
        return [text]
    parts, open_, start = [], "", 0
    for place, char in enumerate(text):
        if open_ and char == open_[-1]:
            open_ = open_[:-1]
        elif open_[-1:] not in QUOTES and char in CLOSES:
            open_ += CLOSES[char]
        elif char == "," and not open_:
            parts.append(text[start:place])
            start = place + 1
    if open_:
        raise BadInput(f"{text!r} lacks the closing {open_[-1]} of a value.")
    parts.append(text[start:])
    if not all(part.strip() for part in parts):
        raise BadInput(f"{text!r} has an empty value; write a tuple in brackets.")
    return parts


def spelled(text: str, option: str) -> list[str]:
    """Every value as it would be typed alone; no part may be empty."""
    if not all(part.strip() for part in text.split(",")):
        raise BadInput(f"{option}: expected a value on each side of a comma, got {text!r}.")
    return spread(text)


def spread(text: str) -> list[str]:
    """Every value as it would be typed alone."""
    parts = [part.strip() for part in split_values(text)]
    return [word for part in parts for word in (_range(part) or (part,))]


def _range(text: str) -> list[str] | None:
    """The values of a range as they would be typed; None if the text is not a range.

    Decimals, so that 0.5:0.9:0.1 holds 0.7 and not a neighbour of it.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    start, stop, step = (Decimal(number) for number in (match[1], match[2], match[3] or "1"))
    if step <= 0 or stop < start:
        raise BadInput(f"The range {text!r} is empty; write start:stop:step with start <= stop.")
    number = int((stop - start) / step) + 1
    if number > MOST_VALUES:
        raise BadInput(
            f"The range {text!r} has {number:,} values; at most {MOST_VALUES:,} are allowed."
        )
    return [str(start + place * step) for place in range(number)]
