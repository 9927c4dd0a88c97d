"""A table as LaTeX: booktabs, as wide as a column of a paper, with all that is said escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from vtbench.report.aligned import DIGIT, OTHER, POINT, aligned
from vtbench.report.code import spelt
from vtbench.report.table import Column, Table, explained
from vtbench.report.units import ABSENT, MINUS

LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "≥": r"$\geq$",
    "×": r"$\times$",
    "−": r"$-$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "—": "--",
    "…": r"\ldots{}",
    "†": r"$\dagger$",
    "≤": r"$\leq$",
    DIGIT: r"\phantom{0}",
    POINT: r"\phantom{.}",
    OTHER: r"\phantom{x}",
}
COLUMN_PT, PAGE_PT = 242.0, 498.0
"""Widths of a column of 8.5 cm and of a page with two, in TeX's points."""
PT_PER_CM = 28.45
GAP_PT = 12.0
"""Twice \\tabcolsep."""
WIDTHS = {
    **dict.fromkeys(" .,:;'!ijl|", 3.0),
    **dict.fromkeys("()[]rstf/-", 3.9),
    **dict.fromkeys("ace", 4.7),
    **dict.fromkeys("0123456789", 5.0),
    **dict.fromkeys("wABCDEFGHJKLNOPQRSTUVXYZ&_±×", 7.4),
    **dict.fromkeys("mMW%#~", 9.0),
}
USUAL = 5.2
"""Widths of characters in points, in a face of 10 pt: those above, and of all others."""
BLANK = r"\\phantom\{(.)\}"
BLANKS = re.compile(r"(?:\\phantom\{.\})+")
FIGURE = re.compile(rf"{MINUS}?\d[\d,]*(\.\d+)?")


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """How a table is set in a paper."""

    wide: bool = False
    """Whether it spans both columns of a page."""
    siunitx: bool = False
    """Whether figures stand in the S columns of siunitx."""


def latex_table(table: Table, paper: Paper) -> str:
    """A booktabs table; the caption says what was counted, and under which conditions."""
    fitted, said = _fitted(table, paper)
    fitted = explained(fitted)
    figures = [paper.siunitx and _is_figures(fitted, at) for at in range(len(fitted.columns))]
    needs = [r"\usepackage{booktabs}", *([r"\usepackage{siunitx}"] if any(figures) else [])]
    said_first = (table.title, *(each.replace(" · ", ", ") for each in table.conditions))
    caption = ". ".join(tex(each) for each in said_first if each)
    name = "table*" if paper.wide else "table"
    lines = [
        f"% needs {' and '.join(needs)}",
        *(f"% {each}" for each in said),
        rf"\begin{{{name}}}",
        r"\centering",
        rf"\caption{{{caption}.}}",
        *([rf"\label{{tab:{table.key}}}"] if table.key else []),
        r"\smallskip",
        *_tabular(fitted, figures),
        *_below(fitted.notes, table.cites),
        rf"\end{{{name}}}",
    ]
    return "\n".join(lines)


def _tabular(table: Table, figures: Sequence[bool]) -> list[str]:
    specs = [
        _figures_spec(table, at) if figure else "l" if column.align == "left" else "r"
        for at, (column, figure) in enumerate(zip(table.columns, figures, strict=True))
    ]
    cells = [
        _column(column, [row[at] for row in table.rows], figure=figure)
        for at, (column, figure) in enumerate(zip(table.columns, figures, strict=True))
    ]
    heads = [
        f"{{{tex(column.head)}}}" if figure else tex(column.head)
        for column, figure in zip(table.columns, figures, strict=True)
    ]
    return [
        rf"\begin{{tabular}}{{@{{}}{''.join(specs)}@{{}}}}",
        r"\toprule",
        " & ".join(heads) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in zip(*cells, strict=True)),
        r"\bottomrule",
        r"\end{tabular}",
    ]


def _column(column: Column, cells: Sequence[str], *, figure: bool) -> list[str]:
    if figure:
        return [_figure(cell) for cell in cells]
    if column.align != "decimal":
        return [tex(cell) for cell in cells]
    return [BLANKS.sub(_one_phantom, tex(cell)) for cell in aligned(cells)]


