"""Measurements as data: objects for JSON, and one line each with every scalar for CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from vtbench.data.launches import good_launches
from vtbench.data.measurement import Device, MeasuredMemory, Measurement, Ratio, Roofline, Telemetry
from vtbench.data.naming import written
from vtbench.data.workload import Workload

_APART = ("model", "resolution", "options", "inputs")
"""Fields of a workload that are written in a way of their own."""
_NESTED: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {"telemetry": Telemetry, "memory": MeasuredMemory, "roofline": Roofline}
)
_LISTS = ("disturbances", "stages")
"""Lists of structs: the first is written as words, the second left out."""
_SCALARS = tuple(
    name
    for name in Measurement.__struct_fields__
    if name not in (*_NESTED, "workload", "protocol", "device", "environment", "samples",
                    "steps_per_sample", "by_values", "distribution", "turn", "launches")
)  # fmt: skip


def ratio_objects(ratios: Sequence[Ratio]) -> list[dict[str, Any]]:
    """Ratios as docs/json.md promises them."""
    return [msgspec.to_builtins(each) for each in ratios]


def flat_rows(records: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Every figure of one number, by name, for each record."""
    return [_flat(record, option_columns(records)) for record in records]


def option_columns(records: Sequence[Measurement]) -> dict[str, str]:
    """Option of some model -> its column; a name that is taken already stands behind a word."""
    names = dict.fromkeys(key for record in records for key, _ in record.workload.options)
    taken = {"model", "height", "width", *Workload.__struct_fields__, *_SCALARS}
    return {name: f"option_{name}" if name in taken else name for name in names}


def _flat(record: Measurement, options: Mapping[str, str]) -> dict[str, Any]:
    work = record.workload
    height, width = work.resolution or (None, None)
    line: dict[str, Any] = {"model": work.model, "height": height, "width": width}
    line["options"] = ";".join(f"{key}={value!r}" for key, value in work.options)
    own = dict(work.options)
    line |= {
        column: written(own[name]) if isinstance(own.get(name), tuple) else own.get(name)
        for name, column in options.items()
    }
    line |= {name: getattr(work, name) for name in work.__struct_fields__ if name not in _APART}
    line["protocol"] = str(record.protocol)
    line |= dict(_fields("device", Device, record.device, leave=("kind",)))
    line |= {"samples": len(record.samples), "steps_per_sample": record.steps_per_sample}
    line["launches"] = len(good_launches(record)) or None
    line |= {name: getattr(record, name) for name in _SCALARS}
    read = record.by_values
    line["by_values"] = ";".join(read.operators) if read is not None else None
    line |= _distributed(record)
    for name, shape in _NESTED.items():
        line |= dict(_fields(name, shape, getattr(record, name)))
    seen = record.telemetry.disturbances if record.telemetry else ()
    line["telemetry_disturbances"] = "; ".join(each.kind.value for each in seen)
    line["telemetry_why"] = "; ".join(each.sentence for each in seen)
    environment = sorted(record.environment.items())
    return line | {f"environment_{key}": value for key, value in environment}


def _distributed(record: Measurement) -> dict[str, Any]:
    if record.distribution is None:
        return {}
    found = record.distribution.to_dict()
    found["varying"] = ";".join(found["varying"])
    return {f"distribution_{name}": value for name, value in found.items()}


def _fields(
    prefix: str,
    shape: type[msgspec.Struct],
    value: msgspec.Struct | None,
    leave: Sequence[str] = (),
) -> Iterator[tuple[str, Any]]:
    """Every scalar of a struct under both names, present or not; lists of words are joined."""
    for name in shape.__struct_fields__:
        if name in leave or name in _LISTS:
            continue
        each = getattr(value, name, None)
        yield f"{prefix}_{name}", "; ".join(each) if isinstance(each, tuple) else each
