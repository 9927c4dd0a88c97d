"""Tables as text: fitted to a page for the terminal; markdown, LaTeX, CSV and notebooks."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, Literal

import msgspec
from rich.cells import cell_len

from vtbench.data.visible import no_formula, visible
from vtbench.report.aligned import PLAIN, aligned
from vtbench.report.code import spelt
from vtbench.report.console import console
from vtbench.report.latex import Paper, latex_table
from vtbench.report.table import Column, Table, explained

Style = Literal["table", "markdown", "csv", "latex", "html"]

COLUMN = Paper()
UNBOUNDED = 100_000
MARKDOWN = re.compile(r"([\\|`*_<>\[\]])")
BLOCK = re.compile(r"^(\d*)(#(?=#*(?:\s|$))|[+-](?=\s|$)|(?<=\d)[.)](?=\s|$)|-(?=--+\s*$))")
"""The beginning of a line that is a heading, a list or a rule in markdown."""


def render(
    tables: Sequence[Table],
    style: Style,
    *,
    width: int = 80,
    color: bool = False,
    paper: Paper = COLUMN,
) -> str:
    """Tables one after the other; only the terminal has a width, and only it has colour."""
    tables = [_visible(table) for table in tables]
    if style != "latex":  # a caption stands alone; elsewhere what was said once holds on
        tables = _said_once(tables)
    if style == "table":
        return "\n\n".join(_terminal(table, width, color=color) for table in tables)
    if style == "latex":
        return "\n\n".join(latex_table(table, paper) for table in tables)
    make = {"markdown": _markdown, "csv": _csv, "html": _html}[style]
    return "\n\n".join(make(table).rstrip("\n") for table in tables)


def _visible(table: Table) -> Table:
    """The table, in which nothing acts on a terminal or a page; what files say stands in it."""
    return Table(
        title=visible(table.title),
        key=table.key,
        columns=tuple(
            msgspec.structs.replace(column, head=visible(column.head), note=visible(column.note))
            for column in table.columns
        ),
        rows=tuple(tuple(map(visible, row)) for row in table.rows),
        conditions=tuple(map(visible, table.conditions)),
        notes=tuple(map(visible, table.notes)),
        cites=table.cites,
    )


def _said_once(tables: Sequence[Table]) -> list[Table]:
    """The tables, with conditions only where they differ from those of the table before."""
    before = [(), *(table.conditions for table in tables)]
    return [
        msgspec.structs.replace(table, conditions=()) if table.conditions == said else table
        for table, said in zip(tables, before, strict=False)
    ]


def _terminal(table: Table, width: int, *, color: bool) -> str:
    """A page that rich draws; the layout is settled before, so that nothing wraps."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Drawn
    from rich.text import Text

    page = _justified(explained(fit(_with_points(table, plain=True), width)))
    drawing = io.StringIO()
    look: dict[str, Any] = {
        "force_terminal": color,
        "color_system": "standard" if color else None,
        "highlight": False,
        "legacy_windows": False,
    }
    paper = console(drawing, width=max(width, 20), **look)
    if page.title:
        paper.print(Text(page.title, style="bold"))
    for line in filter(None, page.conditions):
        paper.print(Text(line, style="dim"), Text(""), sep="\n")
    drawn = Drawn(
        box=SIMPLE_HEAD,
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="bold",
        show_header=any(column.head for column in page.columns),
    )
    for column in page.columns:
        justify: Literal["left", "right"] = "right" if column.align == "right" else "left"
        drawn.add_column(Text(column.head), justify=justify, no_wrap=True, overflow="crop")
    for row in page.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    if page.rows:
        # The columns fit already, or cannot; a long line is better than a cut figure.
        console(drawing, width=UNBOUNDED, **look).print(drawn, crop=False)
    notes = [note for note in page.notes if note]
    if notes and page.rows:
        paper.print()
    for note in notes:
        paper.print(Text(note))
    lines = drawing.getvalue().rstrip("\n").splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _with_points(table: Table, *, plain: bool) -> Table:
    """The table, in whose columns of figures the points stand below each other."""
    columns = [
        aligned([row[at] for row in table.rows])
        if column.align == "decimal"
        else [row[at] for row in table.rows]
        for at, column in enumerate(table.columns)
    ]
    rows = zip(*columns, strict=True)
    return msgspec.structs.replace(
        table,
        rows=tuple(tuple(cell.translate(PLAIN) if plain else cell for cell in row) for row in rows),
    )


def _markdown(table: Table) -> str:
    table = explained(table)
    lines = [f"### {_mark(table.title)}", ""] if table.title else []
    lines += [line for said in filter(None, table.conditions) for line in (_paragraph(said), "")]
    if table.rows:
        lines.append(_marked_row([column.head for column in table.columns]))
        rule = (":---" if column.align == "left" else "---:" for column in table.columns)
        lines.append("| " + " | ".join(rule) + " |")
        lines += map(_marked_row, table.rows)
    notes = [f"- {_paragraph(note)}" for note in filter(None, table.notes)]
    return "\n".join([*lines, *([""] if notes and lines and lines[-1] else []), *notes])


def _paragraph(text: str) -> str:
    """Text that markdown takes for one, whatever it begins with."""
    return BLOCK.sub(r"\1\\\2", _mark(text))


