"""Records as data: exact integers for programs, in JSON and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.data.record import CONVENTION, Record
from vtbench.report.breakdown import View, breakdown
from vtbench.report.models_side_by_side import relative
from vtbench.report.table import Table, values_table

ABSENT_KEYS: dict[str, Any] = {
    "macs": None,
    "effective_macs": None,
    "complete": False,
    "flops": None,
    "params": None,
    "trainable": None,
    "buffers": None,
    "weights": None,
    "activations": None,
    "memory": None,
    "classes": {},
    "unknown_ops": [],
    "user_formulas": [],
    "road": None,
    "by_values": None,
    "distribution": None,
    "convention": CONVENTION,
    "by": [],
    "counters": {},
    "error": None,
}
"""What a record that could not be counted says, so that every object has the same keys."""


def record_object(record: Record, view: View = "total", depth: int = 1) -> dict[str, Any]:
    """One record as docs/json.md promises it."""
    known = record.to_dict()
    by = [] if record.error else [part.to_dict() for part in breakdown(record, view, depth)]
    return {"workload": known["workload"], **ABSENT_KEYS, **known, "by": by}


def csv_table(
    records: Sequence[Record], view: View = "total", depth: int = 1, base: Record | None = None
) -> Table:
    """One line per record, or per part of a record where a view is asked for."""
    if view != "total":
        return _parts_table(records, view, depth)
    lines = flat_records(records, base)
    heads = list(lines[0]) if lines else []
    return values_table(heads, [list(line.values()) for line in lines])


def flat_records(records: Sequence[Record], base: Record | None = None) -> list[dict[str, Any]]:
    """Every figure of one number, by name, for each record; all have the same names."""
    counters = list(dict.fromkeys(name for record in records for name in record.counters))
    classes = sorted({name for record in records for name in record.classes()})
    return [_flat(record, counters, classes, base) | _last(record, records) for record in records]


def _flat(
    record: Record, counters: Sequence[str], classes: Sequence[str], base: Record | None
) -> dict[str, Any]:
    data, work = record_object(record), record.workload
    height, width = work.resolution or (None, None)
    memory = data["memory"] or {}
    flat: dict[str, Any] = {
        "model": work.model,
        "height": height,
        "width": width,
        "batch_size": work.batch_size,
        "mode": work.mode,
        "backward": work.backward,
        "options": ";".join(f"{key}={value!r}" for key, value in work.options),
    }
    for key in (
        "macs",
        "effective_macs",
        "complete",
        "flops",
        "params",
        "trainable",
        "buffers",
        "weights",
        "activations",
    ):
        flat[key] = data[key]
    flat["memory_weights"] = memory.get("weights")
    flat["memory_activations_peak"] = memory.get("activations_peak")
    flat["memory_peak_at"] = memory.get("peak_at")
    flat["unknown_ops"] = ";".join(dict.fromkeys(row["op"] for row in data["unknown_ops"]))
    flat |= {name: data["classes"].get(name, None if record.error else 0) for name in classes}
    for name in counters:
        peer = record.counters.get(name)
        flat[f"{name}_macs"] = peer.macs if peer else None
        flat[f"{name}_difference"] = peer.difference if peer else None
    if base is not None:
        compared = {} if record.error or base.error else relative(record, base)
        flat |= {name: compared.get(name) for name in ("ratio", "ratio_bound", "difference")}
    return flat


def _last(record: Record, records: Sequence[Record]) -> dict[str, Any]:
    """What stands behind the figures of every line."""
    readers = record.by_values.operators if record.by_values is not None else ()
    return {
        "by_values": ";".join(readers),
        **_distributed(record, records),
        "road": None if record.error else record.road,
        "convention": record.convention,
        "error": record.error,
    }


def _distributed(record: Record, records: Sequence[Record]) -> dict[str, Any]:
    """A column for each figure of a distribution if any record has one."""
    first = next((each.distribution for each in records if each.distribution is not None), None)
    if first is None:
        return {}
    own = record.distribution.to_dict() if record.distribution is not None else {}
    found = {f"distribution_{name}": own.get(name) for name in first.to_dict()}
    return {**found, "distribution_varying": ";".join(own.get("varying", ()))}


def _parts_table(records: Sequence[Record], view: View, depth: int) -> Table:
    heads = [
        "model",
        view if view != "op" else "operator",
        "macs",
        "params",
        "calls",
        "share",
        "status",
        "elements",
        "complete",
        "by_values",
        "error",
    ]
    lines: list[list[Any]] = []
    for record in records:
        model = record.workload.model
        if record.error:
            lines.append([model, *([None] * (len(heads) - 2)), record.error])
            continue
        read = ";".join(record.by_values.operators) if record.by_values is not None else ""
        lines += [
            [model, p.name, p.macs, p.params, p.calls, p.share, p.status, p.elements,
             p.complete, read, None]
            for p in breakdown(record, view, depth)
        ]  # fmt: skip
    return values_table(heads, lines)
