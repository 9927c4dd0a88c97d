"""What every result of the Python interface can be seen as; the one place that asks for renderings.

A result has a document, which is that of its command, and may have a chart. Text, JSON, LaTeX, the
table of a notebook and the figure follow from these.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from vtbench.api.public import speaking_of_keywords
from vtbench.errors import UsageError
from vtbench.report import plot
from vtbench.report.chart import Chart
from vtbench.report.chart_scales import rescaled, scales_of
from vtbench.report.document import Rendering

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Shown(ABC):
    """A result: it prints as the command does, and a notebook shows its tables."""

    @abstractmethod
    def document(self, asked: Rendering) -> str:
        """The document of the command, in any format that it has."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The figures as a pandas frame."""

    @abstractmethod
    def chart(self) -> Chart:
        """What ``plot`` draws, as data; a UsageError says what can be drawn if there is nothing."""

    def table(self, *, width: int = 80) -> str:
        """The tables that the command prints, as text."""
        return self.document(Rendering(width=width))

    def to_dict(self) -> dict[str, Any]:
        """The object that the command prints with ``--format json``."""
        return _read(self.document(Rendering(format="json")))

    def to_latex(self) -> str:
        """The tables as LaTeX, with booktabs."""
        return self.document(Rendering(format="latex"))

    def plot(self, *, scale: str | None = None, width: plot.PlotWidth = "page") -> Figure:
        """The figure, of matplotlib; ``.savefig("name.png")`` keeps it.

        ``scale`` is linear or log for each axis, such as "x=log,y=linear" (default: as the values
        need it), and ``width`` that of a column or of a page of a paper.
        """
        with speaking_of_keywords():
            return drawn(self.chart(), scale, width)

    def __repr__(self) -> str:
        """The tables."""
        return self.table()

    def _repr_html_(self) -> str:
        """The tables as a notebook shows them."""
        return self.document(Rendering(format="html"))


def drawn(chart: Chart, scale: str | None, width: plot.PlotWidth) -> Figure:
    """A chart as a figure, on the scales and as wide as asked for."""
    figure: Figure = plot.figure(rescaled(chart, scales_of(scale)), plot.Look(width=width))
    return figure


def nothing_to_draw(why: str) -> NoReturn:
    """Refuse a figure, and say of what there is one."""
    raise UsageError(
        f"{why}, so there is no figure. Figures are for a sweep, measurements of several models "
        "or conditions, a comparison, a closed form over sizes, and a count by stage or module."
    )


def frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pd.DataFrame:
    """Rows as a pandas frame in which whole numbers stay whole, also beside absent ones."""
    import pandas as pd  # imported only where a frame is asked for

    made = pd.DataFrame(rows, columns=list(columns) or None)
    for name in made.columns:
        values = [row.get(name) for row in rows]
        known = [value for value in values if value is not None]
        if known and len(known) < len(values) and all(type(value) is int for value in known):
            small = max(map(abs, known)) < 2**63
            made[name] = pd.Series(values, dtype="Int64" if small else object)
    return made


def _read(text: str) -> dict[str, Any]:
    """An object of JSON; its integers are exact at any size."""
    found: dict[str, Any] = json.loads(text)
    return found
