"""Counts as sheets: a row for each workload, or for each of its parts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from vtbench.data.naming import written
from vtbench.data.record import Record
from vtbench.report.breakdown import Part, View, breakdown
from vtbench.report.figures import Cell, Kind
from vtbench.report.models_side_by_side import (
    Names,
    comparison_notes,
    mode_of,
    name_of,
    told_apart,
)
from vtbench.report.record_values import ends_of, figures_of, workload_values
from vtbench.report.sheet import Filled, Sheet, SheetColumn, sheet_of
from vtbench.report.units import ABSENT, SIGNS, Bound, pixels
from vtbench.report.values_behind import MARK

_OWN = {
    column.name: column
    for column in (
        SheetColumn(name="macs", head="MACs", kind="count", shown=True),
        SheetColumn(name="params", head="Params", kind="count", shown=True),
        SheetColumn(name="activations", head="Activ.", kind="count", shown=True, drop=2),
        SheetColumn(
            name="memory_activations_peak", head="Peak act.", kind="bytes", shown=True, drop=3
        ),
        SheetColumn(name="ratio", head="Ratio", kind="ratio", shown=True),
        SheetColumn(
            name="difference", head="Difference", kind="difference", like="macs", shown=True, drop=1
        ),
        SheetColumn(name="flops", head="FLOPs", kind="count"),
        SheetColumn(name="memory_weights", head="Weights", kind="bytes"),
    )
}
"""Figures that have words or a unit of their own."""
_LOWER_BOUNDS = ("macs", "effective_macs", "flops", "activations")
"""Figures that are too low if an operator is unknown."""
_FROM_SHAPES = (*_LOWER_BOUNDS, "memory_activations_peak")
"""Figures that can depend on the values of the input."""
_WORDS = ("complete", "memory_peak_at", "unknown_ops", "ratio_bound")
"""Columns beside the figures that hold none."""
_PARTS: dict[str, tuple[str, Kind, tuple[View, ...]]] = {
    "macs": ("MACs", "portion", ("total", "stage", "block", "module", "op", "class", "precision")),
    "params": ("Params", "portion", ("total", "stage", "block", "module")),
    "calls": ("Calls", "whole", ("op", "class", "precision")),
    "share": ("Share", "share", ("stage", "block", "module", "op", "class", "precision")),
    "status": ("Status", "text", ()),
    "elements": ("Elements", "portion", ("class",)),
    "weight_bytes": ("Weights", "bytes", ("stage", "block")),
    "written_bytes": ("Written", "bytes", ("stage", "block")),
    "class_name": ("Class", "text", ()),
    "complete": ("Complete", "text", ()),
}
"""Figures of a part: heading, kind and the views in which readers see them by default."""

_BEHIND_PARTS = ("by_values", "error")


def counts_sheet(
    records: Sequence[Record], base: Record | None = None, names: Names | None = None
) -> Sheet:
    """One row per record; what all of them share stands above, what failed below."""
    lines = figures_of(records, base)
    heads = list(lines[0]) if lines else []
    pairs = list(zip(records, lines, strict=True))
    figures = [
        (_column(name), [_cell(name, record, line, base) for record, line in pairs])
        for name in heads
    ]
    return sheet_of(
        [
            *_workloads(records, names, taken=heads),
            *figures,
            *_flat(ends_of(records)),
        ],
        title="Multiply-accumulates",
        key="macs",
        conditions=(told_apart(records, names).shared,),
        notes=tuple(comparison_notes(records, base, names)),
    )


def parts_sheet(
    records: Sequence[Record], view: View, depth: int | None, names: Names | None = None
) -> Sheet:
    """A row for each part of each record: a stage, a module, an operator or a class."""
    rows: list[tuple[Record, Part | None]] = []
    for record in records:
        found = [] if record.error else breakdown(record, view, depth)
        rows += [(record, part) for part in found] or [(record, None)]
    owners = [record for record, _ in rows]
    head = view if view != "op" else "operator"
    owned = _workloads(owners, names, taken=(*_PARTS, head))
    if len(records) == 1:  # the title says which
        owned = [(msgspec.structs.replace(column, shown=False), cells) for column, cells in owned]
    part = SheetColumn(name=head, head=head.title(), shown=True, tells=True, shrink=True)
    whose = f"{name_of(records[0], names)}" if len(records) == 1 else "Multiply-accumulates"
    return sheet_of(
        [
            *owned,
            (part, [Cell(part.name if part else None) for _, part in rows]),
            *(_part_figure(name, rows, view) for name in _PARTS),
            *_flat([{name: end[name] for name in _BEHIND_PARTS} for end in ends_of(owners)]),
        ],
        title=f"{whose} by {head}",
        key=f"macs-by-{head}",
        conditions=(told_apart(records, names).shared,),
        notes=tuple(comparison_notes(records, None, names)),
    )


def _workloads(
    records: Sequence[Record], names: Names | None, taken: Collection[str]
) -> list[Filled]:
    """What tells workloads apart: for readers if they differ in it, and all of it for programs."""
    differing = {column.head for column in told_apart(records, names).columns}
    lines = [workload_values(record) for record in records]

    def column(name: str, head: str, kind: Kind, *, flat: bool = True) -> SheetColumn:
        differs = head in differing
        return SheetColumn(name=name, head=head, kind=kind, shown=differs, tells=differs, flat=flat)

    def flat(*names: str) -> list[Filled]:
        kinds: dict[str, Kind] = {"height": "whole", "width": "whole"}
        return [
            (
                SheetColumn(name=name, kind=kinds.get(name, "text")),
                [Cell(line[name]) for line in lines],
            )
            for name in names
        ]

    model = SheetColumn(name="model", head="Model", shown=True, tells=True, shrink=True)
    options = dict.fromkeys(key for record in records for key, _ in record.workload.options)
    reserved = {"model", "size", "pass", *taken, *(lines[0] if lines else ())}
    return [
        (model, [Cell(name_of(record, names)) for record in records]),
        (column("size", "Size", "value", flat=False), [_size(record) for record in records]),
        *flat("height", "width"),
        (column("batch_size", "Batch", "whole"), [Cell(line["batch_size"]) for line in lines]),
        (column("pass", "Mode", "text", flat=False), [Cell(mode_of(record)) for record in records]),
        *flat("mode", "backward"),
        (
            msgspec.structs.replace(column("options", "Options", "text"), shrink=True),
            [_options(record, line, options) for record, line in zip(records, lines, strict=True)],
        ),
        *(
            (
                column(option if option not in reserved else f"option_{option}", option, "value"),
                [_option(record, option) for record in records],
            )
            for option in options
        ),
    ]


def _size(record: Record) -> Cell:
    said = pixels(record.workload)
    return Cell(None if said == ABSENT else said)


def _option(record: Record, name: str) -> Cell:
    value = dict(record.workload.options).get(name)
    return Cell(written(value) if isinstance(value, tuple) else value)


def _options(record: Record, line: Mapping[str, Any], names: Iterable[str]) -> Cell:
    """All options as programs read them; to readers as one would type them."""
    own = dict(record.workload.options)
    said = ", ".join(f"{name}={written(own[name])}" for name in names if name in own)
    return Cell(line["options"], said=said or ABSENT)


def _column(name: str) -> SheetColumn:
    if name in _OWN:
        return _OWN[name]
    return SheetColumn(name=name, kind="text" if name in _WORDS else "count")


def _cell(name: str, record: Record, line: Mapping[str, Any], base: Record | None) -> Cell:
    """A figure of a record with what qualifies it."""
    value = line[name]
    if record.error is not None:
        return Cell(said="failed") if name == "macs" else Cell(value)
    if base is not None and name in ("ratio", "difference"):
        return _related(line, name, record, base)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return Cell(value)
    mark = MARK if record.by_values is not None and name in _FROM_SHAPES else ""
    sign = "≥ " if name in _LOWER_BOUNDS and not record.complete else ""
    return Cell(value, sign=sign, mark=mark)


def _related(line: Mapping[str, Any], name: str, record: Record, base: Record) -> Cell:
    """A ratio or a difference to the base; of two lower bounds neither is known."""
    bound: Bound | None = line["ratio_bound"]
    if bound == "unknown":
        return Cell(said="unknown")
    either = record is not base and (record.by_values or base.by_values)
    return Cell(line[name], sign=SIGNS[bound], mark=MARK if either else "")


def _part_figure(name: str, rows: Sequence[tuple[Record, Part | None]], view: View) -> Filled:
    head, kind, views = _PARTS[name]
    shown = view in views
    return (
        SheetColumn(name=name, head=head, kind=kind, shown=shown),
        [_part_cell(name, record, part) for record, part in rows],
    )


def _part_cell(name: str, record: Record, part: Part | None) -> Cell:
    if part is None:
        return Cell(said="failed") if name == "macs" else Cell()
    value = getattr(part, name)
    if name != "macs":
        return Cell(value)
    mark = MARK if record.by_values is not None else ""
    return Cell(value, sign="" if part.complete else "≥ ", mark=mark)


def _flat(lines: Sequence[Mapping[str, Any]]) -> list[Filled]:
    """Columns of words that readers see only if they ask."""
    heads = list(lines[0]) if lines else []
    return [(SheetColumn(name=name), [Cell(line[name]) for line in lines]) for name in heads]
