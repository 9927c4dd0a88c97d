"""What measuring gave: raw samples, and under which conditions they were taken.

Raw samples are kept; everything else is derived from them and may be derived again.
``identity`` says whether two measurements may be compared: workload, protocol, device model.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import msgspec

from vtbench.data.disturbance import Disturbance
from vtbench.data.protocol import ProtocolId
from vtbench.data.workload import DeviceKind, Workload

SCHEMA = "vtbench-measurement/2"
"""The shape of these records; a change of meaning changes it."""

EnvironmentValue = str | int | float | bool | None
Environment = dict[str, EnvironmentValue]
"""Library versions, driver, host, processor: what may differ between comparable measurements."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """The device that executed the workload."""

    kind: DeviceKind
    name: str
    """Its model, such as ``NVIDIA H200``; part of the identity."""
    index: int | None = None
    """Its CUDA index in that process; None for a CPU."""
    uuid: str | None = None
    memory: int | None = None
    """Bytes of memory."""
    cores: int | None = None
    """Streaming multiprocessors, or cores that this process may use."""
    partition: str | None = None
    """The MIG profile, where it is a part of a GPU."""


MOST_WAIT = 0.05
"""Threads that wait longer for a core, as a share of the time that they want one, are disturbed."""
TOLERATED_CORES = 0.25
"""Others may keep this much of one core busy, beside any workload."""


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen of the device while it worked."""

    verdict: Literal["clean", "throttled", "unwatched"]
    """``throttled``: something held it below its own speed, its clock or other processes;
    ``unwatched``: nobody looked, or the watcher died."""
    disturbances: tuple[Disturbance, ...] = ()
    """What the verdict rests on, and what a reader should know although nothing was wrong."""
    samples: int = 0
    """Readings taken while busy."""
    sm_clock_mhz: float | None = None
    """Median while busy; the spread is between ``sm_clock_low_mhz`` and ``sm_clock_high_mhz``."""
    sm_clock_low_mhz: float | None = None
    sm_clock_high_mhz: float | None = None
    memory_clock_mhz: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None
    throttle_reasons: tuple[str, ...] = ()
    """Names of the reason bits that were set while busy, idle and user-set clocks apart."""
    other_processes: int | None = None
    """Other processes on the same device."""
    energy_per_image_j: float | None = None
    energy_source: str | None = None
    """``counter``, or ``power`` where instant power was integrated; None where neither may be."""
    cpu_clock_mhz: float | None = None
    cpu_load: float | None = None
    """Cores that other processes kept busy meanwhile."""
    cpu_wait: float | None = None
    """Share of the time that its threads wanted a core in which they had to wait for one."""

    @property
    def why(self) -> tuple[str, ...]:
        """The disturbances as sentences."""
        return tuple(each.sentence for each in self.disturbances)

    @property
    def interrupted(self) -> bool:
        """Whether others had the cores that the workload wanted."""
        # Threads also wait for each other, and for quotas.
        others = (self.cpu_load or 0.0) > TOLERATED_CORES
        return self.verdict == "throttled" and others and (self.cpu_wait or 0.0) > MOST_WAIT


class MeasuredMemory(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, each None where the device has no such figure."""

    weights: int | None = None
    """Parameters and buffers as they lie on the device."""
    peak_allocated: int | None = None
    """CUDA: most bytes in live tensors during a step, weights included."""
    peak_reserved: int | None = None
    """CUDA: most bytes that the allocator held."""
    peak_resident: int | None = None
    """CPU: most bytes that the process held during a step, above those before the model."""
    predicted: int | None = None
    """Weights and the peak of live tensors by the counter, which needs no device."""
    ratio: float | None = None
    """Measured peak (allocated, or resident) / predicted."""


class StageShare(msgspec.Struct, frozen=True, kw_only=True):
    """One stage on the roofline."""

    stage: str
    seconds: float
    macs: int
    bytes: int
    utilisation: float | None


class Roofline(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model stands between the device's ceilings of arithmetic and of memory."""

    macs_per_second: float
    bytes_per_second: float
    """Least traffic: weights once, and counted activations written and read once, / time."""
    ceiling_macs_per_second: float | None = None
    """Measured here with a large matrix product in the same precision."""
    ceiling_bytes_per_second: float | None = None
    """Measured here with a large copy."""
    datasheet_macs_per_second: float | None = None
    """The dense peak that the maker prints, where it is known."""
    datasheet_bytes_per_second: float | None = None
    bound: Literal["arithmetic", "memory", "neither"] | None = None
    """The ceiling that is nearer; ``neither`` where both are far: launches, small shapes."""
    stages: tuple[StageShare, ...] = ()


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One workload under one protocol on one device; ``error`` is set where it did not come off."""

    workload: Workload
    protocol: ProtocolId
    device: Device | None = None
    environment: Environment = {}
    samples: tuple[float, ...] = ()
    """Seconds per step, each the mean of ``steps_per_sample`` steps, in the order taken."""
    steps_per_sample: int = 1
    median: float | None = None
    low: float | None = None
    """Bounds of the 95 % interval of the median."""
    high: float | None = None
    images_per_second: float | None = None
    """Images / total time of the timed blocks."""
    p50: float | None = None
    """Percentiles of single steps; None where steps were not timed singly or are too few."""
    p90: float | None = None
    p99: float | None = None
    warmup_steps: int | None = None
    warmup_seconds: float | None = None
    stopped_by: str | None = None
    """``interval`` (narrow enough), ``max_time`` or another rule that ended the sampling."""
    telemetry: Telemetry | None = None
    memory: MeasuredMemory | None = None
    macs: int | None = None
    """Multiply-accumulates of the whole step; None where they are not known completely."""
    params: int | None = None
    activations: int | None = None
    """Elements written by counted operators, of the whole step."""
    utilisation: float | None = None
    """Achieved MAC/s / the ceiling measured on this device in this precision."""
    roofline: Roofline | None = None
    isolated: bool = True
    """Whether a fresh process measured nothing but this session."""
    session: str | None = None
    """Equal for what was interleaved: sample k of each was taken in the same round."""
    cell: str | None = None
    """In a sweep: stands for the workload as it was asked for and the protocol; equal for equal
    ones, so that a sweep that goes on knows what it has."""
    commit: str | None = None
    """Revision of the code in the working directory, with ``+changes`` where it was not clean."""
    date: str | None = None
    """When it was finished, UTC, ISO 8601."""
    schema: str = SCHEMA
    error: str | None = None

    @property
    def identity(self) -> tuple[Workload, ProtocolId, str | None]:
        """What two measurements must have in common to be compared."""
        return (self.workload, self.protocol, self.device.name if self.device else None)

    def to_dict(self) -> dict[str, Any]:
        """The record as docs/json.md promises it: every key, absent values null."""
        data = {name: _plain(getattr(self, name)) for name in self.__struct_fields__}
        data["workload"] = self.workload.to_dict(executed=True)
        if self.telemetry is not None:
            data["telemetry"]["why"] = list(self.telemetry.why)
        return data


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as fast ``a`` is as ``b``, measured in one session."""

    a: str
    b: str
    ratio: float
    low: float
    high: float


def _plain(value: Any) -> Any:
    """Structs with every field, unlike msgspec, which leaves out defaults where told to."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value
