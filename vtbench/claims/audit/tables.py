"""Tables as they are printed, in CSV, markdown or LaTeX, and the figures in their cells."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec

from vtbench.claims.suite.interval import SCALES, Interval, Rounding, interval
from vtbench.errors import BadInput

DASHES = frozenset(("", "-", "--", "---", "n/a", "na", "none", "/"))
_SPELT = (
    ("−", "-"), ("–", "-"), ("—", "-"), ("×", "x"), ("∗", "*"), ("⋆", "*"),
    ("\u2009", " "), ("\u00a0", " "),
)  # fmt: skip
_UNIT = r"(?P<unit>%|x|[KkMGBT])?(?:FLOPs?|FLOPS|MACs?|[Pp]arams?)?"
_FIGURE = re.compile(
    r"(?P<digits>[+-]?\s?(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+))\s*"
    + _UNIT
    + r"\s*(?P<marks>(?:[*†‡§¶#]|\^[\w*]+)*)"
)
_CELL = re.compile(
    rf"{_FIGURE.pattern}\s*(?:[(\[](?P<aside>[^()\[\]]*)[)\]])?\s*(?P<after>[*†‡§¶#]*)"
)


class PrintedFigure(msgspec.Struct, frozen=True):
    """Printed digits, with the unit that stands at them where one does."""

    printed: str
    unit: str = ""
    """K, M, G, B, T, x, %; empty if the column says it."""

    @property
    def signed(self) -> bool:
        """Whether a sign was printed."""
        return self.printed[0] in "+-"

    def scale(self, unit: str) -> int | Decimal:
        """What one of its unit is, or of its column's ``unit`` if it has none."""
        return SCALES.get(self.unit or unit, 1)

    def with_unit(self, unit: str) -> str:
        """The figure as printed, with its unit or its column's."""
        return f"{self.printed} {self.unit or unit}".strip()


class PrintedCell(msgspec.Struct, frozen=True):
    """One cell as it is read."""

    text: str
    figure: PrintedFigure | None = None
    aside: PrintedFigure | None = None
    """The figure in parentheses after it, as in ``113 (1.41x)``."""
    marked: bool = False
    """A star or dagger says that something else holds for it than for its neighbours."""

    @property
    def dash(self) -> bool:
        """Whether the cell says that there is no figure."""
        return self.text.lower() in DASHES


def plain(text: str) -> str:
    """Text without the typography of minus signs, crosses and bold face."""
    for spelling, ours in _SPELT:
        text = text.replace(spelling, ours)
    text = re.sub(r"</?[A-Za-z][^>]*>", "", text)
    text = text.replace("\\*", "\x00").replace("**", "").replace("\x00", "*")
    return " ".join(text.split())


def read_cell(raw: str) -> PrintedCell:
    """A cell; text that is no figure, or an uncertain one such as ``~4`` or ``76±1``, has none."""
    text = plain(raw)
    match = _CELL.fullmatch(text)
    if match is None:
        return PrintedCell(text)
    aside = _FIGURE.fullmatch(match["aside"].strip()) if match["aside"] else None
    return PrintedCell(
        text,
        figure=_figure(match),
        aside=_figure(aside) if aside else None,
        marked=bool(match["marks"] or match["after"] or (aside and aside["marks"])),
    )


def _figure(match: re.Match[str]) -> PrintedFigure:
    unit = match["unit"] or ""
    return PrintedFigure(match["digits"].replace(" ", ""), "K" if unit == "k" else unit)


_ROUND_NUMBER = re.compile(r"[+-]?[\d,]*[1-9](00+)")


def range_of(figure: PrintedFigure, unit: str = "") -> Interval:
    """Every value that the digits stand for, whether they were rounded or cut off.

    A whole number that ends in two zeros or more may have been rounded to its last digit that
    is no zero.
    """
    own = figure.unit or unit
    scale = own if own in SCALES else ""
    ways: tuple[Rounding, ...] = ("round", "truncate")
    digits, power = _digits(figure.printed)
    ranges = [interval(digits, scale, way) for way in ways]
    return Interval(min(r.low for r in ranges) * power, max(r.high for r in ranges) * power)


