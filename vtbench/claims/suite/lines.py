"""Where things stand in a TOML file: line numbers for messages."""

from __future__ import annotations

import re


class Lines:
    """The lines of a file, and the line on which each claim was found."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._claims: dict[str, int] = {}

    def remember(self, claim: str, line: int) -> None:
        """A claim stands on this line."""
        self._claims.setdefault(claim, line)

    def knows(self, claim: str) -> bool:
        """Whether a claim of that id was found."""
        return claim in self._claims

    def of_claim(self, claim: str) -> int:
        """The line of a claim, 1 where it is not known."""
        return self._claims.get(claim, 1)

    def of_header(self, name: str, index: int = 0) -> int:
        """The line of the index-th ``[name]`` or ``[[name]]``."""
        pattern = re.compile(rf"\s*\[\[?\s*{re.escape(name)}\s*\]\]?\s*(#.*)?$")
        found = [n for n, line in enumerate(self._lines, 1) if pattern.match(line)]
        return found[index] if index < len(found) else 1

    def of_row(self, table_line: int, index: int) -> int:
        """The line of the index-th ``[[table.row]]`` after its table's header."""
        pattern = re.compile(r"\s*\[\[\s*table\s*\.\s*row\s*\]\]")
        after = enumerate(self._lines[table_line:], table_line + 1)
        found = [n for n, line in after if pattern.match(line)]
        return found[index] if index < len(found) else table_line

    def of_key(self, start: int, key: str) -> int:
        """The line of ``key = ...`` or of the sub-table ``[....key]`` in a table, else its own."""
        if not key:
            return start
        assignment = re.compile(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""")
        subtable = re.compile(rf"""\s*\[[^\[].*\.\s*["']?{re.escape(key)}["']?\s*\]""")
        inside = False
        for number, line in enumerate(self._lines[start - 1 :], start):
            header = number > start and line.lstrip().startswith("[")
            if header and (line.lstrip().startswith("[[") or "." not in line):
                break
            inside = inside or header
            if subtable.match(line) or (not inside and assignment.match(line)):
                return number
        return start
