"""This machine as a whole: devices, environment, and what stands in the way of measuring."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from vtbench.data.machine import Machine
from vtbench.data.measurement import Device
from vtbench.measure.machine import limits, processor
from vtbench.measure.machine.devices import describe, gpus, why_no_gpu
from vtbench.measure.machine.environment import environment, revision
from vtbench.measure.machine.gpu_processes import other_processes
from vtbench.measure.machine.nvml import Unwatched, open_gpu
from vtbench.measure.telemetry import processor_watcher as host

LOOK_SECONDS = 0.5
"""How long the load of the machine is looked at."""
FOLLOWING = ("powersave", "ondemand", "conservative", "schedutil")
"""Governors whose clock follows the load."""
SLOWING = {
    "CUDA_LAUNCH_BLOCKING": "every kernel waits for the one before",
    "PYTORCH_NO_CUDA_MEMORY_CACHING": "every tensor asks the driver for memory",
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
        warnings=(*_busy(), *_clock(), *_share(), *_settings(), *_watched(found)),
    )


def _busy() -> Iterator[str]:
    watcher = host.HostWatcher()
    watcher.start()
    time.sleep(LOOK_SECONDS)
    watcher.stop()
    seen, cores = watcher.telemetry(), processor.usable_cores()
    if seen.cpu_load is None:
        yield f"The processor cannot be watched. {seen.why[0]}"
    elif seen.cpu_load > host.tolerated(cores):
        yield (
            f"Other processes keep {seen.cpu_load:.1f} of {cores} cores busy; "
            "measure when the machine is quiet."
        )


def _clock() -> Iterator[str]:
    governor = processor.governor()
    if governor in FOLLOWING:
        yield (
            f"The processor's governor is {governor}: its clock follows the load. "
            "`cpupower frequency-set --governor performance` holds it up."
        )
    if processor.clock_mhz(processor.allowed_cores()) is None:
        yield "The processor's clock cannot be read, so a processor that slows down goes unseen."


def _share() -> Iterator[str]:
    quota = limits.cpu_quota()
    if quota is not None and quota < len(processor.allowed_cores()):
        yield (
            f"This container gets the time of {quota:g} cores: with more threads than that, "
            "it is stopped again and again."
        )
    if processor.virtual():
        yield "This is a virtual machine: of its neighbours, only the time they took is seen."


def _settings() -> Iterator[str]:
    for name, effect in SLOWING.items():
        if os.environ.get(name, "0") not in ("", "0"):
            yield f"{name} is set: {effect}."


def _watched(found: tuple[Device, ...]) -> Iterator[str]:
    """What NVML says of every GPU, or why it does not."""
    for device in found:
        name = f"cuda:{device.index}"
        try:
            gpu = open_gpu(device.uuid)
        except Unwatched as error:
            yield f"{name} cannot be watched. {error}"
            continue
        try:
            others = other_processes(gpu.processes() or ())
        finally:
            gpu.close()
        if others:
            yield f"{name} is in use: other processes on it: {others}."
