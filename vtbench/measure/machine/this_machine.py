"""This machine as a whole: devices, environment, and what stands in the way of measuring."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.machine import Machine
from vtbench.data.measurement import Device
from vtbench.measure.machine import limits, processor
from vtbench.measure.machine.devices import describe, gpus, why_no_gpu
from vtbench.measure.machine.environment import environment, revision
from vtbench.measure.machine.nvml import Unwatched, open_gpu, other_processes
from vtbench.measure.telemetry import processor_watcher as host

LOOK_SECONDS = 0.5
"""How long the load of the machine is looked at."""
FOLLOWING = ("powersave", "ondemand", "conservative", "schedutil")
"""Governors whose clock follows the load."""
SLOWING = {
    "CUDA_LAUNCH_BLOCKING": Kind.LAUNCHES_BLOCK,
    "PYTORCH_NO_CUDA_MEMORY_CACHING": Kind.MEMORY_UNCACHED,
}
"""Variables that are meant for finding faults."""


def machine() -> Machine:
    """Everything that a record would say of this machine, and what it ought to warn of."""
    found = gpus()
    return Machine(
        devices=(describe("cpu"), *found),
        no_gpu=why_no_gpu(),
        environment=environment(),
        commit=revision(Path.cwd()),
        disturbances=(*_busy(), *_clock(), *_share(), *_settings(), *_watched(found)),
    )


def _busy() -> Iterator[Disturbance]:
    watcher = host.HostWatcher()
    watcher.start()
    time.sleep(LOOK_SECONDS)
    watcher.stop()
    seen, cores = watcher.telemetry(), processor.usable_cores()
    if seen.cpu_load is None:
        yield msgspec.structs.replace(seen.disturbances[0], device="cpu")
    elif seen.cpu_load > host.tolerated(cores):
        yield Disturbance(Kind.MACHINE_BUSY, {"load": seen.cpu_load, "cores": cores})


def _clock() -> Iterator[Disturbance]:
    governor = processor.governor()
    if governor in FOLLOWING:
        yield Disturbance(Kind.GOVERNOR, {"governor": governor})
    if processor.clock_mhz(processor.allowed_cores()) is None:
        yield Disturbance(Kind.CLOCK_UNREADABLE)


def _share() -> Iterator[Disturbance]:
    quota = limits.cpu_quota()
    if quota is not None and quota < len(processor.allowed_cores()):
        yield Disturbance(Kind.QUOTA_SET, {"cores": quota})
    if processor.virtual():
        yield Disturbance(Kind.VIRTUAL)


def _settings() -> Iterator[Disturbance]:
    for name, kind in SLOWING.items():
        if os.environ.get(name, "0") not in ("", "0"):
            yield Disturbance(kind)


def _watched(found: tuple[Device, ...]) -> Iterator[Disturbance]:
    """What NVML says of every GPU, or why it does not."""
    for device in found:
        name = f"cuda:{device.index}"
        try:
            gpu = open_gpu(device.uuid)
        except Unwatched as error:
            yield msgspec.structs.replace(error.why, device=name)
            continue
        try:
            others = other_processes(gpu.processes() or ())
        finally:
            gpu.close()
        if others:
            yield Disturbance(Kind.GPU_SHARED, {"processes": others}, name)
