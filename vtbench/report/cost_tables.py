"""Cost models as tables: the list, one in full, several side by side, and values over a range."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from vtbench.data.cost.closed import Costed
from vtbench.data.cost.interpolated import InLetters
from vtbench.data.cost.model import CostModel, Symbol
from vtbench.data.cost.values import Value, text_of
from vtbench.report.algebra import pretty, sides
from vtbench.report.cost_sweep import Sweep, crossing_table, sweep_tables
from vtbench.report.cost_tokens import block_table, in_letters, remarks
from vtbench.report.render import GAP
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT, digits, percent, ratio

ONE_IMAGE = "One image; one multiply-add is one MAC; weights without biases and norms"
_NARROWEST = 24

Writer = Callable[[Any], str]
"""What makes text of an expression."""


def listing(models: Sequence[CostModel]) -> Table:
    """Every cost model with its sizes."""
    return Table(
        title="Cost models",
        columns=(
            Column(head="Name", align="left"),
            Column(head="What it is", align="left", shrink=True),
            Column(head="Sizes", align="left"),
            Column(head="Settings", align="left", drop=2),
            Column(head="Paper", align="left", drop=1),
        ),
        rows=tuple(
            (each.name, each.summary, _named(each, "size"), _named(each, "setting"), each.paper)
            for each in models
        ),
    )


def _named(model: CostModel, role: str) -> str:
    return ", ".join(symbol.name for symbol in model.symbols if symbol.role == role)


def cost_tables(
    costs: Sequence[Costed],
    sweep: Sweep | None,
    write: Writer,
    page: int | None,
) -> list[Table]:
    """One cost model in full, or several side by side; then what a range was asked for."""
    closed = in_letters(costs[0]) if len(costs) == 1 else None
    tables = (
        [_one(costs[0], closed, write, page), _symbols(costs[0])]
        if len(costs) == 1
        else [_side_by_side(costs), *_formulas(costs, write, page)]
    )
    if closed is not None and closed.pieces:
        tables.insert(1, _in_letters(closed, write, page))
    by_block = block_table(costs[0]) if len(costs) == 1 else None
    if by_block is not None and (sweep is None or not sweep.shown):
        tables.insert(1, by_block)
    if sweep is not None and sweep.crossings:
        tables.append(crossing_table(costs, sweep))
    if sweep is not None and sweep.shown:
        tables += sweep_tables(sweep)
    return tables


def _one(cost: Costed, closed: InLetters | None, write: Writer, page: int | None) -> Table:
    """The formula, every term with its share, and the total."""
    figures = [
        (digits(term.macs), percent(term.macs, cost.total), digits(term.weights))
        for term in cost.terms
    ]
    figures.append((digits(cost.total), percent(cost.total, cost.total), digits(cost.weights)))
    names = [*(term.name for term in cost.terms), "total"]
    forms = [*cost.forms, cost.formula]
    beside = (max(map(len, column)) + GAP for column in (names, *zip(*figures, strict=True)))
    room = None if page is None else max(_NARROWEST, page - sum(beside))
    # where not even the figures fit beside a formula, words give way and not figures
    least = max(map(len, names)) + _NARROWEST + len(figures[-1][0]) + 2 * GAP
    narrow = page is not None and page < least
    rows = [
        row
        for name, form, cells in zip(names, forms, figures, strict=True)
        for row in (
            _wrapped((name, write(form), *cells), 1, room) if cost.lettered else [(name, *cells)]
        )
    ]
    formula = (Column(head="formula", align="left", shrink=narrow),) if cost.lettered else ()
    return Table(
        title=f"{cost.model.name}: {cost.model.summary}",
        columns=(
            Column(head="term", align="left", shrink=narrow),
            *formula,
            Column(head="MACs"),
            Column(head="share", drop=1),
            Column(head="weights", drop=2),
        ),
        rows=tuple(rows),
        conditions=(ONE_IMAGE, *_letters(cost.formula, write)),
        notes=remarks(cost, closed),
    )


def _in_letters(found: InLetters, write: Writer, page: int | None) -> Table:
    """The cost in counts of tokens."""
    whens = [piece.when for piece in found.pieces]
    room = None if page is None else page - max((len(when) + GAP for when in whens), default=0)
    named = any(whens)
    rows = [
        row[0 if named else 1 :]
        for piece in found.pieces
        for row in _wrapped((piece.when, write(piece.form)), 1, room)
    ]
    return Table(
        title="In closed form",
        columns=(
            *((Column(head="if", align="left"),) if named else ()),
            Column(head="MACs", align="left"),
        ),
        rows=tuple(rows),
        conditions=(found.where,),
    )


def _symbols(cost: Costed) -> Table:
    return Table(
        title="Symbols",
        columns=(
            Column(head="symbol", align="left"),
            Column(head="value"),
            Column(head="meaning", align="left", shrink=True),
        ),
        rows=tuple(
            (symbol.name, text_of(cost.values[symbol.name]), symbol.meaning)
            for symbol in cost.model.symbols
        ),
    )


def _letters(form: Any, write: Writer) -> tuple[str, ...]:
    """What the names of rounded-up sides stand for."""
    letters = sides(form)
    if not letters:
        return ()
    if write is pretty:
        return (", ".join(f"{each.lower()}S = ⌈{each}/S⌉" for each in letters),)
    return tuple(write(rf"{each.lower()}_S = \lceil {each}/S \rceil") for each in letters)


def _wrapped(cells: tuple[str, ...], place: int, room: int | None) -> list[tuple[str, ...]]:
    """A row, or several if one of its cells is broken, between the parts of a sum first."""
    if room is None:
        return [cells]
    lines: list[str] = []
    for number, part in enumerate(re.split(r" (?=[+−] )", cells[place])):
        if number and len(lines[-1]) + 1 + len(part) <= room:
            lines[-1] += f" {part}"
        else:
            lines += _factors(part, room)
    blank = tuple("" for _ in cells)
    rows = [cells, *[blank] * (len(lines) - 1)]
    return [(*row[:place], line, *row[place + 1 :]) for row, line in zip(rows, lines, strict=True)]


def _factors(part: str, room: int) -> list[str]:
    """One part of a sum; if it is too long for a line, broken between its factors."""
    lines = [""]
    for factor in re.findall(r"[^·]+·?", part):
        if lines[-1] and len(lines[-1]) + len(factor) > room:
            lines.append("")
        lines[-1] += factor
    return lines


def _side_by_side(costs: Sequence[Costed]) -> Table:
    first = costs[0]
    rows = tuple(
        (cost.model.name, digits(cost.total), ABSENT if cost is first else
         ratio(first.total, cost.total), digits(cost.weights), _sizes(cost))
        for cost in costs
    )  # fmt: skip
    return Table(
        title="Costs side by side",
        columns=(
            name_column("cost model"),
            Column(head="MACs"),
            Column(head=f"{first.model.name} is", shrink=True),
            Column(head="weights", drop=1),
            Column(head="at", align="left", shrink=True),
        ),
        rows=rows,
        conditions=(ONE_IMAGE,),
    )


def _sizes(cost: Costed) -> str:
    """Its letters; of a cost model without any, the settings that are not the defaults."""
    return ", ".join(
        f"{name}={text_of(value)}"
        for name, value in cost.values.items()
        if (symbol := cost.model.symbol(name)) is not None
        and (symbol.role == "size" if cost.lettered else _stands_out(symbol, value))
    )


def _stands_out(symbol: Symbol, value: Value) -> bool:
    return symbol.side is not None or value != symbol.default_for({})


def _formulas(every: Sequence[Costed], write: Writer, page: int | None) -> list[Table]:
    costs = [cost for cost in every if cost.lettered]
    if not costs:
        return []
    room = None if page is None else page - max(len(cost.model.name) for cost in costs) - 2
    rows = [
        row for cost in costs for row in _wrapped((cost.model.name, write(cost.formula)), 1, room)
    ]
    letters = dict.fromkeys(line for cost in costs for line in _letters(cost.formula, write))
    return [
        Table(
            title="Their formulas",
            columns=(name_column("cost model"), Column(head="MACs", align="left")),
            rows=tuple(rows),
            conditions=tuple(letters),
        )
    ]
