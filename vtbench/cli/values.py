"""Several values in one option: between commas, or a range ``start:stop:step``.

The stop of a range belongs to it. What stands in brackets or quotes is one value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from vtbench.errors import BadInput, BadOption
from vtbench.sweep.axes import MANY

Word = TypeVar("Word", bound=str)

CLOSES = {"(": ")", "[": "]", '"': '"', "'": "'"}
QUOTES = ("'", '"')
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")
MOST_VALUES = 100 * MANY


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
        raise BadInput(f"{text!r} has no closing {open_[-1]} .")
    parts.append(text[start:])
    if not all(part.strip() for part in parts):
        raise BadInput(f"{text!r} holds an empty value; a tuple stands in brackets.")
    return parts


def spelled(text: str, option: str) -> list[str]:
    """Every value as it would be typed alone; no part may be empty."""
    if not all(part.strip() for part in text.split(",")):
        raise BadInput(f"{option} {text!r} holds an empty value.")
    return spread(text)


def spread(text: str) -> list[str]:
    """Every value as it would be typed alone."""
    parts = [part.strip() for part in split_values(text)]
    return [word for part in parts for word in (_range(part) or (part,))]


def numbers(text: str | None, option: str) -> tuple[int, ...] | None:
    """``1,16,64`` or ``8:64:8``, all at least 1; None where the option is not given."""
    if text is None:
        return None
    found: list[int] = []
    for word in spelled(text, option):
        if not re.fullmatch(r"[0-9]{1,9}", word) or int(word) < 1:
            raise BadInput(f"{word!r} in {option} is no number of at least 1.")
        found.append(int(word))
    return tuple(dict.fromkeys(found))


def parse_one_batch(text: str | None) -> int | None:
    """A number of images; several are cells of a sweep."""
    if text is None:
        return None
    if not re.fullmatch(r"-?[0-9]{1,9}", text.strip()):
        several = re.fullmatch(r"[0-9]+([,:][0-9]+)+", text.strip())
        advice = "several are for `vtbench sweep`" if several else "give one such as 8"
        raise BadInput(f"--batch-size takes one whole number from 1, not {text!r}; {advice}.")
    if int(text) < 1:
        raise BadInput(f"The batch size {text.strip()} is not positive.")
    return int(text)


def words(text: str, option: str, known: Sequence[Word]) -> tuple[Word, ...]:
    """Names that are known, between commas."""
    found: list[Word] = []
    for part in spelled(text, option):
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
