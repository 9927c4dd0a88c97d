"""What a reader asks of a table of workloads: which columns, in which order, how many rows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import msgspec

from vtbench.data.notice import Notice
from vtbench.data.spelling import closest
from vtbench.errors import BadOption
from vtbench.report.document import Rendering
from vtbench.report.figures import is_absent
from vtbench.report.labels import Label
from vtbench.report.sheet import Sheet, SheetColumn, as_table, as_values
from vtbench.report.table import Table

MOST_PLACES = 12
_DIRECTIONS = {"asc": False, "desc": True}


class Sort(msgspec.Struct, frozen=True):
    """By which column rows are put in order."""

    column: str
    descending: bool = False


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a table; nothing asked leaves it as it is."""

    columns: tuple[str, ...] = ()
    """Columns by their names in CSV or their headings; none are the default ones."""
    places: int | None = None
    """Decimals of every figure that has some; None is as many as fit the figure."""
    labels: tuple[Label, ...] = ()
    """What readers call the workloads."""
    sort: Sort | None = None
    top: int | None = None
    """The number of rows; None is all of them."""

    @property
    def asked(self) -> bool:
        """Whether anything is asked for."""
        return self != Shape()

    @property
    def of_rows(self) -> bool:
        """Whether rows of workloads are chosen, and not only how they are written."""
        return bool(self.columns or self.sort or self.top)


def shape_asked(
    *,
    columns: str | None,
    digits: int | None,
    labels: Sequence[str],
    sort: str | None,
    top: int | None,
) -> Shape:
    """A shape from what was typed, once it is sure that it makes sense."""
    if top is not None and top < 1:
        raise BadOption(f"--top: expected a positive integer, got {top}.")
    if digits is not None and not 0 <= digits <= MOST_PLACES:
        raise BadOption(f"--digits: expected 0 to {MOST_PLACES}, got {digits}.")
    return Shape(
        columns=_names(columns),
        places=digits,
        labels=tuple(map(Label, labels)),
        sort=_sort(sort),
        top=top,
    )