def _digits(printed: str) -> tuple[str, int]:
    """The digits that are surely meant, and the power of ten that they are multiples of."""
    match = _ROUND_NUMBER.fullmatch(printed)
    if match is None:
        return printed, 1
    zeros = len(match[1])
    return printed.replace(",", "")[:-zeros], int(10**zeros)


LARGEST = 2_000_000
"""Bytes; a printed table is never longer."""
MOST_ROWS = 1_000
_FEWEST_ROWS = 2


class PrintedTable(msgspec.Struct, frozen=True):
    """A heading for each column, and rows of cells of the same number."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[PrintedCell, ...], ...]

    def figure(self, row: int, place: int) -> PrintedFigure | None:
        """The figure of a cell, by its row and its column's place."""
        return self.rows[row][place].figure

    def name(self, row: int) -> str:
        """What a row calls itself: its leading cells without figures, or its number."""
        words = []
        for cell in self.rows[row]:
            if cell.figure is not None:
                break
            words.append(cell.text)
        return " ".join(word for word in words if word) or f"row {row + 1}"


def read_tables(path: Path) -> list[PrintedTable]:
    """Every table of a file, by what its name ends in."""
    text = _text(path)
    suffix = path.suffix.lower()
    if suffix == ".tex":
        grids = _latex(text)
    elif suffix in (".md", ".markdown"):
        grids = _markdown(text)
    elif suffix in (".csv", ".tsv"):
        grids = [("", _csv(path, text))]
    else:
        raise BadInput(f"{path}: expected a .csv, .tsv, .md or .tex file.")
    found = [_table(path, title, grid) for title, grid in grids]
    if not found:
        raise BadInput(f"{path} holds no table.")
    return found


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


