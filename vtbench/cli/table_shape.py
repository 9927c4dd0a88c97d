"""Options of every command that prints a table of workloads: its columns, order, rows and names."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from vtbench.cli.groups import Group
from vtbench.cli.written import Written
from vtbench.errors import BadOption
from vtbench.report.latex import Paper
from vtbench.report.shape import Shape, shape_asked

ROWS = "rows"
"""Said of ``--across``: a row per measurement, whatever axes there are."""

Cite = Annotated[
    bool,
    typer.Option(
        "--cite", help="Add a note that says how the figures were made, and a BibTeX entry."
    ),
]


class TableShape(Group, frozen=True, kw_only=True):
    """How a table of workloads is to look."""

    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="A,B",
            help="Show these columns, by their headings or their names in CSV; what tells rows "
            "apart stays.",
        ),
    ] = None
    digits: Annotated[
        int | None,
        typer.Option(
            "--digits",
            metavar="N",
            help="Decimals of every figure that is not whole (default: as many as suit it).",
        ),
    ] = None
    label: Annotated[
        list[str] | None,
        typer.Option(
            "--label",
            metavar="MODEL=NAME",
            help="Call a model NAME in tables; MODEL:OPTION=VALUE=NAME names one of several "
            "workloads of a model. Repeatable.",
        ),
    ] = None
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN[:desc]",
            help="Sort rows by a column, ascending, or descending with :desc; rows without a "
            "figure come last.",
        ),
    ] = None
    top: Annotated[
        int | None,
        typer.Option("--top", metavar="N", help="Show the first N rows, after --sort."),
    ] = None
    wide: Annotated[
        bool,
        typer.Option(
            "--wide", help="With --format latex, make a table* that spans both columns of a page."
        ),
    ] = False
    siunitx: Annotated[
        bool,
        typer.Option(
            "--siunitx", help="With --format latex, set figures in the S columns of siunitx."
        ),
    ] = False

    def shape(self) -> Shape:
        """What is asked of the table, once it is sure that it makes sense."""
        return shape_asked(
            columns=self.columns,
            digits=self.digits,
            labels=self.label or (),
            sort=self.sort,
            top=self.top,
        )

    def on_paper(self, written: Written) -> Written:
        """Where the document goes, with how LaTeX is to set its table."""
        for option, given in (("--wide", self.wide), ("--siunitx", self.siunitx)):
            if given and written.rendering.format != "latex":
                raise BadOption(f"{option} is for LaTeX; add --format latex, or leave it out.")
        paper = Paper(wide=self.wide, siunitx=self.siunitx)
        rendering = msgspec.structs.replace(written.rendering, paper=paper)
        return msgspec.structs.replace(written, rendering=rendering)


def refuse_beside_axis(shape: Shape, *, across: str | None, show: str | None = None) -> None:
    """Rows cannot be chosen in a table that has the values of an axis in its columns."""
    given = "--across" if across not in (None, ROWS) else "--show" if show is not None else None
    if shape.of_rows and given is not None:
        raise BadOption(
            f"{given} makes a table with an axis in its columns, and --columns, --sort and --top "
            f"are for one with a row per result; leave out {given}."
        )
