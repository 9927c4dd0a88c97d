"""Sweeps as wide tables: models down, the values of one axis across, one table per protocol."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import msgspec

from vtbench.data.from_samples import speeds_over
from vtbench.data.measurement import Measurement, Ratio
from vtbench.report.figures import WIDE
from vtbench.report.labels import called
from vtbench.report.measured.axes import (
    FILLING,
    axis_named,
    base,
    growth,
    longest,
    power_said,
    values,
)
from vtbench.report.measured.cautions import cautions, half_width, launches_said
from vtbench.report.measured.columns import COUNTED, kind
from vtbench.report.measured.conditions import Condition, cell, common_and_varying
from vtbench.report.measured.quantities import (
    DOUBTFUL,
    QUANTITIES,
    Quantity,
    doubtful,
    has,
    quantity_named,
    usual,
)
from vtbench.report.measured.quantities import cells as figures
from vtbench.report.measured.sheet import Names
from vtbench.report.measured.tables import (
    by_protocol,
    conditions_of,
    labels,
    measured_sheet_of,
    measured_tables,
    named_apart,
)
from vtbench.report.measured.told_apart import told_apart
from vtbench.report.render import GAP
from vtbench.report.sheet import as_table
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import ABSENT, bracketed, share, written

Row = tuple[str, ...]
NARROWEST_NAME = 12
OPEN = 4.0
"""Upper over lower end of a ratio from which on the interval says hardly anything."""
_OUTSIDE = (
    f"{ABSENT}: no value of {{}} was given; a model that has the option ran with its default."
)
_POWER = "Power: the k in quantity ~ {}^k, fitted on logarithms, with its 95 % interval."


class WideLayout(msgspec.Struct, frozen=True, kw_only=True):
    """How wide tables are laid out."""

    by: str | None = None
    """The axis whose values stand across; None is the one with the most."""
    show: str | None = None
    """The quantity; None is what the protocol is about."""
    width: int | None = None
    """Cells of the page; a table that is wider is broken into several."""
    relative_to: str | None = None
    """The model that speeds are held against in a table of their own."""
    alone: bool = False
    """Whether there is to be a table of the quantity and nothing beside it."""
    names: Names = MappingProxyType({})
    """What readers call a workload, if not by its model."""
    places: int | None = None
    """Decimals; None is as many as suit a figure."""


class Growing(msgspec.Struct, frozen=True):
    """One line of a table of growths."""

    heads: Row
    """Headings of the conditions in its key."""
    key: Row
    """The model, and its values of these conditions."""
    cells: Row
    """The quantity, its power and the points that it was fitted through."""


def wide_tables(
    records: Sequence[Measurement], ratios: Sequence[Ratio], layout: WideLayout
) -> list[Table]:
    """One table per protocol with a column per value of the axis, and how the figures grow.

    A protocol whose records do not differ along the axis has a row per record, and the ratios.
    """
    groups = by_protocol(records)
    by = layout.by
    along = [longest(group) for group in groups] if by is None else axis_named(by, *groups)
    counted = [
        (group, condition)
        for group, condition in zip(groups, along, strict=True)
        if kind(group[0].protocol) == COUNTED
    ]
    said = {line for group, axis in counted if axis for line in _growths(group, axis, "macs")}
    tables: list[Table] = []
    apart: list[Table] = []
    for group, condition in zip(groups, along, strict=True):
        quantity = usual(group) if layout.show is None else quantity_named(layout.show)
        if condition is None or not has(group, quantity):
            own = [each for each in ratios if each.protocol is not None or len(groups) == 1]
            alone = layout.alone and [as_table(measured_sheet_of(group, (), layout.names))]
            tables += alone or measured_tables(group, own)
        elif layout.alone:
            tables.append(_table(group, condition, quantity, layout))
        else:
            tables += _along(group, condition, quantity, layout, said)
            if layout.show is None and not counted and _timed(quantity) and _counts_differ(group):
                macs = _table(group, condition, QUANTITIES["macs"], layout, doubts=False)
                if all(macs.rows != before.rows for before in apart):
                    tables += _broken(macs, group, condition, layout.width)
                apart.append(macs)
    return tables


def _along(
    records: Sequence[Measurement],
    condition: Condition,
    quantity: Quantity,
    layout: WideLayout,
    said: set[Growing],
) -> list[Table]:
    """The quantity along the axis, and how it and the MACs grow; ``said`` are MACs' of before.

    Counts are the same under every protocol, so their growth is said once.
    """
    tables = _broken(_table(records, condition, quantity, layout), records, condition, layout.width)
    if layout.relative_to is not None and _timed(quantity):
        ratios = relative_table(records, condition, layout.relative_to, layout.names)
        tables += _broken(ratios, records, condition, layout.width)
    own = QUANTITIES["time"] if quantity.name == "throughput" else quantity
    lines = _growths(records, condition, own.name)
    if own.name != "macs":
        macs = [line for line in _growths(records, condition, "macs") if line not in said]
        said.update(macs)
        order = list(rows_of(records, condition)[1])
        lines = sorted([*lines, *macs], key=lambda line: order.index(line.key))
    return [*tables, *([_growth_table(condition, lines)] if lines else [])]


def _timed(quantity: Quantity) -> bool:
    return quantity.name in ("throughput", "time")


def relative_table(
    records: Sequence[Measurement],
    condition: Condition,
    to: str,
    names: Names = MappingProxyType({}),
) -> Table:
    """Speeds over that of a model, round by round, models down and values across."""
    across = values(condition, records)
    others, rows = rows_of(records, condition, names)
    ratios = speeds_over(records, to)
    lines = []
    for key, found in rows.items():
        cells = {
            cell(condition, each): _ratio_said(ratio)
            for each in found
            if (ratio := ratios.get(id(each))) is not None
        }
        if cells:
            lines.append((*key, *(cells.get(value, ABSENT) for value in across)))
    wide = any(ratio.high > OPEN * ratio.low for ratio in ratios.values())
    open_said = f"; {DOUBTFUL}: the ends are more than {OPEN:g} times apart" if wide else ""
    rounds = sorted({ratio.rounds for ratio in ratios.values() if ratio.rounds is not None})
    number = " to ".join(str(each) for each in dict.fromkeys(rounds[:1] + rounds[-1:]))
    return Table(
        title=f"Speed relative to {to}, by {condition.head.lower()}",
        columns=(
            name_column("Model"),
            *(Column(head=each.head) for each in others),
            *(Column(head=value) for value in across),
        ),
        rows=tuple(lines),
        notes=(
            f"Above 1 is faster than {to}. Each ratio is the mean of the ratios within {number} "
            f"rounds that both took part in, with its 95 % interval{open_said}."
            if rounds
            else f"No row took turns with {to}, so there are no ratios.",
        ),
    )


def _ratio_said(ratio: Ratio) -> str:
    """A ratio with its ends; one that is hardly known at all stands without them, and marked."""
    if ratio.high > OPEN * ratio.low:
        return f"{DOUBTFUL}{written(ratio.ratio, 1)}"
    return bracketed(ratio.ratio, ratio.low, ratio.high)


def rows_of(
    records: Sequence[Measurement], condition: Condition, names: Names = MappingProxyType({})
) -> tuple[list[Condition], dict[Row, list[Measurement]]]:
    """The other conditions that differ, and the records by name and these: one row each."""
    others = [each for each in common_and_varying(records)[1] if each.name != condition.name]
    rows: dict[Row, list[Measurement]] = {}
    for record in records:
        name = names.get(record.workload, record.workload.model)
        key = (name, *(cell(each, record) for each in others))
        rows.setdefault(key, []).append(record)
    return others, rows


def _table(
    records: Sequence[Measurement],
    condition: Condition,
    quantity: Quantity,
    layout: WideLayout,
    *,
    doubts: bool = True,
) -> Table:
    """Models down, values across; where a cell was measured more than once, the last counts.

    A model that the axis does not touch has its figure in a column before the values.
    """
    outside = any(cell(condition, record) == ABSENT for record in records)
    across = [*([ABSENT] if outside else []), *values(condition, records)]
    others, rows = rows_of(records, condition, layout.names)
    unit, texts = figures(quantity, records, layout.places)
    said = dict(zip(map(id, records), texts, strict=True))
    lines = []
    for key, found in rows.items():
        cells = {cell(condition, record): said[id(record)] for record in found}
        lines.append((*key, *(cells.get(value, ABSENT) for value in across)))
    common, _ = common_and_varying(records)
    protocol = records[0].protocol
    notes = _notes(records, condition, quantity, layout.names) if doubts else []
    if outside:
        notes.insert(0, _OUTSIDE.format(condition.name))
    title = f"{quantity.title}, {unit}" if unit else quantity.title
    return Table(
        title=f"{title}, by {condition.head.lower()}{named_apart(protocol)}",
        key=f"{protocol.name}-by-{condition.head.lower()}",
        conditions=(conditions_of(common, protocol),),
        columns=(
            name_column("Model"),
            *(Column(head=each.head) for each in others),
            *(Column(head=value, align="decimal") for value in across),
        ),
        rows=tuple(lines),
        notes=tuple(notes),
    )


def _notes(
    records: Sequence[Measurement], condition: Condition, quantity: Quantity, names: Names
) -> list[str]:
    halves = sorted(
        half for r in records if r.error is None and (half := half_width(r)) is not None
    )
    said = []
    if halves and _timed(quantity):
        ends = dict.fromkeys(map(_half_said, (halves[0], halves[-1])))
        said.append(f"The half-widths of the 95 % intervals are {' to '.join(ends)}.")
    if any(doubtful(quantity, record) for record in records):
        unfitted = "" if condition.name in FILLING else "; such cells are left out of fitted growth"
        said.append(f"{DOUBTFUL}: the interval is wider than ±{WIDE * 100:g} %{unfitted}.")
    differing = common_and_varying(records)[1]
    cells = [(r.workload.model, *(cell(each, r) for each in differing)) for r in records]
    twice = len(cells) - len(set(cells))
    if twice:
        cells_said = "cell was" if twice == 1 else "cells were"
        said.append(f"{twice} {cells_said} measured more than once; the last one is shown.")
    if _timed(quantity):
        rows = rows_of(records, condition, names)[1]
        said += launches_said([record for record in records if record.error is None])
        for key, found in rows.items():
            said += told_apart(", ".join(key), found, condition, quantity)
    works = [record.workload for record in records]
    told = called(works, names_at(records, condition), names)
    own = dict(zip(map(id, records), told, strict=True))
    return [*said, *cautions(records, lambda record: own[id(record)])]


def _half_said(half: float) -> str:
    """``±1.2 %``; what is wider than its value says no more than that."""
    return f"±{share(half)}" if half <= 1 else "more than ±100 %"


def names_at(records: Sequence[Measurement], condition: Condition) -> list[str]:
    """A row's model and column, and nothing else if that is enough."""
    at = condition.head.lower()
    short = [f"{r.workload.model} at {at} {cell(condition, r)}" for r in records]
    return short if len(set(short)) == len(short) else labels(records)


