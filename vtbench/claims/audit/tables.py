"""Printed tables in files: CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from types import MappingProxyType

import msgspec

from vtbench.claims.audit.cells import plain, read_cell
from vtbench.claims.audit.grid import Grid
from vtbench.claims.audit.latex import latex_grids
from vtbench.claims.audit.pages import page_grids
from vtbench.claims.audit.printed import PrintedCell, PrintedTable
from vtbench.claims.suite.interval import Zeros
from vtbench.errors import BadInput

LARGEST = 2_000_000
"""Bytes; a printed table is never longer."""
MOST_ROWS = 1_000
_FEWEST_ROWS = 2


def read_tables(path: Path, zeros: Zeros = "digits") -> list[PrintedTable]:
    """Every table of a file, by what its name ends in; those without figures beside others."""
    read = _FORMATS.get(path.suffix.lower())
    if read is None:
        known, ending = ", ".join(_FORMATS), path.suffix or path.name
        raise BadInput(f"{path}: expected a file that ends in one of {known}, got {ending!r}.")
    text = _text(path)
    try:
        grids = read(text)
    except csv.Error as error:
        line, said = error.args
        raise BadInput(f"{path}:{line}: the row cannot be read as CSV: {said}.") from error
    if not grids:
        raise BadInput(f"{path} holds no table.")
    found = [_table(path, grid, zeros) for grid in grids]
    if all(table.unread for table in found):
        first = f"{path}:{found[0].line}: "
        if len(found) > 1:
            raise BadInput(f"{first}none of {len(found)} tables has figures below a heading row.")
        raise BadInput(f"{first}{_UNREAD[found[0].unread]}")
    return found


_UNREAD = {
    "no_heading": "the table has no heading row above its figures; give it one, and a first "
    "column of names.",
    "no_figures": "the table has no figures beside its first column, which names the rows.",
}


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(
                f"{path} is larger than {LARGEST:,} bytes; give a smaller file with one table."
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"The table {path} cannot be read: {reason}.") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"The table {path} is not a text file in UTF-8.") from error
    if not text.strip():
        raise BadInput(f"The table {path} is empty.")
    return text


def _csv(text: str) -> list[Grid]:
    first = next(line for line in text.splitlines() if line.strip())
    reader = csv.reader(text.splitlines(), delimiter=max(",;\t|", key=first.count))
    try:
        rows = [(reader.line_num, row) for row in reader if any(row)]
    except csv.Error as error:
        raise csv.Error(reader.line_num, str(error)) from error
    lines, cells = tuple(line for line, _ in rows), [row for _, row in rows]
    return [Grid(title="", line=lines[0] if lines else 1, rows=cells, lines=lines)]


_MARKED = re.compile(r"\\([|_`<>\[\]\\])")
"""What Markdown escapes, apart from stars, which may be marks of a figure."""


def _markdown(text: str) -> list[Grid]:
    """Pipe tables: runs of lines with bars, the second of which is a rule."""
    found: list[Grid] = []
    block: list[list[str]] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if "|" in line:
            cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
            block.append([_MARKED.sub(r"\1", unescape(cell)).strip() for cell in cells])
            continue
        if len(block) > _FEWEST_ROWS and all(re.fullmatch(r":?-+:?", c) for c in block[1]):
            begin = number - len(block)
            found.append(Grid(title="", line=begin, rows=[block[0], *block[2:]]))
        block = []
    return found


_FORMATS: Mapping[str, Callable[[str], list[Grid]]] = MappingProxyType(
    {
        ".csv": _csv,
        ".tsv": _csv,
        ".md": _markdown,
        ".markdown": _markdown,
        ".tex": latex_grids,
        ".html": page_grids,
        ".htm": page_grids,
    }
)


def _table(path: Path, grid: Grid, zeros: Zeros) -> PrintedTable:
    if len(grid.rows) > MOST_ROWS:
        raise BadInput(
            f"{path}:{grid.line}: the table has {len(grid.rows):,} rows; give at most "
            f"{MOST_ROWS:,} rows."
        )
    width = max((len(row) for row in grid.rows), default=0)
    padded = [[*row, *[""] * (width - len(row))] for row in grid.rows]
    cells = [tuple(read_cell(text, zeros) for text in row) for row in padded]
    first = next((i for i, row in enumerate(cells) if _has_figures(row)), len(cells))
    made = PrintedTable(title=plain(grid.title), heads=(), rows=(), line=grid.line, zeros=zeros)
    if first == 0 or width < 2:  # noqa: PLR2004  # names and figures
        return msgspec.structs.replace(made, unread="no_heading")
    if first == len(cells):
        return msgspec.structs.replace(made, unread="no_figures")
    _refuse_long_rows(path, grid, first)
    above = [row for row in padded[:first] if not _across(row)]
    heads = [" ".join(dict.fromkeys(filter(None, (plain(row[i]) for row in above))))
             for i in range(width)]  # fmt: skip
    return msgspec.structs.replace(
        made,
        heads=tuple(heads),
        rows=tuple(row for row in cells[first:] if any(cell.figure for cell in row)),
        textual=tuple(row[0].text for row in cells[first:] if _is_textual(row)),
        across=tuple(plain(row[0]) for row in padded if _across(row)),
    )


def _across(row: list[str]) -> bool:
    """Whether a row is one line of text over all columns, as between groups of rows."""
    return bool(row[0].strip()) and (set(row) == {row[0]} or not any(row[1:]))


def _refuse_long_rows(path: Path, grid: Grid, first: int) -> None:
    """A row with more cells than headings is one whose commas are not all separators."""
    width = max(len(row) for row in grid.rows[:first])
    for line, row in zip(grid.lines, grid.rows, strict=False):
        if any(row[width:]):
            raise BadInput(
                f"{path}:{line}: the row has {len(row)} cells, and there are {width} headings; put "
                'a figure with a comma in quotes, as in "1,200".'
            )


def _has_figures(row: tuple[PrintedCell, ...]) -> bool:
    return any(cell.figure is not None for cell in row[1:])


def _is_textual(row: tuple[PrintedCell, ...]) -> bool:
    """Whether a row says something beside its name, and no figure; a line of its own does not."""
    said = {cell.text for cell in row if not cell.dash}
    return len(said) > 1 and not any(cell.figure for cell in row)
