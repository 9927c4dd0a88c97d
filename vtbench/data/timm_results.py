"""Benchmark results as timm's CSV files hold them, read as measurements with their provenance.

Such a file says in its name how it was measured, and its figures are rounded: what it prints of
MACs, parameters and activations is kept as printed, and not taken for an exact count.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Annotated, Any

import msgspec

from vtbench.data.bounds import Size
from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Device, Environment, Measurement, Telemetry
from vtbench.data.protocol import ProtocolId
from vtbench.data.workload import DeviceKind, Layout, Precision, Workload
from vtbench.errors import BadInput

COLUMNS = (
    "model", "infer_img_size", "infer_samples_per_sec", "infer_step_time", "infer_batch_size",
    "param_count", "infer_gmacs", "infer_macts",
)  # fmt: skip
"""Of one file of inference: step time in ms, parameters and activations in millions; what is
counted is for one image."""
NEEDED = ("model", "infer_img_size", "infer_samples_per_sec", "infer_batch_size")
PRINTED = ("infer_step_time", "param_count", "infer_gmacs", "infer_macts")
IMPORTED = ProtocolId(name="timm-import", version=1)
"""No protocol of ours: a fixed number of steps after a fixed warm-up, and their mean."""

_NAME = re.compile(
    r"benchmark-infer-(?P<precision>fp32|amp_bf16|amp|bf16|fp16)-(?P<layout>nchw|nhwc)"
    r"-pt(?P<torch>\d{3,})(-cu(?P<cuda>\d{2,}))?-(?P<device>.+?)(?P<compiled>-dynamo)?\.csv"
)
_AMP: dict[str, Precision] = {"amp": "fp16", "amp_bf16": "bf16"}


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """The figures that every row needs."""

    infer_img_size: Size
    infer_batch_size: Size
    infer_samples_per_sec: Annotated[float, msgspec.Meta(ge=1e-12, le=1e15)]


class _Conditions(msgspec.Struct, frozen=True):
    """The conditions that the name of a file states for all its rows."""

    workload: Workload
    device: Device
    environment: Environment


def read_timm_results(path: Path) -> list[Measurement]:
    """The rows of a file of timm's inference results, in order."""
    conditions = _conditions(path.name)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The results {path} cannot be read: {error}.") from error
    try:
        return _read(csv.DictReader(text.splitlines()), conditions, path)
    except csv.Error as error:
        raise BadInput(f"The results {path} cannot be read as CSV: {error}.") from error


def _read(rows: csv.DictReader[str], conditions: _Conditions, path: Path) -> list[Measurement]:
    missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise BadInput(
            f"{path} is not a file of timm's inference results: it has no column {missing[0]!r}."
        )
    return [_measurement(row, conditions, f"{path}:{rows.line_num}") for row in rows]


def _conditions(name: str) -> _Conditions:
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadInput(
            f"The file name {name!r} does not say how the results were measured; name the file as "
            "timm does, for example benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv."
        )
    device = found["device"]
    kind: DeviceKind = "cpu" if device.startswith("cpu") else "cuda"
    layout: Layout = "channels_last" if found["layout"] == "nhwc" else "nchw"
    workload = Workload(
        model="",
        device=kind,
        dtype=_precision(found["precision"], kind),
        autocast=found["precision"] in _AMP,
        layout=layout,
        compile="default" if found["compiled"] else None,
    )
    environment: Environment = {"torch": _torch_version(found["torch"]), "source": name}
    if found["cuda"]:
        environment["cuda"] = f"{found['cuda'][:-1]}.{found['cuda'][-1]}"
    return _Conditions(workload, Device(kind=kind, name=device.removeprefix("cpu-")), environment)


def _precision(said: str, kind: DeviceKind) -> Precision:
    """The script that makes such files lets fp32 products of a GPU be TF32 ones."""
    if said == "fp32":
        return "tf32" if kind == "cuda" else "fp32"
    found: Precision = _AMP.get(said) or ("bf16" if said == "bf16" else "fp16")
    return found


def _torch_version(figures: str) -> str:
    """113 is 1.13, 240 is 2.4.0: only the first series reached two-digit minor versions."""
    if figures.startswith("1"):
        return f"1.{figures[1:]}"
    return ".".join(figures)


def _measurement(row: dict[str, Any], conditions: _Conditions, where: str) -> Measurement:
    try:
        figures = msgspec.convert(row, _Row, strict=False)
    except msgspec.ValidationError as error:
        raise BadInput(f"{where}: a figure of {row.get('model')!r} is wrong: {error}.") from error
    size = figures.infer_img_size
    printed = {f"printed_{name}": row[name] for name in PRINTED if row.get(name)}
    return Measurement(
        workload=msgspec.structs.replace(
            conditions.workload,
            model=f"timm:{row['model']}",
            resolution=(size, size),
            batch_size=figures.infer_batch_size,
        ),
        protocol=IMPORTED,
        device=conditions.device,
        environment={**conditions.environment, **printed},
        images_per_second=figures.infer_samples_per_sec,
        telemetry=Telemetry(
            verdict="unwatched",
            disturbances=(Disturbance(Kind.NOT_RECORDED, {"source": "timm's results"}),),
        ),
    )
