"""Measurements as a sheet: what tells them apart, the figures of their protocol, and the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.workload import Workload
from vtbench.report.figures import Cell, Kind
from vtbench.report.measured.cautions import legend
from vtbench.report.measured.columns import MeasuredColumn, figures_of, filled_columns
from vtbench.report.measured.conditions import Condition, cell, common_and_varying, conditions
from vtbench.report.measured.values import flat_rows, option_columns
from vtbench.report.sheet import Filled, Sheet, SheetColumn, sheet_of
from vtbench.report.units import ABSENT

Names = Mapping[Workload, str]
"""What readers call a workload, if not by its model."""
_STEP = {"macs": "MACs/step", "activations": "Activations/step"}
"""Counts of the whole step, beside which those of one image stand."""
_WORDS = ("mode", "device", "torch", "commit", "dtype", "layout")
"""Conditions whose values are words."""


def measured_sheet(
    records: Sequence[Measurement],
    names: Names,
    *,
    title: str,
    key: str,
    conditions_said: str,
    notes: Sequence[str],
) -> Sheet:
    """One row per record, of one protocol or, for programs, of several."""
    lines = flat_rows(records)
    heads = list(dict.fromkeys(head for line in lines for head in line))
    asked = {condition.name: condition for condition in conditions(records)}
    options = option_columns(records)
    own = {options.get(name, name): condition for name, condition in asked.items()}
    varying = [each.name for each in common_and_varying(records)[1]]
    shown = [figure.column.name for figure in filled_columns(records)]
    figures = figures_of(records)
    filled: list[Filled] = []
    for head in [*heads, *(name for name in own if name not in heads)]:
        if head == "model":
            filled.append(_model(records, names))
        elif head in own:
            filled.append(_condition(own[head], head, records, lines, varying))
        elif head in figures:
            filled.append(_figure(figures[head], records, shown))
        else:
            filled.append(_plain(head, lines))
    extra = [figure for name, figure in figures.items() if name not in heads]
    filled += [_figure(figure, records, shown, flat=False) for figure in extra]
    return sheet_of(filled, title=title, key=key, conditions=(conditions_said,), notes=tuple(notes))


def _model(records: Sequence[Measurement], names: Names) -> Filled:
    column = SheetColumn(
        name="model", head="Model", rank=_FIRST, shown=True, tells=True, shrink=True
    )
    return column, [Cell(names.get(each.workload, each.workload.model)) for each in records]


_FIRST = -1000
"""The rank of the model; conditions come next, in their own order, and figures after them."""


def _condition(
    condition: Condition,
    name: str,
    records: Sequence[Measurement],
    lines: Sequence[Mapping[str, Any]],
    varying: Sequence[str],
) -> Filled:
    """A condition as readers have it, over the value that programs have."""
    differs = condition.name in varying
    words = condition.name in _WORDS
    column = SheetColumn(
        name=name,
        head=condition.head,
        kind="text" if words else "value",
        rank=_FIRST + 1 + varying.index(condition.name) if differs else 0,
        shown=differs,
        flat=bool(lines) and name in lines[0],
        tells=differs,
        shrink=words,
    )
    said = [cell(condition, record) for record in records]
    return column, [
        Cell(line.get(name, None if text == ABSENT else text), said=text)
        for line, text in zip(lines, said, strict=True)
    ]


def _figure(
    figure: MeasuredColumn,
    records: Sequence[Measurement],
    shown: Sequence[str],
    *,
    flat: bool = True,
) -> Filled:
    """A figure of the protocol; the first one says that a record failed."""
    name = figure.column.name
    stands = name in shown
    column = msgspec.structs.replace(
        figure.column,
        note=legend(records).get(name, ""),
        shown=stands,
        rank=1 + shown.index(name) if stands else 0,
        flat=flat,
    )
    cells = [
        Cell(said="failed" if shown[:1] == [name] else None)
        if record.error is not None
        else figure.cell(record)
        for record in records
    ]
    return column, cells


def _plain(head: str, lines: Sequence[Mapping[str, Any]]) -> Filled:
    """What readers see only if they ask."""
    values = [line.get(head) for line in lines]
    return SheetColumn(name=head, head=_STEP.get(head, ""), kind=_kind(head, values)), [
        Cell(value if isinstance(value, str | int | float | None) else str(value))
        for value in values
    ]


def _kind(head: str, values: Sequence[object]) -> Kind:
    known = [value for value in values if value is not None]
    numbers = bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )
    if not numbers:
        return "text"
    if head in _STEP:
        return "count"
    if head.endswith("memory") or head.startswith("memory_"):
        return "bytes"
    return "number"
