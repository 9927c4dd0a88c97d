"""``vtbench cost``: the papers' cost formulas at given sizes; torch is never imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli.figures import Drawing
from vtbench.cli.groups import command
from vtbench.cli.options import At, Depth, Output
from vtbench.cli.written import Written
from vtbench.data.cost.values import Number, Value
from vtbench.data.symbol_values import MOST_SIZES, Given, parse_at
from vtbench.errors import BadInput, BadOption
from vtbench.report.plot import refuse_many

if TYPE_CHECKING:
    from vtbench.data.cost.model import CostModel
    from vtbench.report.cost_sweep import Sweep

FARTHEST = 4096
"""Up to which size a crossing is looked for unless a range is given."""
THOUSANDTHS = 1000
"""In how many steps a rate is tried then."""

Values = dict[str, dict[str, Value]]
"""Cost model -> the values of its symbols."""


@command
def cost(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...", help="Names of cost models (default: list all of them)."
        ),
    ] = None,
    at: At = None,
    crossing: Annotated[
        str | None,
        typer.Option(
            metavar="SYMBOL",
            help="Find the values of this symbol at which another cost model becomes the cheapest.",
        ),
    ] = None,
    depth: Depth = None,
    drawing: Drawing,
    output: Output,
) -> int:
    """Evaluate the papers' cost models, term by term.

    \b
    vtbench cost
    vtbench cost vt_transformer --at L=16,CT=1024
    vtbench cost vt_r34 --at L=16
    vtbench cost vt_r34 --at L=16,H=384 --depth 4
    vtbench cost nonlocal_block vt_transformer --at HW=49,C=512,CT=512 --crossing L
    vtbench cost vt_r18 vt_r34 --at L=4:64:4 --plot tokens.svg
    vtbench cost sparseformer_t deit_s swin_t --at H=192:512:32 --plot sizes.svg
    vtbench cost tome_deit_s --at r=0:16
    vtbench cost evit_deit_s --at keep_rate=0.5:0.9:0.1
    vtbench cost topk_deit_s --at 'keep_rate=[0.8,0.5],blocks=[4,8]'

    A cost model is a formula: nothing is built or run. The width equals the height unless you
    give it.

    Exit status: 0 if the costs are shown; 2 if they cannot be.
    """
    written = output.written("cost", "cost" if names else "cost-models")
    plot = drawing.figure()
    if not names:
        if at or crossing or plot or depth:
            raise BadOption(
                "--at, --crossing, --depth and --plot need a cost model; name one. `vtbench "
                "cost` lists them."
            )
        written.write(_list(written))
        return 0
    if depth is not None and depth < 1:
        raise BadOption(f"--depth: expected a positive integer, got {depth}.")
    models = _models(names)
    given = parse_at(at, exact=True)
    values = _given_to(models, given)
    sweep = _sweep(models, values, _axis(given, crossing))
    if plot is not None and (sweep is None or not sweep.shown):
        raise BadOption("--plot needs a range of values; give one, such as --at L=4:64:4.")
    if plot is not None:
        refuse_many(len(models))
    written.write(_document(models, values, sweep, depth, written))
    if plot is not None and sweep is not None:
        from vtbench.report.cost import figure

        plot.draw(figure(sweep))
    return 0


def _list(written: Written) -> str:
    from vtbench.data.cost import cost_models
    from vtbench.report.cost import cost_models_document

    return cost_models_document(tuple(cost_models().values()), written.rendering)


def _models(names: Sequence[str]) -> list[CostModel]:
    from vtbench.data.cost import cost_model

    return [cost_model(name) for name in dict.fromkeys(names)]


def _given_to(models: Sequence[CostModel], given: Sequence[Given]) -> Values:
    """The values of each cost model; a symbol has to be one of the models that it is given for.

    Of several values the first is taken: the others are those of an axis.
    """
    found: Values = {model.name: {} for model in models}
    for each in sorted(given, key=lambda one: one.only is not None):  # those for one model win
        if each.only is not None and each.only not in found:
            raise BadOption(
                f"--at: {each.symbol} is given for {each.only!r}, which is not among the cost "
                "models that you named; name it too, or leave the value out."
            )
        asked = [model for model in models if each.only in (None, model.name)]
        having = [model for model in asked if model.symbol(each.symbol) is not None]
        for model in having or asked[:1]:  # the first one says which symbols it has
            found[model.name][each.symbol] = each.values[0]
    return found


def _axis(given: Sequence[Given], crossing: str | None) -> tuple[str, list[Number] | None] | None:
    """The one symbol that has several values, or along which a crossing is looked for."""
    axes = [each for each in given if len(each.values) > 1]
    if not axes:
        return None if crossing is None else (crossing, None)
    (axis, *others) = axes
    if others:
        raise BadOption(
            f"--at: only one symbol can have several values, but {axis.symbol} and "
            f"{others[0].symbol} both have them."
        )
    sizes = [size for size in axis.values if isinstance(size, int | Fraction)]
    if (
        axis.only is not None
        or len(sizes) < len(axis.values)
        or crossing not in (None, axis.symbol)
    ):
        raise BadOption(
            f"--at: several values of {axis.symbol} have to be numbers, given for all cost "
            f"models, with a --crossing over {axis.symbol} alone."
        )
    if len(sizes) > MOST_SIZES:
        raise BadInput(
            f"--at: expected at most {MOST_SIZES:,} values of {axis.symbol}, got {len(sizes):,}."
        )
    return axis.symbol, sizes


def _sweep(
    models: Sequence[CostModel],
    given: Mapping[str, Mapping[str, Value]],
    axis: tuple[str, list[Number] | None] | None,
) -> Sweep | None:
    """Costs along an axis, and where the cheaper one changes."""
    if axis is None:
        return None
    from vtbench.data.cost.ranges import crossings, left_at, totals
    from vtbench.report.cost_sweep import Sweep

    symbol, sizes = axis
    if not any(model.symbol(symbol) for model in models):
        models[0].resolved({symbol: 1})  # says which symbols it has
    if sizes is None and len(models) == 1:
        raise BadOption(f"--crossing {symbol} compares cost models; name at least two.")
    asked = sizes or _everywhere(models, symbol)
    macs = {model.name: tuple(totals(model, given[model.name], symbol, asked)) for model in models}
    first, *others = macs
    return Sweep(
        symbol=symbol,
        sizes=tuple(asked),
        macs=macs,
        crossings={
            other: tuple(crossings((first, other), asked, macs[first], macs[other]))
            for other in others
        },
        shown=sizes is not None,
        left={
            model.name: tuple(left_at(model, given[model.name], symbol, asked))
            for model in models
            if model.reduced is not None and sizes is not None
        },
        dense=_host(models, given, symbol),
    )


def _everywhere(models: Sequence[CostModel], symbol: str) -> Sequence[Number]:
    """Where a crossing is looked for: whole numbers, or thousandths of a rate."""
    found = next(each for model in models if (each := model.symbol(symbol)) is not None)
    if found.number == "rate":
        return [Fraction(part, THOUSANDTHS) for part in range(1, THOUSANDTHS + 1)]
    return range(1, FARTHEST + 1)


def _host(
    models: Sequence[CostModel], given: Mapping[str, Mapping[str, Value]], symbol: str
) -> int | None:
    """MACs of the host of a single cost model whose tokens become fewer, unless it varies too."""
    (model, *others) = models
    its = model.symbol(symbol)
    if others or model.reduced is None or its is None or its.side is not None:
        return None
    return model.reduced(model.resolved(_without(given[model.name], symbol))).dense


def _without(given: Mapping[str, Value], symbol: str | None) -> dict[str, Value]:
    return {name: value for name, value in given.items() if name != symbol}


def _document(
    models: Sequence[CostModel],
    given: Mapping[str, Mapping[str, Value]],
    sweep: Sweep | None,
    depth: int | None,
    written: Written,
) -> str:
    from vtbench.data.cost.closed import costed
    from vtbench.report.cost import cost_document

    along = None if sweep is None else sweep.symbol
    costs = [costed(model, _without(given[model.name], along), depth) for model in models]
    return cost_document(costs, sweep, written.rendering)
