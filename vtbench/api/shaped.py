"""Results whose tables have a row for each workload, and can be shaped as for a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from vtbench.api.public import refuse_unknown, speaking_of_keywords
from vtbench.api.shown import Shown
from vtbench.report.latex import Paper
from vtbench.report.shape import ShapedRendering, shape_asked

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Shaping(TypedDict, total=False):
    """What is asked of a table, by the names of the options of the commands."""

    columns: str | Sequence[str]
    digits: int
    labels: Mapping[str, str]
    sort: str
    top: int
    cite: bool


class Shaped(Shown):
    """A result whose table can have other columns, names and rows."""

    def table(self, *, width: int = 80, **shaping: Unpack[Shaping]) -> str:
        """The tables that the command prints, as text, or the one table that is asked for.

        ``columns`` are shown, ``digits`` is the number of decimals, ``labels`` are names for
        models, ``sort`` is a column ("macs", or "macs:desc"), ``top`` the number of rows, and
        ``cite`` adds a note on how the figures were made.
        """
        return self.shaped({}, shaping, width=width)

    def to_latex(
        self, *, wide: bool = False, siunitx: bool = False, **shaping: Unpack[Shaping]
    ) -> str:
        """One table as LaTeX, with booktabs; ``wide`` makes a table* for both columns of a page.

        ``siunitx`` sets figures in S columns; the other options are those of ``table``.
        """
        paper = Paper(wide=wide, siunitx=siunitx)
        return self.shaped({}, shaping, format="latex", paper=paper)

    def shaped(self, view: Mapping[str, Any], shaping: Shaping, **page: Any) -> str:
        """The document of a view, of which a table is shaped."""
        refuse_unknown("a table", shaping, Shaping.__annotations__)
        columns, labels = shaping.get("columns"), shaping.get("labels") or {}
        if columns is not None and not isinstance(columns, str):
            columns = ",".join(columns)
        with speaking_of_keywords():
            shape = shape_asked(
                columns=columns
                if columns is None or isinstance(columns, str)
                else ",".join(columns),
                digits=shaping.get("digits"),
                labels=[f"{model}={name}" for model, name in labels.items()],
                sort=shaping.get("sort"),
                top=shaping.get("top"),
            )
            asked = ShapedRendering(shape=shape, cite=shaping.get("cite", False), **page)
            return self.document(asked, **view)
