"""Tables of a page in HTML, with cells that span others in each place that they span."""

from __future__ import annotations

from html.parser import HTMLParser

from vtbench.claims.audit.grid import Grid

_MOST = 50
"""Rows or columns that a cell may span."""


def page_grids(text: str) -> list[Grid]:
    """Every table of a page, with its caption; a table in a cell is text of that cell."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.grids


class _Reader(HTMLParser):
    """The tables of a page while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.grids: list[Grid] = []
        self._depth = 0
        self._line = 1
        self._title = ""
        self._rows: list[list[str]] = []
        self._text: list[str] | None = None
        self._span = (1, 1)
        self._below: dict[int, tuple[int, str]] = {}
        """Column -> how many more rows a cell above spans, and its text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._depth += 1
            if self._depth == 1:
                self._line, self._title, self._rows, self._below = self.getpos()[0], "", [], {}
        if self._depth != 1:
            return
        if tag == "tr":
            self._end_cell()
            self._rows.append([])
        elif tag in ("td", "th", "caption"):
            self._end_cell()
            self._text = []
            known = dict(attrs)
            self._span = _number(known.get("colspan")), _number(known.get("rowspan"))
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        if self._depth == 1 and tag == "caption":
            self._title, self._text = " ".join("".join(self._text or []).split()), None
        elif self._depth == 1 and tag in ("td", "th", "tr", "table"):
            self._end_cell()
        if tag == "table" and self._depth:
            self._depth -= 1
            if self._depth == 0:
                rows = [row for row in self._rows if any(row)]
                self.grids.append(Grid(title=self._title, line=self._line, rows=rows))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def _end_cell(self) -> None:
        if self._text is None:
            return
        text, self._text = " ".join("".join(self._text).split()), None
        if not self._rows:
            self._rows.append([])
        row, (wide, high) = self._rows[-1], self._span
        self._fill(row)
        for _ in range(wide):
            if high > 1:
                self._below[len(row)] = (high - 1, text)
            row.append(text)
        self._fill(row)

    def _fill(self, row: list[str]) -> None:
        """Cells that rows above span into this one."""
        while len(row) in self._below:
            place = len(row)
            left, text = self._below.pop(place)
            row.append(text)
            if left > 1:
                self._below[place] = (left - 1, text)


def _number(text: str | None) -> int:
    if text is None or not text.isdecimal() or len(text) > len(str(_MOST)):
        return 1
    return max(1, min(int(text), _MOST))
