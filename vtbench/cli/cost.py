"""``vtbench cost``: the papers' cost formulas at given sizes; torch is never imported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.cli.options import FormatOption, Output, Traceback
from vtbench.cli.output import (
    check_writable,
    document_path,
    page_width,
    say,
    shape_of,
    wants_color,
    write_document,
)
from vtbench.errors import BadInput, BadOption, OutputError
from vtbench.report import Format, Rendering
from vtbench.report.plot import SUFFIXES as FIGURES

if TYPE_CHECKING:
    from vtbench.data.cost.model import CostModel
    from vtbench.report.cost_tables import Sweep

MOST_SIZES = 20_000
FARTHEST = 4096
"""Up to which size a crossing is looked for, unless a range says otherwise."""

Given = tuple[str | None, str, int | str]
"""Cost model or None for all, symbol, value."""


def cost(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Cost models; none lists them all."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="[NAME:]SYMBOL=VALUE,...",
            help="Values of symbols, for every cost model that has them or for one. Repeatable.",
        ),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="SYMBOL[=START:STOP[:STEP]]",
            help="A range of one symbol, stop included; several cost models are searched for "
            "where they cross.",
        ),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(metavar="N", help="Show terms by so many parts of their names.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the range of --over as PNG or SVG."),
    ] = None,
    format_: FormatOption = None,
    output: Output = None,
    traceback: Traceback = False,  # noqa: ARG001  # the entry point reads it
) -> None:
    """Show what the papers' cost formulas give, term by term.

    \b
    vtbench cost
    vtbench cost vt_transformer --set L=16,CT=1024
    vtbench cost vt_r34 --set L=16
    vtbench cost vt_r34 --set L=16,H=384 --depth 4
    vtbench cost nonlocal_block vt_transformer --set HW=49,C=512,CT=512 --over L
    vtbench cost vt_r18 vt_r34 --over L=4:64:4 --plot tokens.svg
    vtbench cost sparseformer_t deit_s swin_t --over H=192:512:32 --plot sizes.svg

    Nothing is built or run: these are formulas, which counts of real models are held against.
    A width that is not set follows a height that is. Exit status: 0 done; 2 not.
    """
    path = document_path(output)
    shape = shape_of(format_, path)
    check_writable(path)
    check_figure(plot)
    if not names:
        if set_ or over or plot or depth:
            raise BadOption("Say which cost model; `vtbench cost` alone lists them.")
        write_document(_list(shape, color=path is None and wants_color()), path)
        return
    if depth is not None and depth < 1:
        raise BadOption(f"A depth of {depth} shows no terms; give 1 or more.")
    models = _models(names)
    given = _given_to(models, parse_set(set_))
    sweep = _sweep(models, given, over) if over is not None else None
    if plot is not None and (sweep is None or not sweep.shown):
        raise BadOption("--plot draws a range; say which, such as --over L=4:64:4.")
    color = path is None and wants_color()
    write_document(_document(models, given, sweep, depth, shape, color=color), path)
    if plot is not None and sweep is not None:
        from vtbench.report.cost import figure
        from vtbench.report.plot import draw

        draw(figure(sweep), plot)
        say(f"wrote {plot}")


def check_figure(plot: Path | None) -> None:
    """Refuse a figure that cannot be drawn, before the document is written."""
    check_writable(plot)
    if plot is not None and plot.suffix.lower() not in FIGURES:
        raise OutputError(f"The figure {str(plot)!r} ends in neither {' nor '.join(FIGURES)}.")


def _list(shape: Format, *, color: bool) -> str:
    from vtbench.data.cost import cost_models
    from vtbench.report.cost import cost_models_document

    asked = Rendering(format=shape, width=page_width(), color=color, command="vtbench cost --list")
    return cost_models_document(tuple(cost_models().values()), asked)


def _models(names: Sequence[str]) -> list[CostModel]:
    from vtbench.data.cost import cost_model

    return [cost_model(name) for name in dict.fromkeys(names)]


def parse_set(given: Sequence[str] | None) -> list[Given]:
    """``SYMBOL=VALUE`` and ``NAME:SYMBOL=VALUE``, separated by commas; nothing is computed."""
    read: list[Given] = []
    for part in (part.strip() for text in given or () for part in text.split(",")):
        left, equals, text = (piece.strip() for piece in part.partition("="))
        only, _, symbol = left.rpartition(":")
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", symbol) or not text:
            raise BadInput(f"{part!r} in --set is not of the form L=16 or vt_r34:L=16.")
        if (only or None, symbol) in {(each, name) for each, name, _ in read}:
            raise BadInput(f"{left} is set twice.")
        read.append((only or None, symbol, _value(text)))
    return sorted(read, key=lambda each: each[0] is not None)  # those for one model win


def _value(text: str) -> int | str:
    """A whole number, a switch, or a word that the cost model judges."""
    switches = {"true": 1, "false": 0}
    if re.fullmatch(r"[+-]?[0-9]{1,30}", text):
        return int(text)
    return switches.get(text.lower(), text)


def _given_to(
    models: Sequence[CostModel], values: Sequence[Given]
) -> dict[str, dict[str, int | str]]:
    """What is set for each cost model; a symbol has to be one of the models that it is set for."""
    given: dict[str, dict[str, int | str]] = {model.name: {} for model in models}
    for only, symbol, value in values:
        if only is not None and only not in given:
            raise BadOption(
                f"{symbol} is set for {only!r}, which is not among the cost models asked for."
            )
        asked = [model for model in models if only in (None, model.name)]
        having = [model for model in asked if model.symbol(symbol) is not None]
        for model in having or asked[:1]:  # the first one says what symbols it has
            given[model.name][symbol] = value
    return given


def _sweep(
    models: Sequence[CostModel], given: Mapping[str, Mapping[str, int | str]], over: str
) -> Sweep:
    from vtbench.data.cost.ranges import crossings, totals
    from vtbench.report.cost_tables import Sweep

    symbol, sizes = parse_over(over)
    if not any(model.symbol(symbol) for model in models):
        models[0].resolved({symbol: 1})  # says which symbols it has
    if sizes is None and len(models) == 1:
        raise BadOption(f"--over {symbol} needs a range, such as {symbol}=4:64:4.")
    asked = sizes or range(1, FARTHEST + 1)
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
    )


def parse_over(text: str) -> tuple[str, range | None]:
    """``L``, ``L=4:64`` or ``L=4:64:4``, stop included."""
    symbol, equals, rest = (piece.strip() for piece in text.partition("="))
    found = re.fullmatch(r"(\d{1,9}):(\d{1,9})(?::(\d{1,9}))?", rest)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", symbol) or bool(equals) != bool(found):
        raise BadInput(f"{text!r} in --over is not of the form L, L=4:64 or L=4:64:4.")
    if found is None:
        return symbol, None
    start, stop, step = int(found[1]), int(found[2]), int(found[3] or 1)
    if step == 0 or start > stop:
        raise BadInput(f"The range {text!r} in --over holds no size.")
    sizes = range(start, stop + 1, step)
    if len(sizes) > MOST_SIZES:
        raise BadInput(f"--over asks for {len(sizes)} sizes; {MOST_SIZES} is the most.")
    return symbol, sizes


def _document(
    models: Sequence[CostModel],
    given: Mapping[str, Mapping[str, int | str]],
    sweep: Sweep | None,
    depth: int | None,
    shape: Format,
    *,
    color: bool,
) -> str:
    from vtbench.data.cost.closed import costed
    from vtbench.report.cost import cost_document

    costs = [costed(model, given[model.name], depth) for model in models]
    asked = Rendering(format=shape, width=page_width(), color=color, command="vtbench cost")
    return cost_document(costs, sweep, asked)
