"""Fitting a table to a page: which columns stay, and how names are shortened."""

from __future__ import annotations

import msgspec
from rich.cells import cell_len

from vtbench.report.table import Table

GAP = 2
"""Blank cells between two columns."""
ELLIPSIS = "…"
NARROWEST = 12
"""Cells of a name that its indentation may not take."""


def shorten(text: str, width: int) -> str:
    """A name cut in the middle, because paths differ at both ends; indentation stays."""
    if cell_len(text) <= width:
        return text
    if width < 1:
        return ""
    body = text.lstrip()
    indent = min(len(text) - len(body), max(0, width - NARROWEST))
    keep = width - indent - 1
    tail = keep // 2
    return " " * indent + body[: keep - tail] + ELLIPSIS + (body[-tail:] if tail else "")


def fit(table: Table, width: int) -> Table:
    """The table in at most ``width`` cells; columns that had to go are named below it."""
    kept = list(range(len(table.columns)))
    while _narrowest(table, kept) > width:
        drops = [i for i in kept if table.columns[i].drop]
        if not drops:
            break
        kept.remove(max(drops, key=lambda i: (table.columns[i].drop, i)))
    gone = [table.columns[i].head for i in range(len(table.columns)) if i not in kept]
    notes = table.notes
    if gone:
        notes += (f"Left out at this width: {', '.join(gone).removesuffix('.')}.",)
    widths = _widths(table, kept, width)
    rows = tuple(tuple(shorten(row[i], widths[i]) for i in kept) for row in table.rows)
    columns = tuple(
        msgspec.structs.replace(table.columns[i], head=shorten(table.columns[i].head, widths[i]))
        for i in kept
    )
    return msgspec.structs.replace(table, columns=columns, rows=rows, notes=notes)


def _natural(table: Table, index: int) -> int:
    cells = (cell_len(row[index]) for row in table.rows)
    return max(cell_len(table.columns[index].head), *cells, 1)


def _narrowest(table: Table, kept: list[int]) -> int:
    """The width that a table needs when its names are as short as they may be."""
    natural = {i: _natural(table, i) for i in kept}
    columns = table.columns
    need = (min(w, columns[i].least) if columns[i].shrink else w for i, w in natural.items())
    return sum(need) + GAP * (len(kept) - 1)


def _widths(table: Table, kept: list[int], width: int) -> dict[int, int]:
    """Column widths: natural ones, with the widest names giving way first."""
    widths = {i: _natural(table, i) for i in kept}
    over = sum(widths.values()) + GAP * (len(kept) - 1) - width
    names = [i for i in kept if table.columns[i].shrink]
    while over > 0 and names:
        widest = max(names, key=lambda i: widths[i])
        if widths[widest] <= 1:
            break
        widths[widest] -= 1
        over -= 1
    return widths
