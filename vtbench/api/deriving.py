"""Closed forms: what ``vtbench formula`` does, from Python."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from vtbench.api.asking import cells_asked
from vtbench.api.conditions import Several, Size
from vtbench.api.public import public, speaking_of_keywords
from vtbench.api.shown import Shown, drawn, frame
from vtbench.count.symbolic import derive
from vtbench.data.closed_form import Formula
from vtbench.data.symbol_values import LETTERS, Given, parse_at, parse_symbols, points_of
from vtbench.errors import BadOption, Untraceable, UsageError
from vtbench.measure.workers import attempt
from vtbench.report.chart import Chart
from vtbench.report.document import Rendering
from vtbench.report.formula import Row, evaluated, formula_document, formula_object
from vtbench.report.formula_chart import formula_chart
from vtbench.report.render import render
from vtbench.report.table import Table
from vtbench.sweep.cells import COUNTED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from vtbench.report.plot import PlotWidth

At = str | Sequence[str] | Mapping[str, int | Sequence[int]]
"""Sizes: ``"H=192:512:32,B=8"`` as on the command line, or a dict of symbols to their values."""


class Formulas(Shown):
    """Closed forms of models; prints as ``vtbench formula`` does, in a notebook too."""

    def __init__(
        self, formulas: Sequence[Formula], points: Sequence[dict[str, int | float]] | None = None
    ) -> None:
        self.formulas = list(formulas)
        self.points = points
        """The sizes that the forms are evaluated at; None shows the forms themselves."""

    @property
    def macs(self) -> str | None:
        """The one form there is, as text."""
        return self._only().macs

    def at(self, **sizes: int) -> int | None:
        """The exact count of the one form at sizes; None if it does not hold there.

        B is 1 and W is H unless they are given.
        """
        form = self._only()
        with speaking_of_keywords():
            points = _points(sizes, list(form.degree) or LETTERS)
            ((_, (count,)),) = evaluated([form], points)
        return count

    def _only(self) -> Formula:
        if len(self.formulas) != 1:
            raise UsageError(
                f"There are {len(self.formulas)} forms, not one; use one of `.formulas`."
            )
        return self.formulas[0]

    def _good(self) -> list[Formula]:
        return [each for each in self.formulas if each.error is None]

    def _rows(self) -> list[Row] | None:
        return None if self.points is None else evaluated(self._good(), self.points)

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench formula``, and why a model has no form."""
        text = formula_document(self.formulas, self._rows(), asked)
        if asked.format not in ("table", "html"):
            return text
        why = tuple(f"{f.model}: {f.error}" for f in self.formulas if f.error is not None)
        below = Table(title="", columns=(), rows=(), notes=why)
        return f"{text}\n{render([below], asked.format, width=asked.width)}\n" if why else text

    def to_frame(self) -> pd.DataFrame:
        """A row for each form; or for each size, with a column for each model."""
        rows = self._rows()
        if rows is None:
            return frame([formula_object(each) for each in self.formulas])
        names = [each.model for each in self._good()]
        return frame([{**sizes, **dict(zip(names, counts, strict=True))} for sizes, counts in rows])

    def chart(self, at: At | None = None) -> Chart:
        """The counts over sizes."""
        good = self._good()
        points = self.points if at is None else _points(at, LETTERS)
        if points is None:
            raise UsageError(
                "A closed form is drawn over sizes; give them, such as at={'H': range(192, 513, "
                "32)}."
            )
        chart = formula_chart(good, evaluated(good, points))
        if not any(len(line.marks) > 1 for line in chart.lines):
            raise UsageError("A figure needs several sizes at which the forms hold.")
        return chart

    def plot(
        self, at: At | None = None, *, scale: str | None = None, width: PlotWidth = "page"
    ) -> Figure:
        """The counts over sizes, those of ``at`` or those that were asked for before."""
        with speaking_of_keywords():
            return drawn(self.chart(at), scale, width)


@public()
def formula(  # noqa: PLR0913  # the options of the command, by their names
    models: str | Sequence[str],
    *,
    at: At | None = None,
    symbol: str | Sequence[str] | Mapping[str, Any] | None = None,
    resolution: Several[Size | None] = None,
    options: Mapping[str, Any] | None = None,
    tokens: Several[int] | None = None,
    weights: str | None = None,
    max_time: float = derive.TIME_LIMIT,
) -> Formulas:
    """Derive the exact MACs of models by name as a formula in batch, height and width.

    >>> form = vtbench.formula("deit_s")
    >>> form.macs, form.at(H=224)
    >>> vtbench.formula(["deit_s", "swin_t"], at={"H": range(192, 513, 32)}).plot()

    A formula is compared with counts at other sizes before it is shown. Of several models, one
    that has none is a row that says why.

    Options:
      models: A name or a pattern of models, or a list of them; package.module:function too.
      at: Sizes to evaluate the forms at: a dict such as {'H': [192, 224], 'B': 8}, or the text
          of the command, 'H=192:512:32'. W equals H, and B is 1, unless they are given.
      symbol: Options of the model that become symbols, with an example: {'C': 384}, or 'C=384:6'
          for multiples of 6.
      resolution: Image size that the model is built for (default: its own size).
      options: Constructor options of the models; a list is several values.
      tokens: Number of tokens; the same as options={'tokens': N}.
      weights: A checkpoint; code in the file is not run.
      max_time: Most seconds for the symbolic runs of each model.
    """
    if not (max_time > 0 and math.isfinite(max_time)):
        raise BadOption(f"max_time: expected a positive number of seconds, got {max_time!r}.")
    symbols = parse_symbols(_texts(symbol))
    points = None if at is None else _points(at, tuple(s.name for s in symbols) or LETTERS)
    building = {"resolution": resolution, "options": options, "tokens": tokens, "weights": weights}
    task: Any = partial(derive.formula, time_limit=max_time)
    if symbols:
        task = partial(derive.block_formula, symbols=symbols)
    found = []
    for workload, error in cells_asked(models, building, [COUNTED]).todo():
        done = attempt(task, workload) if error is None else None
        why = error if done is None else done.error
        failed = Formula(model=workload.model, options=workload.to_dict()["options"], error=why)
        found.append((done.result if done is not None else None) or failed)
    if all(each.error is not None for each in found):
        raise Untraceable(" ".join(dict.fromkeys(str(each.error) for each in found)))
    return Formulas(found, points)


def _texts(given: str | Sequence[str] | Mapping[str, Any] | None) -> list[str]:
    """Assignments as the command line has them."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [f"{name}={value}" for name, value in given.items()]
    return [given] if isinstance(given, str) else list(given)


def _points(at: At, names: Sequence[str]) -> list[dict[str, int | float]]:
    """Every combination of sizes."""
    if not isinstance(at, Mapping):
        return points_of(parse_at(_texts(at)), names)
    values = {
        name: tuple(each) if isinstance(each, Iterable) else (each,) for name, each in at.items()
    }
    return points_of([Given(None, name, each) for name, each in values.items()], names)
