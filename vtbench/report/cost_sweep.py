"""Costs over a range of one symbol as tables: values, and where cost models cross."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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


def sweep_tables(sweep: Sweep) -> list[Table]:
    """For readers: MACs at every size and, of several cost models, the tokens left apart."""
    found = [sweep_table(sweep, exact=False)]
    if sweep.left and len(sweep.macs) > 1:
        found.append(_over(sweep, f"Patch tokens left over {sweep.symbol}", sweep.left, str))
    return found


def sweep_table(sweep: Sweep, *, exact: bool) -> Table:
    """MACs at every size, a column for each cost model; exact ones with the tokens left."""
    if exact:
        left = {f"{name} left": counts for name, counts in sweep.left.items()}
        return _over(sweep, "", {**sweep.macs, **left}, str, absent="")
    found = _over(sweep, f"MACs over {sweep.symbol}", sweep.macs, digits)
    if len(sweep.macs) > 1 or not sweep.left:
        return found
    ((macs,), (left_,)) = (sweep.macs.values(), sweep.left.values())
    more: list[tuple[str, Sequence[str]]] = [("tokens left", [_cell(each, str) for each in left_])]
    if sweep.dense:
        shares = [ABSENT if each is None else percent(each, sweep.dense) for each in macs]
        more.insert(0, ("of the host", shares))
    return msgspec.structs.replace(
        found,
        columns=(*found.columns, *(Column(head=head) for head, _ in more)),
        rows=tuple(
            (*row, *(cells[place] for _, cells in more)) for place, row in enumerate(found.rows)
        ),
    )


def _over(
    sweep: Sweep,
    title: str,
    columns: Mapping[str, Sequence[int | None]],
    write: Callable[[int], str],
    absent: str = ABSENT,
) -> Table:
    """Whole numbers at every size, a column each."""
    missing = any(count is None for counts in columns.values() for count in counts)
    return Table(
        title=title,
        columns=(
            Column(head=sweep.symbol),
            *(Column(head=name, shrink=len(columns) > 1) for name in columns),
        ),
        rows=tuple(
            (text_of(size), *(_cell(counts[place], write, absent) for counts in columns.values()))
            for place, size in enumerate(sweep.sizes)
        ),
        notes=(f"{ABSENT}: a value that the model does not take.",) if missing else (),
    )


def _cell(count: int | None, write: Callable[[int], str], absent: str = ABSENT) -> str:
    return absent if count is None else write(count)
