"""Measurements made by hand, all of whose figures are known: nothing was run for them."""

from __future__ import annotations

import msgspec

from vtbench.data.measurement import Device, MeasuredMemory, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload

CPU = Device(kind="cpu", name="AMD EPYC 7543", cores=4)
H200 = Device(kind="cuda", name="NVIDIA H200", index=0)
CLEAN = Telemetry(verdict="clean", samples=40)


def made(
    model="resnet34",
    *,
    seconds=0.05,
    spread=0.01,
    protocol="throughput",
    samples=20,
    device=CPU,
    **fields,
) -> Measurement:
    """A measurement of a number of samples that lie evenly within ``spread`` of their median."""
    known = {name: fields.pop(name) for name in Workload.__struct_fields__ if name in fields}
    workload = {
        "resolution": (224, 224),
        "batch_size": 64,
        "device": device.kind,
        "threads": 4 if device.kind == "cpu" else None,
    } | known
    taken = tuple(
        seconds * (1 + spread * (2 * k / (samples - 1) - 1)) if samples > 1 else seconds
        for k in range(samples)
    )
    timed = PROTOCOLS[protocol].timed if protocol in PROTOCOLS else True
    times = {
        "samples": taken,
        "median": seconds,
        "low": seconds * (1 - spread / 2),
        "high": seconds * (1 + spread / 2),
        "images_per_second": workload["batch_size"] / seconds,
        "p50": seconds,
        "stopped_by": "interval",
        "telemetry": CLEAN,
    }
    given = {
        "workload": Workload(model=model, **workload),
        "protocol": PROTOCOLS[protocol].id,
        "device": device,
        "environment": {"torch": "2.15.0"},
        "macs": 3_663_761_408 * workload["batch_size"],
        "params": 21_797_672,
        **(times if timed else {}),
    }
    return Measurement(**given | fields)


def failed(model="vit_h", error="It ran out of memory at a batch of 64.", **fields) -> Measurement:
    """A measurement that did not come off."""
    whole = made(model, **fields)
    return Measurement(
        workload=whole.workload, protocol=whole.protocol, device=whole.device, error=error
    )


def remembered(model, tokens, peak, **fields) -> Measurement:
    """A memory measurement of a model at some number of tokens."""
    memory = MeasuredMemory(
        weights=80_000_000,
        peak_resident=peak,
        predicted=peak - 5_000_000,
        ratio=peak / (peak - 5e6),
    )
    return made(model, protocol="memory", memory=memory, options=(("tokens", tokens),), **fields)


def swept(model="deit_s", sizes=(192, 224, 256, 320, 384), power=1.1, **fields):
    """Measurements over sizes, whose time grows as a power of the pixels."""
    return [
        made(
            model,
            resolution=(size, size),
            seconds=0.04 * (size / 224) ** (2 * power),
            macs=64 * round(4_598_882_304 * (size / 224) ** (2 * power)),
            **fields,
        )
        for size in sizes
    ]


def lines(records) -> str:
    """Records as JSON Lines."""
    return "".join(msgspec.json.encode(record).decode() + "\n" for record in records)
