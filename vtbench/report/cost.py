"""Cost models to documents: for programs, for readers and for figures."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from vtbench.data.cost.closed import Costed
from vtbench.data.cost.model import CostModel, Symbol
from vtbench.data.cost.values import plain_of
from vtbench.report.algebra import latex, plain, pretty
from vtbench.report.chart import Chart, Line, Mark, Scale
from vtbench.report.chart_scales import Scales, doubling, far_apart, rescaled
from vtbench.report.cost_sweep import Sweep, sweep_table
from vtbench.report.cost_tables import cost_tables, listing
from vtbench.report.cost_tokens import in_letters, letters_object, reduced_object
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Table, values_table

MOST_TICKS = 40

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
        "default": plain_of(symbol.default_for({})),
        "number": None if symbol.choices else symbol.number,
        "several": symbol.several,
        "choices": list(symbol.choices) or None,
        "least": None if symbol.choices else symbol.low,
    }


def cost_object(cost: Costed) -> dict[str, Any]:
    """One cost model at given values, for programs."""
    return {
        "name": cost.model.name,
        "formula": plain(cost.formula),
        "set": {name: plain_of(value) for name, value in cost.values.items()},
        "terms": [
            {"name": term.name, "formula": plain(form), "value": term.macs, "weights": term.weights}
            for term, form in zip(cost.terms, cost.forms, strict=True)
        ],
        "total": cost.total,
        "weights": cost.weights,
        **({"tokens": reduced_object(cost.reduced)} if cost.reduced else {}),
        **({"closed": letters_object(closed)} if (closed := in_letters(cost)) else {}),
    }


def _more(costs: Sequence[Costed], sweep: Sweep | None) -> dict[str, Any]:
    """The ratios of the first to the others, and a range, if one is asked."""
    first = costs[0]
    return {
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
    return [
        {key: plain_of(value) for key, value in msgspec.structs.asdict(each).items()}
        for each in sweep.crossings.get(name, ())
    ]


def _sweep_object(sweep: Sweep) -> dict[str, Any]:
    points = [
        {
            sweep.symbol: plain_of(size),
            **{name: counts[place] for name, counts in sweep.macs.items()},
            **(
                {"left": {name: counts[place] for name, counts in sweep.left.items()}}
                if sweep.left
                else {}
            ),
        }
        for place, size in enumerate(sweep.sizes)
    ]
    return {
        "symbol": sweep.symbol,
        "from": plain_of(sweep.sizes[0]),
        "to": plain_of(sweep.sizes[-1]),
        "points": points if sweep.shown else [],
    }


def cost_document(costs: Sequence[Costed], sweep: Sweep | None, asked: Rendering) -> str:
    """Cost models at values and over a range; in LaTeX, formulas are mathematics."""
    kept: list[str] = []
    write = _keeper(kept) if asked.format == "latex" else pretty
    page = asked.width if asked.format == "table" else None
    found = Document(
        kind="cost",
        results=lambda: [cost_object(cost) for cost in costs],
        more=lambda: _more(costs, sweep),
        tables=lambda: cost_tables(costs, sweep, write, page),
        values=lambda: [cost_csv(costs, sweep)],
        finish=lambda text: _MARK.sub(lambda mark: f"${kept[int(mark[1])]}$", text),
    )
    return written(found, asked)


def _keeper(kept: list[str]) -> Callable[[Any], str]:
    """A writer that leaves a mark which survives the escaping of a LaTeX table."""

    def write(form: Any) -> str:
        kept.append(form if isinstance(form, str) else latex(form))
        return f"zqformula{len(kept) - 1}qz"

    return write


def cost_csv(costs: Sequence[Costed], sweep: Sweep | None) -> Table:
    """Exact values over a range; without a range, every term and the total of every cost model."""
    if sweep is not None and sweep.shown:
        return sweep_table(sweep, exact=True)
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
    return values_table(heads, rows)


def cost_models_document(models: Sequence[CostModel], asked: Rendering) -> str:
    """The list of cost models."""
    found = Document(
        kind="cost-models",
        results=lambda: listing_objects(models),
        tables=lambda: [listing(models)],
    )
    return written(found, asked)


def figure(sweep: Sweep) -> Chart:
    """MACs over the symbol; nothing is drawn where a cost model has no value."""
    lines = tuple(
        Line(
            name=name,
            marks=tuple(
                Mark(x=float(x), y=float(y))
                for x, y in zip(sweep.sizes, counts, strict=True)
                if y is not None
            ),
        )
        for name, counts in sweep.macs.items()
    )
    sizes = tuple(map(float, sweep.sizes))
    chart = Chart(
        title=f"MACs over {sweep.symbol}",
        x=Scale(
            label=sweep.symbol,
            ticks=sizes if len(sizes) <= MOST_TICKS else (),
            logarithmic=doubling(sizes),
        ),
        y=Scale(
            label="MACs of one image",
            prefixed=True,
            logarithmic=far_apart(mark.y for line in lines for mark in line.marks if mark.y > 0),
        ),
        lines=tuple(line for line in lines if line.marks),
    )
    return rescaled(chart, Scales())