def _names(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise BadOption(f"--columns: expected names separated by commas, got {text!r}.")
    return names


def _sort(text: str | None) -> Sort | None:
    if text is None:
        return None
    column, colon, direction = text.rpartition(":")
    if colon and direction.strip().lower() in _DIRECTIONS:
        return Sort(column.strip(), _DIRECTIONS[direction.strip().lower()])
    if not text.strip():
        raise BadOption(f"--sort: expected a column, got {text!r}.")
    return Sort(text.strip())


class ShapedRendering(Rendering, frozen=True, kw_only=True):
    """How tables of workloads are to look."""

    shape: Shape = Shape()
    cite: bool = False
    """Whether a note and a BibTeX entry say how the figures were made."""

    @property
    def one_table(self) -> bool:
        """Whether there is to be one table and nothing beside it, as for a paper."""
        return self.shape.asked or self.format == "latex"


def shaped(sheet: Sheet, shape: Shape) -> Sheet:
    """The sheet with the columns, the order and the rows that were asked for."""
    return _top(_columns(_sorted(sheet, shape.sort), shape.columns), shape.top)


def shaped_table(sheet: Sheet, shape: Shape) -> Table:
    """What readers see of it."""
    return as_table(shaped(sheet, shape), shape.places)


def shaped_values(sheet: Sheet, shape: Shape) -> Table:
    """What programs read of it; that rows are left out is said apart, for lack of a place."""
    made = shaped(sheet, shape)
    if len(made.rows) < len(sheet.rows):
        warnings.warn_explicit(made.notes[-1], Notice, "vtbench", 1)
    return as_values(made)


def refuse_unknown(sheet: Sheet, shape: Shape, later: Sequence[str] = ()) -> None:
    """Refuse columns that there are not, before any work is done for them.

    ``later`` are beginnings of names that only results have.
    """
    asked = [("--columns", name) for name in shape.columns]
    asked += [("--sort", shape.sort.column)] if shape.sort is not None else []
    for option, name in asked:
        if not (later and name.startswith(tuple(later))):
            column_named(sheet, name, option)


def column_named(sheet: Sheet, name: str, option: str) -> SheetColumn:
    """The column of that name or heading, in this spelling or, failing that, in any case."""
    exact, bare = name.strip(), name.strip().partition(" (")[0]
    for spelt in (str, str.casefold):
        for column in sheet.columns:
            if spelt(exact) == spelt(column.name) or spelt(bare) == spelt(column.heading):
                return column
    names = list(dict.fromkeys(column.name for column in sheet.columns))
    near = closest(exact, [*names, *(column.heading for column in sheet.columns)])
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    raise BadOption(f"{option}: there is no column {exact!r}.{meant} There are {', '.join(names)}.")


def _columns(sheet: Sheet, names: Sequence[str]) -> Sheet:
    """The sheet, of which readers and programs see just these columns.

    What tells rows apart stands first as far as it is needed for that.
    """
    if not names:
        return sheet
    picked = list(dict.fromkeys(column_named(sheet, name, "--columns") for name in names))
    telling = [column for column in sheet.columns if column.tells and column.shown]
    before: list[SheetColumn] = []
    for column in telling:
        known = [each for each in (*before, *picked) if each.tells]
        model = column is telling[0] and len({cell.value for cell in sheet.column(column.name)}) > 1
        if column not in picked and (model or _alike(sheet, known)):
            before.append(column)
    chosen = [*before, *picked]
    order = [*chosen, *(column for column in sheet.columns if column not in chosen)]
    places = [sheet.columns.index(column) for column in order]
    return msgspec.structs.replace(
        sheet,
        columns=tuple(
            msgspec.structs.replace(column, shown=True, flat=True, drop=0, rank=0)
            if column in chosen
            else msgspec.structs.replace(column, shown=False, flat=False)
            for column in order
        ),
        rows=tuple(tuple(row[place] for place in places) for row in sheet.rows),
    )


def _alike(sheet: Sheet, telling: Sequence[SheetColumn]) -> bool:
    """Whether these columns are too few to tell the rows apart."""
    places = [sheet.columns.index(column) for column in telling]
    seen = {tuple(repr(row[place].value) for place in places) for row in sheet.rows}
    return not telling or len(seen) < len(sheet.rows)


def _sorted(sheet: Sheet, sort: Sort | None) -> Sheet:
    """The rows in order; those without a figure come last, in either direction."""
    if sort is None:
        return sheet
    column = column_named(sheet, sort.column, "--sort")
    place = sheet.columns.index(column)
    known = [row for row in sheet.rows if not is_absent(row[place].value)]
    unknown = [row for row in sheet.rows if is_absent(row[place].value)]
    known.sort(key=lambda row: _rank(row[place].value), reverse=sort.descending)
    way = "descending" if sort.descending else "ascending"
    return msgspec.structs.replace(
        sheet,
        rows=(*known, *unknown),
        notes=(*sheet.notes, f"Sorted by {column.heading}, {way}."),
    )


def _rank(value: Any) -> tuple[Any, ...]:
    """Numbers by size, before words; figures within words by size too, so that 8 is below 16."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (0, value)
    parts = re.split(r"(\d+)", str(value).casefold())
    return (1, [(int(part), "") if part.isdigit() else (0, part) for part in parts])


def _top(sheet: Sheet, top: int | None) -> Sheet:
    """The first rows, and how many there are beside them."""
    left = len(sheet.rows) - (top or len(sheet.rows))
    if top is None or left <= 0:
        return sheet
    are = "is" if left == 1 else "are"
    said = f"The first {top} of {len(sheet.rows)} rows; {left} {are} left out."
    return msgspec.structs.replace(sheet, rows=sheet.rows[:top], notes=(*sheet.notes, said))