def _marked_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_mark(cell, _code_in_row) for cell in cells)} |"


def _code(code: str) -> str:
    return f"`{code}`"


def _code_in_row(code: str) -> str:
    """Code in a row of a table, where a bar ends the cell even so."""
    return _code(code.replace("|", r"\|"))


def _mark(text: str, code: Callable[[str], str] = _code) -> str:
    """Text that markdown shows as it stands; indentation survives as fixed blanks."""
    body = text.lstrip(" ")
    said = spelt(" ".join(body.splitlines()), lambda words: MARKDOWN.sub(r"\\\1", words), code)
    return "&nbsp;" * (len(text) - len(body)) + said


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([no_formula(column.head) for column in table.columns])
    writer.writerows([map(no_formula, row) for row in table.rows])
    return text.getvalue()


def _html(table: Table) -> str:
    table = _with_points(explained(table), plain=False)

    def line(cells: Sequence[str], tag: str) -> str:
        made = (
            f'<{tag} style="text-align:{_side(column)};white-space:pre">{_web(cell)}</{tag}>'
            for column, cell in zip(table.columns, cells, strict=True)
        )
        return f"<tr>{''.join(made)}</tr>"

    title = f"<h4>{_web(table.title)}</h4>" if table.title else ""
    said = "".join(f"<p>{_web(text)}</p>" for text in filter(None, table.conditions))
    below = "".join(f"<p>{_web(text)}</p>" for text in filter(None, table.notes))
    if not table.rows:
        return f"{title}{said}{below}"
    heads = [column.head for column in table.columns]
    head = f"<thead>{line(heads, 'th')}</thead>" if any(heads) else ""
    body = "".join(line(row, "td") for row in table.rows)
    return f"{title}{said}<table>{head}<tbody>{body}</tbody></table>{below}"


def _justified(table: Table) -> Table:
    """The table with blanks before its figures, because rich would strip those behind them."""
    widths = {
        at: _natural(table, at)
        for at, column in enumerate(table.columns)
        if column.align == "decimal"
    }

    def cells(row: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            " " * (widths.get(at, 0) - cell_len(cell)) + cell for at, cell in enumerate(row)
        )

    heads = cells([column.head for column in table.columns])
    return msgspec.structs.replace(
        table,
        columns=tuple(
            msgspec.structs.replace(column, head=head)
            for column, head in zip(table.columns, heads, strict=True)
        ),
        rows=tuple(map(cells, table.rows)),
    )


def _side(column: Column) -> str:
    return "left" if column.align == "left" else "right"


def _web(text: str) -> str:
    """Text that a page shows as it stands."""
    return spelt(text, escape, lambda code: f"<code>{escape(code)}</code>")


GAP = 2
"""Blank cells between two columns."""
SHORTEST = 14
"""Cells that a column of names keeps before it is left out."""
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
        last = max(drops, key=lambda i: (table.columns[i].drop, i))
        if table.columns[last].shrink and _narrowest(table, kept, short=last) <= width:
            break  # a little of it says more than nothing
        kept.remove(last)
    gone = [table.columns[i].head for i in range(len(table.columns)) if i not in kept]
    notes = table.notes
    if gone:
        notes += (f"Hidden to fit {width} columns: {', '.join(gone).removesuffix('.')}.",)
    names = [i for i in kept if table.columns[i].shrink]
    others = _narrowest(table, [i for i in kept if i not in names]) + (GAP + 1) * len(names)
    # names are not cut for a line that is too long even so
    widths = _widths(table, kept, width if others <= width else _narrowest(table, kept))
    rows = tuple(tuple(shorten(row[i], widths[i]) for i in kept) for row in table.rows)
    columns = tuple(
        msgspec.structs.replace(table.columns[i], head=shorten(table.columns[i].head, widths[i]))
        for i in kept
    )
    return msgspec.structs.replace(table, columns=columns, rows=rows, notes=notes)


def _natural(table: Table, index: int) -> int:
    cells = (cell_len(row[index]) for row in table.rows)
    return max(cell_len(table.columns[index].head), *cells, 1)


def _narrowest(table: Table, kept: list[int], short: int | None = None) -> int:
    """The width that a table needs when its names, and one of them in particular, are short."""
    natural = {i: _natural(table, i) for i in kept}
    columns = table.columns
    least = {i: SHORTEST if i == short else columns[i].least for i in kept}
    need = (min(w, least[i]) if columns[i].shrink else w for i, w in natural.items())
    return sum(need) + GAP * (len(kept) - 1)


def _widths(table: Table, kept: list[int], width: int) -> dict[int, int]:
    """Column widths: natural ones; the widest names give way first, down to their least width.

    Only if that is not enough do they become narrower still.
    """
    widths = {i: _natural(table, i) for i in kept}
    over = sum(widths.values()) + GAP * (len(kept) - 1) - width
    names = [i for i in kept if table.columns[i].shrink]
    while over > 0 and names:
        wide = [i for i in names if widths[i] > table.columns[i].least] or names
        widest = max(wide, key=lambda i: widths[i])
        if widths[widest] <= 1:
            break
        widths[widest] -= 1
        over -= 1
    return widths
