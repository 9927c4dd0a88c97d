"""The text of a table's cells, before anything in them is understood."""

from __future__ import annotations

import msgspec


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of text, headings first."""

    title: str
    line: int
    """The line of the file on which the table begins."""
    rows: list[list[str]]
    lines: tuple[int, ...] = ()
    """The line of each row, in formats in which a row may not be longer than its headings."""
