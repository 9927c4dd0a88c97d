"""Text that files and models say, so that whoever shows it changes nothing but what is seen.

A control character can move a terminal's cursor, and an override of the direction can make a line
read as another one. They are shown as they are escaped in Python and JSON.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tabs and line breaks, marks of direction, halves of characters."""
_FORMULA = re.compile(r"[=@+\t\r-]")
_FIGURE = re.compile(r"[+-]?(\d[\d.,]*([eE][+-]?\d+)?( ?[A-Za-z%×]{1,8}(/[a-z]+)?)?)?|-{1,3}")
"""A figure with its unit, or a dash: what begins with a sign and is no formula."""


def visible(text: str) -> str:
    """The text, with escapes in the place of what would act on a terminal or a page."""
    return _UNSEEN.sub(_escape, text)


def no_formula(cell: str) -> str:
    """A cell that a spreadsheet takes for a text, after an apostrophe if it would not."""
    if not _FORMULA.match(cell) or _FIGURE.fullmatch(cell):
        return cell
    return f"'{cell}"


def escaped_in_json(text: str) -> str:
    """JSON in which strings hold the same, but escaped where it would act on a terminal."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004  # two digits
