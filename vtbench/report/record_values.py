"""Records as data: exact integers for programs, in JSON and CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.data.distribution import Distribution
from vtbench.data.record import CONVENTION, Record
from vtbench.report.breakdown import View, breakdown
from vtbench.report.models_side_by_side import relative

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
    "never_ran": {},
    "shapes": {},
    "road": None,
    "settled": {},
    "by_values": None,
    "distribution": None,
    "convention": CONVENTION,
    "by": [],
    "counters": {},
    "error": None,
}
"""What a record that could not be counted says, so that every object has the same keys."""


def record_object(record: Record, view: View = "total", depth: int | None = None) -> dict[str, Any]:
    """One record as docs/json.md promises it."""
    known = record.to_dict()
    by = [] if record.error else [part.to_dict() for part in breakdown(record, view, depth)]
    return {"workload": known["workload"], **ABSENT_KEYS, **known, "by": by}


def flat_records(records: Sequence[Record], base: Record | None = None) -> list[dict[str, Any]]:
    """Every figure of one number, by name, for each record; all have the same names."""
    parts = zip(records, figures_of(records, base), ends_of(records), strict=True)
    return [
        {"model": record.workload.model, **workload_values(record), **figures, **ends}
        for record, figures, ends in parts
    ]


def workload_values(record: Record) -> dict[str, Any]:
    """What was counted, under which conditions; less the model."""
    work = record.workload
    height, width = work.resolution or (None, None)
    return {
        "height": height,
        "width": width,
        "batch_size": work.batch_size,
        "mode": work.mode,
        "backward": work.backward,
        "options": ";".join(f"{key}={value!r}" for key, value in work.options),
    }


def figures_of(records: Sequence[Record], base: Record | None = None) -> list[dict[str, Any]]:
    """Every figure of one number of each record, all under the same names."""
    counters = list(dict.fromkeys(name for record in records for name in record.counters))
    classes = sorted({name for record in records for name in record.classes()})
    return [_figures(record, counters, classes, base) for record in records]


def _figures(
    record: Record, counters: Sequence[str], classes: Sequence[str], base: Record | None
) -> dict[str, Any]:
    data = record_object(record)
    memory = data["memory"] or {}
    flat: dict[str, Any] = {}
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


def ends_of(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What stands behind the figures of each record, all under the same names."""
    over = next((each.distribution for each in records if each.distribution is not None), None)
    return [
        {
            "settled": ";".join(f"{key}={value!r}" for key, value in record.settled.items()),
            "by_values": ";".join(record.by_values.operators if record.by_values else ()),
            **_distributed(record, over),
            "road": None if record.error else record.road,
            "convention": record.convention,
            "error": record.error,
        }
        for record in records
    ]


def _distributed(record: Record, first: Distribution | None) -> dict[str, Any]:
    """A column for each figure of a distribution if any record has one."""
    if first is None:
        return {}
    own = record.distribution.to_dict() if record.distribution is not None else {}
    found = {f"distribution_{name}": own.get(name) for name in first.to_dict()}
    return {**found, "distribution_varying": ";".join(own.get("varying", ()))}
