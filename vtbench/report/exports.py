"""Measurements for the tools of others: dashboards that keep a history, and timm's result files.

Every format is a function from records to text. Records that failed have no place in them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from vtbench.data import catalog
from vtbench.data.measurement import Measurement
from vtbench.data.timm_results import COLUMNS
from vtbench.data.visible import no_formula
from vtbench.data.workload import EXECUTION, Workload
from vtbench.errors import BadInput
from vtbench.report.document import json_text
from vtbench.report.units import pixels

MILLI, MEGA, GIGA = 1e3, 1e6, 1e9
NANO = 1e9
_PLAIN = Workload(model="")
_SAID_APART = {"device", "dtype", "threads"}
_PEAKS = ("peak_allocated", "peak_reserved", "peak_resident")


def github_action_benchmark(records: Sequence[Measurement]) -> str:
    """A list of {name, unit, value, range}, all of it smaller is better: times, bytes, MACs."""
    entries = []
    for name, record in _named(records, with_device=True):
        if record.median is not None:
            entry: dict[str, Any] = {
                "name": name,
                "unit": "ms/step",
                "value": record.median * MILLI,
            }
            if record.low is not None and record.high is not None:
                entry["range"] = f"± {(record.high - record.low) / 2 * MILLI:.3g}"
            entries.append(entry)
        for what, value, unit in _exact(record):
            entries.append({"name": f"{name}: {what}", "unit": unit, "value": value})
    return json_text(entries) + "\n"


def bencher(records: Sequence[Measurement]) -> str:
    """Bencher Metric Format: latency in nanoseconds, throughput in images a second, and counts.

    The device is the testbed there, and no part of a name.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, record in _named(records, with_device=False):
        measures: dict[str, dict[str, float]] = {}
        if record.median is not None:
            measures["latency"] = {"value": record.median * NANO}
            if record.low is not None and record.high is not None:
                measures["latency"]["lower_value"] = record.low * NANO
                measures["latency"]["upper_value"] = record.high * NANO
        if record.images_per_second is not None:
            measures["throughput"] = _rate(record, record.images_per_second)
        for what, value, _ in _exact(record):
            measures[what.replace(" ", "-")] = {"value": value}
        found[name] = measures
    return json_text(found) + "\n"


def _rate(record: Measurement, rate: float) -> dict[str, float]:
    """Images a second, between the bounds of the median's time turned round.

    The rate is that of all samples together, which few slow ones may take past these: the bounds
    are widened to hold it.
    """
    if not record.low or not record.high:
        return {"value": rate}
    batch = record.workload.batch_size
    return {
        "value": rate,
        "lower_value": min(rate, batch / record.high),
        "upper_value": max(rate, batch / record.low),
    }


def timm_csv(records: Sequence[Measurement]) -> str:
    """The columns of timm's results of inference, the fastest first, as those files have it.

    They have no place for anything but model, size and batch, so all else has to be the same.
    """
    sound = [record for _, record in _named(records, with_device=True)]
    _refuse_what_timm_cannot_say(sound)
    rates = [record for record in sound if record.images_per_second is not None]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        _timm_row(record) for record in sorted(rates, key=lambda r: -(r.images_per_second or 0))
    )
    return text.getvalue()


EXPORTS: Mapping[str, Callable[[Sequence[Measurement]], str]] = MappingProxyType(
    {
        "github-action-benchmark": github_action_benchmark,
        "bencher": bencher,
        "timm-csv": timm_csv,
    }
)
"""The formats by the names that `--format` takes."""


def series_name(record: Measurement, *, with_device: bool) -> str:
    """What tells a series of figures from every other one; equal for equal conditions, always."""
    work = record.workload
    parts = [work.model, pixels(work), f"batch {work.batch_size}", work.dtype]
    parts += [f"{key}={value}" for key, value in work.options]
    if work.mode != "eval":
        parts.append(work.mode)
    if work.backward:
        parts.append("forward and backward")
    for name in sorted(EXECUTION - _SAID_APART):
        value = getattr(work, name)
        if value != getattr(_PLAIN, name):
            parts.append(f"{name} {value}")
    if work.threads is not None:
        parts.append(f"threads {work.threads}")
    parts.append(str(record.protocol))
    if with_device and record.device is not None:
        parts.append(record.device.name)
    return ", ".join(parts)


def _named(
    records: Sequence[Measurement], *, with_device: bool
) -> Iterator[tuple[str, Measurement]]:
    """What came off, under names of which no two are alike."""
    sound = [record for record in records if record.error is None]
    if not sound:
        raise BadInput("There is nothing to write, because every measurement failed.")
    seen: set[str] = set()
    for record in sound:
        name = series_name(record, with_device=with_device)
        if name in seen:
            raise BadInput(
                f"There are two measurements of {name}; write those of one device and one session."
            )
        seen.add(name)
        yield name, record


def _exact(record: Measurement) -> Iterator[tuple[str, int, str]]:
    """What is counted of the step, and the peak of memory if it was measured."""
    if record.macs is not None:
        yield "macs", record.macs, "MACs"
    if record.params is not None:
        yield "params", record.params, "parameters"
    peaks = (getattr(record.memory, name, None) for name in _PEAKS)
    for name, value in zip(_PEAKS, peaks, strict=True):
        if value is not None:
            yield name.replace("_", " "), value, "bytes"


def _refuse_what_timm_cannot_say(records: Sequence[Measurement]) -> None:
    for record in records:
        work = record.workload
        height, width = work.resolution or (0, 1)
        if work.options or work.inputs or work.backward or work.mode != "eval" or height != width:
            raise BadInput(
                f"timm's columns cannot hold {series_name(record, with_device=True)}: they are for "
                "inference on square images with default options."
            )
    places: dict[str, set[str]] = {"protocol": {str(record.protocol) for record in records}}
    places["device"] = {record.device.name for record in records if record.device}
    for name in sorted(EXECUTION - {"device"}):
        places[name] = {str(getattr(record.workload, name)) for record in records}
    for name, values in places.items():
        if len(values) > 1:
            raise BadInput(
                f"timm's columns cannot hold the {name}, and there are several values: "
                f"{' and '.join(sorted(values))}; write one file for each."
            )


def _timm_row(record: Measurement) -> tuple[object, ...]:
    """Rounded as timm rounds; what is counted is for one image."""
    work, rate = record.workload, record.images_per_second
    assert rate is not None  # noqa: S101  # the caller has looked
    size = work.resolution[0] if work.resolution else ""
    seconds = work.batch_size / rate
    return (
        no_formula(timm_name(work.model)),
        size,
        round(rate, 2),
        round(seconds * MILLI, 3),
        work.batch_size,
        _scaled(record.params, MEGA),
        _scaled(_each(record.macs, work), GIGA),
        _scaled(_each(record.activations, work), MEGA),
    )


def _each(count: int | None, workload: Workload) -> float | None:
    return None if count is None else count / workload.batch_size


def _scaled(value: float | None, unit: float) -> object:
    return "" if value is None else round(value / unit, 2)


def timm_name(model: str) -> str:
    """The name that timm has for an architecture that it builds; any other name as it is."""
    entry = catalog.entry(model)
    target = entry.target if entry is not None and not entry.options else model
    return target.removeprefix("timm:") if target.startswith("timm:") else model
