"""Costs over a range of one symbol as tables: values, and where cost models cross."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.data.cost.closed import Costed
from vtbench.data.cost.ranges import Crossing
from vtbench.data.cost.values import Number, text_of
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT, digits, percent


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """Costs over a range of one symbol."""

    symbol: str
    sizes: tuple[Number, ...]
    macs: dict[str, tuple[int | None, ...]]
    """Cost model -> MACs at every size; None if it refuses the size."""
    crossings: dict[str, tuple[Crossing, ...]] = {}
    """Cost model -> where it and the first one cross."""
    shown: bool = True
    """Whether the values are asked for, or only where they cross."""
    left: dict[str, tuple[int | None, ...]] = {}
    """Cost model -> patch tokens left at every size, of those whose tokens become fewer."""
    dense: int | None = None
    """MACs of the host alone, if there is one cost model and its tokens become fewer."""


def crossing_table(costs: Sequence[Costed], sweep: Sweep) -> Table:
    """The sizes at which the cheaper one of two changes."""
    first = costs[0].model.name
    rows = tuple(
        row
        for other, found in sweep.crossings.items()
        for row in _crossing(first, other, found, sweep)
    )
    return Table(
        title="Where they cross",
        columns=(
            name_column("cost model"),
            name_column("cost model"),
            Column(head=sweep.symbol),
            Column(head="cheaper below", align="left", shrink=True),
            Column(head="cheaper above", align="left", shrink=True),
        ),
        rows=rows,
        conditions=(
            f"{sweep.symbol} from {text_of(sweep.sizes[0])} to {text_of(sweep.sizes[-1])}",
        ),
        notes=("=: both cost the same there.",) if any("=" in row[2] for row in rows) else (),
    )


def _crossing(
    first: str, other: str, found: Sequence[Crossing], sweep: Sweep
) -> list[tuple[str, ...]]:
    """A row for every change; one without a size if there is none."""
    if found:
        return [
            (
                first,
                other,
                f"{'= ' if each.equal else ''}{text_of(each.at)}",
                each.below,
                each.above,
            )
            for each in found
        ]
    cheaper = next(
        (
            first if one < two else other
            for one, two in zip(sweep.macs[first], sweep.macs[other], strict=True)
            if one is not None and two is not None and one != two
        ),
        "neither",
    )
    return [(first, other, ABSENT, cheaper, cheaper)]


def sweep_table(sweep: Sweep, *, exact: bool) -> Table:
    """MACs at every size, a column for each cost model; tokens left, if they become fewer."""

    def cell(count: int | None) -> str:
        if count is None:
            return "" if exact else ABSENT
        return str(count) if exact else digits(count)

    alone = len(sweep.macs) == 1
    missing = any(count is None for counts in sweep.macs.values() for count in counts)
    return Table(
        title="" if exact else f"MACs over {sweep.symbol}",
        columns=(
            Column(head=sweep.symbol),
            *(Column(head=name, shrink=not alone) for name in sweep.macs),
            *((Column(head="of the host"),) if sweep.dense and not exact else ()),
            *(
                Column(head="tokens left" if alone else f"{name} leaves", drop=1)
                for name in sweep.left
            ),
        ),
        rows=tuple(
            (
                text_of(size),
                *(cell(counts[place]) for counts in sweep.macs.values()),
                *_of_the_host(sweep, place, exact=exact),
                *(cell(counts[place]) for counts in sweep.left.values()),
            )
            for place, size in enumerate(sweep.sizes)
        ),
        notes=(f"{ABSENT}: a value that the model does not take.",) if missing else (),
    )


def _of_the_host(sweep: Sweep, place: int, *, exact: bool) -> tuple[str, ...]:
    if exact or not sweep.dense:
        return ()
    ((counts),) = sweep.macs.values()
    count = counts[place]
    return (ABSENT if count is None else percent(count, sweep.dense),)
