"""The results of measuring: raw samples, and the conditions under which they were taken.

Raw samples are kept; everything else is derived from them and may be derived again.
``identity`` says whether two measurements may be compared: workload, protocol, device model.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import msgspec

from vtbench.data.bounds import Amount, Count, Rate, Seconds, Size
from vtbench.data.distribution import Distribution
from vtbench.data.disturbance import Disturbance
from vtbench.data.protocol import ProtocolId
from vtbench.data.record import ByValues
from vtbench.data.stages import Division
from vtbench.data.workload import DeviceKind, Workload

SCHEMA = "vtbench-measurement/2"
"""The version of this record's format; it changes when a field changes its meaning."""

EnvironmentValue = str | int | float | bool | None
Environment = dict[str, EnvironmentValue]
"""Versions of libraries, driver, host and processor; comparable measurements may differ in it."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """The device that executed the workload."""

    kind: DeviceKind
    """Whether the device is a CPU or a CUDA GPU."""
    name: str
    """The product name, such as ``NVIDIA H200``; it is part of the identity."""
    index: Count | None = None
    """The CUDA index in the process that measured; None for a CPU."""
    uuid: str | None = None
    """The UUID of the GPU; None for a CPU."""
    memory: Count | None = None
    """The device's memory, in bytes."""
    cores: Count | None = None
    """The number of streaming multiprocessors, or of cores that the process may use."""
    partition: str | None = None
    """The MIG profile, if the device is a part of a GPU."""


MOST_WAIT = 0.05
"""The largest share of time that threads may wait for a core before they count as disturbed."""
TOLERATED_CORES = 0.25
"""Other processes may keep this much of one core busy beside any workload."""


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the device while it executed the workload; unknown values are None."""

    verdict: Literal["clean", "throttled", "unwatched"]
    """``throttled``: the device's clock or other processes slowed the workload down;
    ``unwatched``: the device's state was not recorded; ``clean``: neither."""
    disturbances: tuple[Disturbance, ...] = ()
    """The reasons for the verdict, and remarks that do not change it."""
    samples: Count = 0
    """The number of readings that were taken while the device was busy."""
    sm_clock_mhz: float | None = None
    """The median clock of the GPU's multiprocessors while it was busy, in MHz."""
    sm_clock_low_mhz: float | None = None
    """The lower end of the spread of that clock, in MHz."""
    sm_clock_high_mhz: float | None = None
    """The upper end of the spread of that clock, in MHz."""
    memory_clock_mhz: float | None = None
    """The median clock of the GPU's memory while it was busy, in MHz."""
    power_w: float | None = None
    """The GPU's power while it was busy, in watts."""
    temperature_c: float | None = None
    """The GPU's temperature while it was busy, in degrees Celsius."""
    throttle_reasons: tuple[str, ...] = ()
    """NVML's reasons for a lower clock while busy, except idle and clocks that a user set."""
    other_processes: Count | None = None
    """The number of other processes on the same GPU."""
    energy_per_image_j: float | None = None
    """The energy that the GPU used for one image, in joules."""
    energy_source: str | None = None
    """``counter`` if NVML counted the energy, ``power`` if it is the integral of the power."""
    cpu_clock_mhz: float | None = None
    """The clock of the processor's cores, in MHz."""
    cpu_load: float | None = None
    """The number of cores that other processes kept busy meanwhile."""
    cpu_wait: float | None = None
    """The share of the time that the workload's threads had to wait for a core they wanted."""

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
    """The memory of one step in bytes; a figure that the device does not have is None."""

    weights: Count | None = None
    """Bytes of parameters and buffers on the device."""
    peak_allocated: Count | None = None
    """On CUDA, the peak of bytes in live tensors during a step, weights included."""
    peak_reserved: Count | None = None
    """On CUDA, the peak of bytes that the allocator held."""
    peak_resident: Count | None = None
    """On a CPU, the peak of the process's bytes during a step, minus those before the model."""
    predicted: Count | None = None
    """Bytes of weights plus the peak of live tensors, as predicted by the count."""
    ratio: float | None = None
    """The measured peak (allocated, or resident) divided by ``predicted``."""


