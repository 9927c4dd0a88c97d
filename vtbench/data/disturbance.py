"""What can disturb a measurement, as a closed list: kinds with their numbers.

A record carries the kinds; every sentence about them is made here, and no sentence is ever read.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import msgspec


class Kind(str, Enum):
    """One kind of disturbance, or one reason why disturbances could not be seen."""

    # Others had what the workload wanted.
    OTHER_LOAD = "other_load"
    HOST_FULL = "host_full"
    STEAL = "steal"
    GPU_SHARED = "gpu_shared"
    # The device was held below its own speed.
    CLOCK_HELD = "clock_held"
    QUOTA = "quota"
    HEAT = "heat"
    # Nobody could look.
    FEW_READINGS = "few_readings"
    GAP = "gap"
    TOO_SHORT = "too_short"
    COUNTERS_STUCK = "counters_stuck"
    COUNTERS_UNREADABLE = "counters_unreadable"
    NOT_STARTED = "not_started"
    WATCHER_DIED = "watcher_died"
    CLOCK_WATCHER_DIED = "clock_watcher_died"
    NVML_UNUSABLE = "nvml_unusable"
    NO_UUID = "no_uuid"
    GPU_UNKNOWN = "gpu_unknown"
    GPU_PART = "gpu_part"
    NOT_RECORDED = "not_recorded"
    # What a reader should know although nothing was wrong.
    CLOCK_MOVED = "clock_moved"
    PROCESSES_UNSEEN = "processes_unseen"
    CLOCK_UNREADABLE = "clock_unreadable"
    # What is known of a machine before anything runs.
    MACHINE_BUSY = "machine_busy"
    GOVERNOR = "governor"
    QUOTA_SET = "quota_set"
    VIRTUAL = "virtual"
    LAUNCHES_BLOCK = "launches_block"
    MEMORY_UNCACHED = "memory_uncached"


OTHERS = frozenset({Kind.OTHER_LOAD, Kind.HOST_FULL, Kind.STEAL, Kind.GPU_SHARED})
"""Work of other processes: a device with only these disturbances was busy."""
HELD = frozenset({Kind.CLOCK_HELD, Kind.QUOTA, Kind.HEAT})
"""Disturbances that held the device itself below its own speed."""

Value = int | float | str
Text = str | Callable[..., str]


class Disturbance(msgspec.Struct, frozen=True, omit_defaults=True):
    """One disturbance with its numbers."""

    kind: Kind
    """The kind of the disturbance."""
    values: dict[str, Value] = {}
    """Name -> the number or word that stands for it in the sentence."""
    device: str | None = None
    """The device that it concerns, such as ``cuda:0``, if several were described together."""

    def __post_init__(self) -> None:
        """The values have to be those of the sentence, and of their kinds."""
        try:
            _ = self.sentence
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError):
            raise ValueError(
                f"Expected the values of a disturbance {self.kind.value}, got {self.values}"
            ) from None

    @property
    def sentence(self) -> str:
        """The disturbance in words."""
        text = TEXTS[self.kind]
        said = text.format(**self.values) if isinstance(text, str) else text(**self.values)
        return said if self.device is None else f"{self.device}: {said}"

    @property
    def likeness(self) -> tuple[Kind, tuple[Value, ...]]:
        """Equal for disturbances that are alike but for their numbers."""
        return self.kind, tuple(v for v in self.values.values() if isinstance(v, str))


def _other_load(load: float, threads: int, waited: float | None = None) -> str:
    cores = "core" if threads == 1 else "cores"
    wanted = "" if waited is None else f" and waited for one {waited:.0%} of the time"
    return (
        f"Other processes kept {load:.1f} cores busy; the workload uses {threads} {cores}{wanted}."
    )


def _gpu_shared(processes: int) -> str:
    use = "other process uses" if processes == 1 else "other processes use"
    return f"{processes} {use} the GPU."


def _clock_held(reason: str, readings: int, busy: int) -> str:
    words = reason.replace("_", " ").removeprefix("sw ").removeprefix("hw ")
    return f"The clock was lowered in {readings} of {busy} readings; the reason: {words}."


TEXTS: dict[Kind, Text] = {
    Kind.OTHER_LOAD: _other_load,
    Kind.HOST_FULL: "Other processes kept {load:.1f} of the host's {cores} cores busy.",
    Kind.STEAL: "The host of this virtual machine took {cores:.1f} cores away (steal).",
    Kind.GPU_SHARED: _gpu_shared,
    Kind.CLOCK_HELD: _clock_held,
    Kind.QUOTA: (
        "The container's quota stopped the workload {times} times, for {seconds:.1f} s in total."
    ),
    Kind.HEAT: "The processor slowed down {times} times because of heat.",
    Kind.FEW_READINGS: (
        "Only {readings} readings were taken while the GPU was busy; {needed} are needed."
    ),
    Kind.GAP: "Telemetry gap of {seconds:.1f} s.",
    Kind.TOO_SHORT: "The device was watched for only {seconds:.2f} s; {needed} s are needed.",
    Kind.COUNTERS_STUCK: (
        "The system's processor times do not change, so other load cannot be seen."
    ),
    Kind.COUNTERS_UNREADABLE: "The system's processor times cannot be read: {error}.",
    Kind.NOT_STARTED: "Telemetry was not started.",
    Kind.WATCHER_DIED: "Telemetry stopped with an error: {error}.",
    Kind.CLOCK_WATCHER_DIED: "Telemetry of the clock stopped with an error: {error}.",
    Kind.NVML_UNUSABLE: "NVML cannot be used: {error}.",
    Kind.NO_UUID: "CUDA does not report the GPU's UUID, so its sensors cannot be found.",
    Kind.GPU_UNKNOWN: "NVML does not know the GPU {uuid}: {error}.",
    Kind.GPU_PART: "The device is a part of a GPU (MIG), and the sensors measure the whole GPU.",
    Kind.NOT_RECORDED: "It was read from a file of {source}, which has no telemetry.",
    Kind.CLOCK_MOVED: "The clock moved between {low:.0f} and {high:.0f} MHz.",
    Kind.PROCESSES_UNSEEN: "Other processes on the GPU cannot be seen from here.",
    Kind.CLOCK_UNREADABLE: "The clock of the processor cannot be read here.",
    Kind.MACHINE_BUSY: "Other processes keep {load:.1f} of {cores} cores busy.",
    Kind.GOVERNOR: ("The processor's governor is {governor}, so the clock changes with the load."),
    Kind.QUOTA_SET: (
        "This container gets the time of {cores:g} cores; a workload with more threads is "
        "stopped again and again."
    ),
    Kind.VIRTUAL: (
        "This is a virtual machine; the load of its neighbours is seen only as stolen time."
    ),
    Kind.LAUNCHES_BLOCK: (
        "CUDA_LAUNCH_BLOCKING is set, so every kernel waits for the one before it."
    ),
    Kind.MEMORY_UNCACHED: (
        "PYTORCH_NO_CUDA_MEMORY_CACHING is set, so every tensor asks the driver for memory."
    ),
}
"""The sentence of every kind."""