def _counts_differ(records: Sequence[Measurement]) -> bool:
    read = QUANTITIES["macs"].read
    return len({value.value for r in records if (value := read(r)) is not None}) > 1


def _growths(records: Sequence[Measurement], condition: Condition, name: str) -> list[Growing]:
    """The fitted power of a quantity for each row that has points enough for one."""
    others, rows = rows_of(records, condition)
    heads = tuple(each.head for each in others)
    fitted = ((key, growth(found, condition, QUANTITIES[name])) for key, found in rows.items())
    return [
        Growing(heads, key, (name, power_said(grown), str(grown.points)))
        for key, grown in fitted
        if grown is not None
    ]


def _growth_table(condition: Condition, lines: Sequence[Growing]) -> Table:
    """Fitted powers of time, MACs and memory."""
    return Table(
        title=f"Growth with {base(condition)}",
        columns=(
            name_column("Model"),
            *(Column(head=head) for head in lines[0].heads),
            Column(head="Quantity", align="left"),
            *figure_columns("Power", "Points"),
        ),
        rows=tuple((*line.key, *line.cells) for line in lines),
        notes=(_POWER.format(base(condition)),),
    )


def _broken(
    table: Table, records: Sequence[Measurement], condition: Condition, width: int | None
) -> list[Table]:
    """A table in as many parts as it takes to fit the page, each with the models again."""
    fixed = len(table.columns) - len(values(condition, records))
    if width is None or len(table.columns) - fixed < 2:  # noqa: PLR2004  # one column cannot part
        return [table]
    widths = [
        max(len(column.head), *(len(row[i]) for row in table.rows)) + GAP
        for i, column in enumerate(table.columns)
    ]
    taken = min(widths[0], NARROWEST_NAME + GAP) + sum(widths[1:fixed])
    parts: list[list[int]] = [[]]
    for i in range(fixed, len(table.columns)):
        if parts[-1] and taken + sum(widths[j] for j in parts[-1]) + widths[i] - GAP > width:
            parts.append([])
        parts[-1].append(i)
    return [_part(table, [*range(fixed), *part], last=part is parts[-1]) for part in parts]


def _part(table: Table, kept: Sequence[int], *, last: bool) -> Table:
    return Table(
        title=table.title,
        conditions=table.conditions,
        columns=tuple(table.columns[i] for i in kept),
        rows=tuple(tuple(row[i] for i in kept) for row in table.rows),
        notes=table.notes if last else (),
    )