class StageShare(msgspec.Struct, frozen=True, kw_only=True):
    """One stage on the roofline."""

    stage: str
    """The name of the stage."""
    seconds: Seconds
    """The time of the stage in one step, in seconds."""
    macs: Count
    """Multiply-accumulates of the stage in one step."""
    bytes: Count
    """The least number of bytes that the stage must read and write in one step."""
    utilisation: Amount | None
    """Achieved MAC/s divided by the measured ceiling; None if the ceiling is not known."""


class Roofline(msgspec.Struct, frozen=True, kw_only=True):
    """A model's speed beside the highest speeds of the device's arithmetic and memory."""

    macs_per_second: Amount
    """Multiply-accumulates of a step divided by its time."""
    bytes_per_second: Amount
    """The least traffic of a step divided by its time: weights are read once, and counted
    activations are written and read once."""
    ceiling_macs_per_second: Rate | None = None
    """MAC/s of a large matrix product in the same precision, measured on this device."""
    ceiling_bytes_per_second: Rate | None = None
    """Bytes per second of a large copy, measured on this device."""
    datasheet_macs_per_second: Rate | None = None
    """MAC/s of the dense peak in the maker's datasheet; None if it is not known."""
    datasheet_bytes_per_second: Rate | None = None
    """Bytes per second of the memory in the maker's datasheet; None if it is not known."""
    bound: Literal["arithmetic", "memory", "neither"] | None = None
    """The nearer ceiling; ``neither`` if both are far, as with small shapes or many launches."""
    stages: tuple[StageShare, ...] = ()
    """The stages or blocks of the model, each with its own time; empty if they were not timed."""
    by: Division | None = None
    """What was asked to be timed, ``stage`` or ``block``; None if nothing was, or if unknown."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """When in a sweep a launch had its turn: every round visits all cells in a random order."""

    round: Size
    """The number of the round, from 1."""
    place: Size
    """The place in the order of the round, from 1."""
    row: Size = 1
    """The place of the cell in the order in which the sweep was asked for, from 1."""
    seed: Count = 0
    """The seed of the order."""


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One fresh process of a cell, of the several that the cell's figures come from."""

    turn: Turn
    """When it had its turn."""
    host: str | None = None
    """The host that it ran on, as the environment names it."""
    median: Seconds | None = None
    """The median of the samples of this launch, in seconds per step; None if it failed."""
    low: Seconds | None = None
    """The lower end of the 95 % interval of that median, which speaks of this process alone."""
    high: Seconds | None = None
    """The upper end of the 95 % interval of that median."""
    images_per_second: Rate | None = None
    """The number of images of this launch divided by the total time of its samples."""
    samples: Count = 0
    """The number of its samples."""
    verdict: Literal["clean", "throttled", "unwatched"] | None = None
    """What was seen of the device meanwhile; None if nothing was recorded."""
    error: str | None = None
    """The reason why this launch failed; None if it did not fail."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One workload under one protocol on one device. `error` holds the reason if the run failed."""

    workload: Workload
    """The model and the conditions that it was executed under."""
    protocol: ProtocolId
    """The name and version of the protocol."""
    device: Device | None = None
    """The device that executed the workload; None if the run failed before it was known."""
    environment: Environment = {}
    """Versions of libraries, driver, host and processor, by name."""
    samples: tuple[Seconds, ...] = ()
    """Seconds per step, each the mean of ``steps_per_sample`` steps, in the order taken."""
    steps_per_sample: Size = 1
    """The number of steps that one sample is the mean of."""
    median: Seconds | None = None
    """The median of the samples, in seconds per step."""
    low: Seconds | None = None
    """The lower end of the 95 % interval of the median, in seconds per step."""
    high: Seconds | None = None
    """The upper end of the 95 % interval of the median, in seconds per step."""
    images_per_second: Rate | None = None
    """The number of images divided by the total time of all samples."""
    p50: Seconds | None = None
    """The 50th percentile of single steps, in seconds; None if steps were not timed singly."""
    p90: Seconds | None = None
    """The 90th percentile of single steps, in seconds; None if there are too few steps."""
    p99: Seconds | None = None
    """The 99th percentile of single steps, in seconds; None if there are too few steps."""
    warmup_steps: Count | None = None
    """The number of steps before the first sample."""
    warmup_seconds: Amount | None = None
    """The time of the steps before the first sample, in seconds."""
    stopped_by: str | None = None
    """The rule that ended the sampling: ``interval`` (it is narrow enough), ``max_time``,
    ``launches`` (several launches make the figure), ..."""
    telemetry: Telemetry | None = None
    """The state of the device during the measurement; None if it was not recorded."""
    memory: MeasuredMemory | None = None
    """The measured and predicted memory; None if it was not measured."""
    macs: Count | None = None
    """Multiply-accumulates of the whole step; None if an operator is unknown."""
    params: Count | None = None
    """The number of the model's parameters; None if the model was not counted."""
    activations: Count | None = None
    """Elements written by counted operators in the whole step."""
    settled: dict[str, Any] = {}
    """What the model chose for itself so as to meet an option, such as the ``r`` for ``tokens``."""
    by_values: ByValues | None = None
    """Why counts, and what follows from them, can change with the values of the input."""
    distribution: Distribution | None = None
    """Of memory, the predicted bytes over many inputs; None if not asked for."""
    utilisation: Amount | None = None
    """Achieved MAC/s divided by the ceiling of this device in this precision."""
    roofline: Roofline | None = None
    """The speed beside the device's ceilings; None if they were not asked for."""
    isolated: bool = True
    """Whether the session had a fresh process of its own."""
    session: str | None = None
    """Equal for interleaved measurements: sample k of each was taken in the same round."""
    samples_per_visit: Size = 1
    """In a session, the number of samples in a row each time that the model had its turn."""
    turn: Turn | None = None
    """In a sweep, when this launch had its turn; None of several launches together."""
    launches: tuple[Launch, ...] = ()
    """The launches that the figures come from, if there are several: then ``median``, ``low`` and
    ``high`` are their geometric mean and its 95 % interval between launches."""
    cell: str | None = None
    """In a sweep, the key of the cell: equal for equal workloads, as asked for, and protocols. A
    sweep that is continued uses it to find the cells that it already has."""
    commit: str | None = None
    """The revision of the code in the working directory; ``+changes`` marks uncommitted changes."""
    date: str | None = None
    """The time when the measurement was finished, in UTC and ISO 8601."""
    schema: str = SCHEMA
    """The version of this record's format."""
    error: str | None = None
    """The reason why the run failed, in a sentence; None if it did not fail."""

    @property
    def identity(self) -> tuple[Workload, ProtocolId, str | None]:
        """The workload, protocol and device that two comparable measurements have in common."""
        return (self.workload, self.protocol, self.device.name if self.device else None)

    def to_dict(self) -> dict[str, Any]:
        """The record as docs/json.md promises it: every key, absent values null."""
        data = {name: _plain(getattr(self, name)) for name in self.__struct_fields__}
        data["workload"] = self.workload.to_dict(executed=True)
        data["distribution"] = self.distribution.to_dict() if self.distribution else None
        if self.telemetry is not None:
            data["telemetry"]["why"] = list(self.telemetry.why)
        return data


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How many times as fast ``a`` is as ``b``, measured in one session."""

    a: str
    """The name of the measurement whose speed is divided."""
    b: str
    """The name of the measurement whose speed it is divided by."""
    ratio: float
    """The speed of ``a`` divided by that of ``b``; above 1, ``a`` is faster."""
    low: float
    """The lower end of the 95 % interval of ``ratio``."""
    high: float
    """The upper end of the 95 % interval of ``ratio``."""
    protocol: str | None = None
    """The protocol of both, such as ``throughput/1``."""
    rounds: int | None = None
    """The number of rounds of a sweep that both took part in; None within a session."""


def _plain(value: Any) -> Any:
    """Structs with every field, unlike msgspec, which leaves out defaults if it is told to."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value
