"""Lines of JSON: reading them from a file, and telling a torn one from a wrong one.

A line is torn where it begins as one of our own lines does and breaks off: the last line, without
its break, of a file whose writer was killed. It held nothing whole, so a reader ignores it and the
next writer cuts it off. Any other line that cannot be read is wrong and is refused with its file
and number, and nothing is cut off from a file that holds such a line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vtbench.data.bounds import LARGEST, SMALLEST
from vtbench.errors import BadInput

_SUSPECT = re.compile(rb"\d{%d,}|[\d.][eE][+-]?\d|0\.0{9}" % LARGEST)
"""What stands in every line with a number that is out of bounds, and in few others."""
_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)')
"""A text, or a number, which has a group."""
_LONG_POWER = 8
"""Digits of a power that is out of bounds whatever stands before it."""
_SHOWN = 24
"""Digits of a number that an error shows."""


class Line(NamedTuple):
    """A line of a file that is not empty."""

    text: bytes
    where: str
    """The file and the number of the line, as ``kept.jsonl:3``."""


def read_lines(path: Path, what: str, begins: Sequence[bytes] = ()) -> list[Line]:
    """The lines of a file except empty ones and a torn last one.

    ``what`` names the contents of the file in an error; ``begins`` are the ways in which its
    lines begin, and if there are none, no line counts as torn.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"The {what} {path} cannot be read: {reason}.") from error
    if is_torn(lines[-1], begins):
        lines.pop()
    try:
        for text in lines:
            text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"The {what} {path} cannot be read: it is not text.") from error
    return [Line(text, f"{path}:{n}") for n, text in enumerate(lines, 1) if text.strip()]


def is_torn(line: bytes, begins: Sequence[bytes]) -> bool:
    """Whether a line begins as one of vtbench and is not complete; zeros are a lost block."""
    written = line.strip(b"\0")
    if not line or not any(written[: len(each)] == each[: len(written)] for each in begins):
        return False
    try:
        msgspec.json.decode(written, type=msgspec.Raw)  # whatever its values are
    except msgspec.DecodeError:
        return True
    except RecursionError:
        return False
    return False


def decoded(line: Line, shape: Any, what: str) -> Any:
    """A line as a value of a type, or of one of several; BadInput says where and why it is not."""
    try:
        if _SUSPECT.search(line.text):
            _refuse_numbers(line.text)
        return msgspec.json.decode(line.text, type=shape)
    except msgspec.DecodeError as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    except UnicodeDecodeError:
        reason = "it is not text"
    raise BadInput(f"{line.where}: this is not a {what}: {reason}.")


def _refuse_numbers(text: bytes) -> None:
    """Refuse a number that is not zero and not between the smallest and the largest."""
    for match in _NUMBER.finditer(text):
        number = (match[1] or b"0").decode()
        if not _in_bounds(number):
            said = number if len(number) <= _SHOWN else f"{number[:_SHOWN]}..."
            raise msgspec.ValidationError(
                f"the number {said} is out of bounds, which are 1e{SMALLEST} and 1e{LARGEST}"
            )


def _in_bounds(number: str) -> bool:
    """Whether a number, as JSON writes it, is zero or of a decimal order that is allowed."""
    digits, _, power = number.lower().partition("e")
    leading = Decimal(digits)
    if not leading:
        return True
    order = int(power or 0) if len(power) < _LONG_POWER else sys.maxsize
    return SMALLEST <= leading.adjusted() + order < LARGEST