def _one_phantom(found: re.Match[str]) -> str:
    """Blanks that follow each other, as one."""
    return rf"\phantom{{{''.join(re.findall(BLANK, found[0]))}}}"


def _below(notes: Sequence[str], cites: str) -> list[str]:
    """The notes below the rule, as wide as the column that the table stands in."""
    said = [tex(note) for note in notes if note]
    if not said:
        return []
    if cites:
        said[-1] = rf"{said[-1].removesuffix('.')}~\cite{{{cites}}}."
    return [
        r"\par\smallskip",
        r"\parbox{\linewidth}{\footnotesize\raggedright",
        *(f"{note}{chr(92)}par" for note in said),
        "}",
    ]


def _fitted(table: Table, paper: Paper) -> tuple[Table, list[str]]:
    """The table without columns that do not fit and may be left out, and what was done."""
    room = PAGE_PT if paper.wide else COLUMN_PT
    kept = list(range(len(table.columns)))
    gone: list[int] = []
    while _width(table, kept) > room:
        drops = [at for at in kept if table.columns[at].drop]
        if not drops:
            break
        gone.append(max(drops, key=lambda at: (table.columns[at].drop, at)))
        kept.remove(gone[-1])
    said = []
    if gone and not table.key:
        kept, gone = list(range(len(table.columns))), []
    if gone:
        names = ", ".join(_one_line(table.columns[at].head) for at in sorted(gone))
        more = "" if paper.wide else "; --wide makes a table* that spans both columns"
        said.append(f"left out to fit: {names}{more}")
    width = _width(table, kept)
    if table.key and width > room:
        where = "a page" if paper.wide else "one column"
        remedy = "show fewer columns" if paper.wide else "--wide makes a table* for both columns"
        said.append(f"about {width / PT_PER_CM:.1f} cm wide, which is more than {where}; {remedy}")
    return (
        msgspec.structs.replace(
            table,
            columns=tuple(table.columns[at] for at in kept),
            rows=tuple(tuple(row[at] for at in kept) for row in table.rows),
        ),
        said,
    )


def _width(table: Table, kept: Sequence[int]) -> float:
    """The width of some columns, in points, as near as one can tell without setting them."""
    cells = ([table.columns[at].head, *(row[at] for row in table.rows)] for at in kept)
    return sum(max(map(_set_width, column)) for column in cells) + GAP_PT * (len(kept) - 1)


def _set_width(text: str) -> float:
    return sum(WIDTHS.get(char, USUAL) for char in text)


def _is_figures(table: Table, at: int) -> bool:
    """Whether siunitx can set a column: nothing but numbers, or no number at all in a cell."""
    cells = [row[at] for row in table.rows]
    known = [cell for cell in cells if cell != ABSENT]
    decimal = table.columns[at].align == "decimal"
    return decimal and bool(known) and all(map(FIGURE.fullmatch, known))


def _figures_spec(table: Table, at: int) -> str:
    cells = [_figure(row[at]) for row in table.rows if row[at] != ABSENT]
    wholes, _, fractions = zip(*(cell.partition(".") for cell in cells), strict=True)
    minus = "-" if any(whole.startswith("-") for whole in wholes) else ""
    most = max(len(whole.lstrip("-")) for whole in wholes)
    return f"S[table-format={minus}{most}.{max(map(len, fractions))}]"


def _figure(cell: str) -> str:
    """A number as siunitx reads it."""
    return "{--}" if cell == ABSENT else cell.replace(",", "").replace(MINUS, "-")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def tex(text: str) -> str:
    """Text that TeX sets as it stands; what stands between backticks is code."""
    body = " ".join(text.lstrip(" ").splitlines())
    indent = r"\quad " * ((len(text) - len(text.lstrip(" "))) // 2)
    return indent + spelt(body, _words, lambda code: rf"\texttt{{{_words(code)}}}")


def _words(text: str) -> str:
    """Characters that TeX would read as markup, and hyphens, which it would join to a dash."""
    parts = re.split(r"(?<=-)(?=-)", text)
    return "{}".join("".join(LATEX.get(char, char) for char in part) for part in parts)
