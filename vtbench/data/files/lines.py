"""Lines of JSON: reading them from a file, and telling a torn one from a wrong one.

A line is torn where it begins as one of our own lines does and breaks off: the last line, without
its break, of a file whose writer was killed. It held nothing whole, so a reader ignores it and the
next writer cuts it off. Any other line that cannot be read is wrong and is refused with its file
and number, and nothing is cut off from a file that holds such a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from vtbench.errors import BadInput

_LONG_NUMBER = re.compile(rb"(?<![\w.])-?\d{300,}")
"""A whole number that may have no nearest float."""


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
        if _LONG_NUMBER.search(line.text):
            raise msgspec.ValidationError("a number of 300 digits or more is out of range")
        return msgspec.json.decode(line.text, type=shape)
    except msgspec.DecodeError as error:
        reason = str(error)
    except RecursionError:
        reason = "it is nested too deeply"
    except UnicodeDecodeError:
        reason = "it is not text"
    raise BadInput(f"{line.where}: this is not a {what}: {reason}.")