def _csv(path: Path, text: str) -> list[list[str]]:
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(",;\t|", key=first.count)
    try:
        return [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise BadInput(f"The table {path} cannot be read as CSV: {error}.") from error


def _markdown(text: str) -> list[tuple[str, list[list[str]]]]:
    """Pipe tables: runs of lines with bars, the second of which is a rule."""
    found: list[tuple[str, list[list[str]]]] = []
    block: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if "|" in line:
            cells = re.split(r"(?<!\\)\|", line.strip().removeprefix("|").removesuffix("|"))
            block.append([cell.replace("\\|", "|").strip() for cell in cells])
            continue
        if len(block) > _FEWEST_ROWS and all(re.fullmatch(r":?-+:?", c) for c in block[1]):
            found.append(("", [block[0], *block[2:]]))
        block = []
    return found


_TABULAR = re.compile(r"\\begin\{(tabular[*xy]?|longtable|tblr)\}(.*?)\\end\{\1\}", re.DOTALL)
_RULES = re.compile(
    r"\\(?:toprule|midrule|bottomrule|hline|endhead|endfoot|endfirsthead|endlastfoot)\b"
    r"|\\(?:cmidrule|cline)(?:\([^)]*\))?\{[^}]*\}|\\(?:addlinespace|rowcolor)(?:\[[^]]*\])?"
    r"(?:\{[^}]*\})?"
)


def _latex(text: str) -> list[tuple[str, list[list[str]]]]:
    text = re.sub(r"(?<!\\)%.*", "", text)
    found = []
    for match in _TABULAR.finditer(text):
        body = _without_arguments(match[2], stars=match[1] in ("tabular*", "tabularx", "tabulary"))
        body = _RULES.sub("", body)
        lines = re.split(r"\\\\(?:\[[^]]*\])?|\\tabularnewline", body)
        grid = [_latex_row(line) for line in lines if line.strip()]
        caption = re.search(r"\\caption\{((?:[^{}]|\{[^{}]*\})*)\}", text[match.end() :][:2000])
        before = re.findall(r"\\caption\{((?:[^{}]|\{[^{}]*\})*)\}", text[: match.start()][-2000:])
        said = before[-1] if before else caption[1] if caption else ""
        found.append((_detex(said), _filled_down(grid)))
    return found


def _without_arguments(body: str, *, stars: bool) -> str:
    """A tabular's body without its width and its column specification."""
    body = re.sub(r"^\s*\[[^]]*\]", "", body)
    for _ in range(2 if stars else 1):
        body, depth = body.lstrip(), 0
        for place, char in enumerate(body):
            depth += (char == "{") - (char == "}")
            if depth == 0:
                body = body[place + 1 :]
                break
    return body


def _latex_row(line: str) -> list[str]:
    cells: list[str] = []
    for cell in re.split(r"(?<!\\)&", line):
        span = re.match(r"\s*\\multicolumn\{(\d+)\}\{[^}]*\}", cell)
        cells += [_detex(cell)] * (min(int(span[1]), 50) if span else 1)
    return cells


def _filled_down(grid: list[list[str]]) -> list[list[str]]:
    """Names that span several rows stand in each of them."""
    for above, row in pairwise(grid):
        if len(row) > 1 and above and row[0] == "" and _MULTIROW in above[0]:
            row[0] = above[0]
    return [[cell.replace(_MULTIROW, "") for cell in row] for row in grid]


_MULTIROW = "\x01"
_POINTERS = re.compile(
    r"\\(?:cite\w*|ref|label|vspace|hspace|footnotemark)\*?\s*(?:\[[^]]*\])?\{[^}]*\}"
)


def _detex(text: str) -> str:
    """LaTeX as plain text: commands that only set type are dropped, their contents kept."""
    text = re.sub(r"\\multirow(?:\[[^]]*\])?\{[^}]*\}(?:\[[^]]*\])?\{[^}]*\}", _MULTIROW, text)
    text = re.sub(r"\\multicolumn\{\d+\}\{[^}]*\}", "", text)
    text = _POINTERS.sub("", text)
    words = {"times": "x", "Delta": "Δ", "pm": "±", "dagger": "†", "ddagger": "‡", "ast": "*",
             "uparrow": "↑", "downarrow": "↓", "sim": "~", "approx": "~", "star": "*"}  # fmt: skip
    for name, char in words.items():
        text = re.sub(rf"\\{name}(?![A-Za-z])", char, text)
    text = re.sub(r"\\([%&#_$])", r"\1", text)
    text = re.sub(r"\\[,;:! ]|~", " " if "\\" in text else "~", text)
    text = re.sub(r"\\[A-Za-z]+\*?", "", text)
    return " ".join(re.sub(r"[{}$]|(?<=\D)\^(?=[*†‡])", "", text).split())


def _table(path: Path, title: str, grid: list[list[str]]) -> PrintedTable:
    if len(grid) > MOST_ROWS:
        raise BadInput(
            f"{path}: the table has {len(grid):,} rows; give at most {MOST_ROWS:,} rows."
        )
    width = max((len(row) for row in grid), default=0)
    padded = [[*row, *[""] * (width - len(row))] for row in grid]
    cells = [tuple(read_cell(text) for text in row) for row in padded]
    first = next((i for i, row in enumerate(cells) if _has_figures(row)), len(cells))
    if first == 0 or width < 2:  # noqa: PLR2004  # names and figures
        raise BadInput(f"{path}: the table has no heading row above its figures.")
    if first == len(cells):
        raise BadInput(f"{path}: the table has no figures.")
    heads = [" ".join(dict.fromkeys(filter(None, (plain(row[i]) for row in padded[:first]))))
             for i in range(width)]  # fmt: skip
    rows = tuple(row for row in cells[first:] if any(cell.figure for cell in row))
    return PrintedTable(plain(title), tuple(heads), rows)


def _has_figures(row: tuple[PrintedCell, ...]) -> bool:
    return any(cell.figure is not None for cell in row[1:])
