"""Cost models to documents: for programs, for readers and for figures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from vtbench.data.cost.closed import Costed
from vtbench.data.cost.model import CostModel, Symbol
from vtbench.report.algebra import latex, plain, pretty
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.cost_tables import Sweep, cost_tables, listing, values_table
from vtbench.report.render import Style, render
from vtbench.report.table import Column, Table

FAR_APART = 30.0
"""Ratio of the largest to the smallest count from which a figure goes by powers of ten."""
MOST_TICKS = 12

_MARK = re.compile(r"zqformula([0-9]+)qz")


def listing_objects(models: Sequence[CostModel]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "name": each.name,
            "summary": each.summary,
            "paper": each.paper,
            "symbols": [_symbol_object(symbol) for symbol in each.symbols],
        }
        for each in models
    ]


def _symbol_object(symbol: Symbol) -> dict[str, Any]:
    return {
        "name": symbol.name,
        "meaning": symbol.meaning,
        "role": symbol.role,
        "default": symbol.default_for({}),
        "choices": list(symbol.choices) or None,
        "least": None if symbol.choices else symbol.low,
    }


def cost_object(cost: Costed) -> dict[str, Any]:
    """One cost model at given values, for programs."""
    return {
        "name": cost.model.name,
        "formula": plain(cost.formula),
        "set": dict(cost.values),
        "terms": [
            {"name": term.name, "formula": plain(form), "value": term.macs, "weights": term.weights}
            for term, form in zip(cost.terms, cost.forms, strict=True)
        ],
        "total": cost.total,
        "weights": cost.weights,
    }


def costs_object(costs: Sequence[Costed], sweep: Sweep | None) -> dict[str, Any]:
    """One cost model, or several with their ratios to the first; and a range, if one is asked."""
    first = costs[0]
    if len(costs) == 1:
        return {**cost_object(first), **({"over": _sweep_object(sweep)} if sweep else {})}
    return {
        "models": [cost_object(cost) for cost in costs],
        "comparisons": [
            {
                "of": first.model.name,
                "to": other.model.name,
                "ratio": first.total / other.total,
                "difference": first.total - other.total,
                "over": sweep.symbol if sweep else None,
                "crossings": _crossing_objects(sweep, other.model.name) if sweep else None,
            }
            for other in costs[1:]
        ],
        **({"over": _sweep_object(sweep)} if sweep else {}),
    }


def _crossing_objects(sweep: Sweep, name: str) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(each) for each in sweep.crossings.get(name, ())]


def _sweep_object(sweep: Sweep) -> dict[str, Any]:
    points = [
        {sweep.symbol: size, **{name: counts[place] for name, counts in sweep.macs.items()}}
        for place, size in enumerate(sweep.sizes)
    ]
    return {
        "symbol": sweep.symbol,
        "from": sweep.sizes[0],
        "to": sweep.sizes[-1],
        "points": points if sweep.shown else [],
    }


def cost_text(
    costs: Sequence[Costed],
    sweep: Sweep | None,
    style: Literal["table", "markdown", "latex"],
    *,
    width: int,
    color: bool,
) -> str:
    """A document for readers; in LaTeX, formulas are mathematics."""
    kept: list[str] = []
    write = _keeper(kept) if style == "latex" else pretty
    page = width if style == "table" else None
    tables = cost_tables(costs, sweep, write, page)
    text = render(tables, style, width=width, color=color)
    return _MARK.sub(lambda found: f"${kept[int(found[1])]}$", text)


def _keeper(kept: list[str]) -> Callable[[Any], str]:
    """A writer that leaves a mark which survives the escaping of a LaTeX table."""

    def write(form: Any) -> str:
        kept.append(form if isinstance(form, str) else latex(form))
        return f"zqformula{len(kept) - 1}qz"

    return write


def cost_csv(costs: Sequence[Costed], sweep: Sweep | None) -> Table:
    """Exact values over a range; without a range, every term and the total of every cost model."""
    if sweep is not None and sweep.shown:
        return values_table(sweep, exact=True)
    heads = ("name", "term", "formula", "macs", "weights")
    rows = itertools.chain.from_iterable(
        [
            *(
                (cost.model.name, term.name, plain(form), str(term.macs), str(term.weights))
                for term, form in zip(cost.terms, cost.forms, strict=True)
            ),
            (cost.model.name, "total", plain(cost.formula), str(cost.total), str(cost.weights)),
        ]
        for cost in costs
    )
    return Table(title="", columns=tuple(Column(head=head) for head in heads), rows=tuple(rows))


def list_text(models: Sequence[CostModel], style: Style, *, width: int, color: bool) -> str:
    """The list for readers."""
    return render([listing(models)], style, width=width, color=color)


def figure(sweep: Sweep) -> Chart:
    """MACs over the symbol, by powers of ten where the models are far apart."""
    known = [
        (name, [(x, y) for x, y in zip(sweep.sizes, counts, strict=True) if y is not None])
        for name, counts in sweep.macs.items()
    ]
    heights = [y for _, points in known for _, y in points if y > 0]
    apart = bool(heights) and max(heights) > FAR_APART * min(heights)
    lines = tuple(
        Line(
            name=name,
            marks=tuple(Mark(x=float(x), y=float(y)) for x, y in points if y > 0 or not apart),
        )
        for name, points in known
        if points
    )
    ticks = tuple(map(float, sweep.sizes)) if len(sweep.sizes) <= MOST_TICKS else ()
    return Chart(
        title=f"MACs over {sweep.symbol}",
        x=Scale(label=sweep.symbol, ticks=ticks),
        y=Scale(label="MACs of one image", logarithmic=apart),
        lines=lines,
    )
