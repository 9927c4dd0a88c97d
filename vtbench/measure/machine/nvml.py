"""One GPU as NVML sees it, found by its UUID: the order of NVML and of CUDA need not agree.

And whose processes are on it: ours, or other people's.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil

from vtbench.data.disturbance import Disturbance, Kind

IDLE = 0x1
USER_SET = 0x2
REASONS = {
    0x4: "sw_power_cap",
    0x8: "hw_slowdown",
    0x10: "sync_boost",
    0x20: "sw_thermal_slowdown",
    0x40: "hw_thermal_slowdown",
    0x80: "hw_power_brake_slowdown",
    0x100: "display_clock_setting",
    0x200: "board_limit",
    0x400: "reliability",
}
"""Bits of nvml.h that say what holds the clock down; idle and clocks set by the user do not."""


class Unwatched(Exception):
    """The device cannot be watched; ``why`` is the disturbance, and the message its sentence."""

    def __init__(self, why: Disturbance) -> None:
        super().__init__(why.sentence)
        self.why = why


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the sensors said at one moment; None if the GPU has no such sensor."""

    at: float
    """Seconds of ``time.perf_counter``."""
    reasons: int
    """The reason bits for the present clock."""
    sm_clock_mhz: float | None = None
    memory_clock_mhz: float | None = None
    power_w: float | None = None
    temperature_c: float | None = None

    @property
    def busy(self) -> bool:
        """Whether the GPU had work."""
        return not self.reasons & IDLE

    @property
    def held_by(self) -> tuple[str, ...]:
        """Names of the reasons that hold the clock down."""
        bits = (1 << place for place in range(self.reasons.bit_length()))
        return tuple(
            REASONS.get(bit, f"reason_{bit:#x}")
            for bit in bits
            if self.reasons & bit and bit not in (IDLE, USER_SET)
        )


class Gpu:
    """Open sensors of one GPU; a sensor that it does not have reads None."""

    def __init__(self, library: Any, handle: Any) -> None:
        self._nvml = library
        self._handle = handle
        self._instant_power = True

    def read(self) -> Reading:
        """All sensors once; an error of NVML goes through."""
        nvml = self._nvml
        return Reading(
            at=time.perf_counter(),
            reasons=self._reasons(),
            sm_clock_mhz=self._sensor(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM),
            memory_clock_mhz=self._sensor(nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_MEM),
            power_w=self._power(),
            temperature_c=self._sensor(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
        )

    def energy_j(self) -> float | None:
        """Joules since the driver was loaded; None if it does not count them."""
        millijoules = self._sensor(self._nvml.nvmlDeviceGetTotalEnergyConsumption)
        return None if millijoules is None else millijoules / 1000

    def processes(self) -> tuple[int, ...] | None:
        """Numbers of the processes that compute on it; None if that cannot be asked."""
        nvml = self._nvml
        try:
            listed = nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except nvml.NVMLError:
            return None
        return tuple(int(process.pid) for process in listed)

    def free_memory(self) -> int:
        """Bytes that are free."""
        return int(self._nvml.nvmlDeviceGetMemoryInfo(self._handle).free)

    def close(self) -> None:
        """Give the library back."""
        with contextlib.suppress(self._nvml.NVMLError):
            self._nvml.nvmlShutdown()

    def _sensor(self, ask: Any, *arguments: Any) -> float | None:
        nvml = self._nvml
        try:
            return float(ask(self._handle, *arguments))
        except nvml.NVMLError as error:
            if error.value == nvml.NVML_ERROR_NOT_SUPPORTED:
                return None
            raise

    def _reasons(self) -> int:
        """The bits, by the older name if the driver does not know the newer one."""
        nvml = self._nvml
        try:
            return int(nvml.nvmlDeviceGetCurrentClocksEventReasons(self._handle))
        except nvml.NVMLError as error:
            if error.value != nvml.NVML_ERROR_FUNCTION_NOT_FOUND:
                raise
        return int(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle))

    def _power(self) -> float | None:
        """Watts at this moment; if there is no such sensor, the mean of the last second."""
        nvml = self._nvml
        if self._instant_power:
            field = nvml.nvmlDeviceGetFieldValues(self._handle, [nvml.NVML_FI_DEV_POWER_INSTANT])[0]
            if field.nvmlReturn == nvml.NVML_SUCCESS:
                return float(field.value.uiVal) / 1000
            self._instant_power = False
        milliwatts = self._sensor(nvml.nvmlDeviceGetPowerUsage)
        return None if milliwatts is None else milliwatts / 1000


def open_gpu(uuid: str | None) -> Gpu:
    """The GPU that CUDA knows by this UUID; Unwatched says why there are no sensors."""
    nvml = _library()
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise _unusable(str(error)) from error
    try:
        return Gpu(nvml, _handle(nvml, uuid))
    except BaseException:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()
        raise


def driver_version() -> str | None:
    """The version of the NVIDIA driver; None if there is none."""
    try:
        nvml = _library()
        nvml.nvmlInit()
    except Exception:  # noqa: BLE001 - there is no driver, whatever it is that says so
        return None
    try:
        return str(nvml.nvmlSystemGetDriverVersion())
    except nvml.NVMLError:
        return None
    finally:
        with contextlib.suppress(nvml.NVMLError):
            nvml.nvmlShutdown()


def _unusable(error: str) -> Unwatched:
    return Unwatched(Disturbance(Kind.NVML_UNUSABLE, {"error": error}))


def _library() -> Any:
    try:
        import pynvml
    except ImportError as error:
        raise _unusable("nvidia-ml-py is not installed") from error
    return pynvml


def _handle(nvml: Any, uuid: str | None) -> Any:
    if uuid is None:
        raise Unwatched(Disturbance(Kind.NO_UUID))
    bare = uuid.removeprefix("GPU-").removeprefix("MIG-")
    try:
        handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{bare}")
    except nvml.NVMLError as error:
        if _found(nvml, f"MIG-{bare}"):
            raise Unwatched(Disturbance(Kind.GPU_PART)) from error
        raise Unwatched(
            Disturbance(Kind.GPU_UNKNOWN, {"uuid": uuid, "error": str(error)})
        ) from error
    if _partitioned(nvml, handle):
        raise Unwatched(Disturbance(Kind.GPU_PART))
    return handle


def _found(nvml: Any, uuid: str) -> bool:
    try:
        nvml.nvmlDeviceGetHandleByUUID(uuid)
    except nvml.NVMLError:
        return False
    return True


def _partitioned(nvml: Any, handle: Any) -> bool:
    """Whether MIG is on; GPUs that cannot be divided do not know the question."""
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:
        return False
    return bool(current)


FIRST_NAMESPACE = 0xEFFFFFFC
"""The kernel's number for the process numbers of the machine itself, outside of containers."""


def other_processes(listed: Sequence[int]) -> int | None:
    """How many of the listed processes are not ours; None if that cannot be told.

    In a container the driver lists the machine's process numbers, among which our own cannot be
    found: one of them is then taken for ours.
    """
    strangers = [pid for pid in listed if not _ours(pid)]
    if len(strangers) < len(listed) or _sees_the_machine():
        return len(strangers)
    return len(strangers) - 1 if strangers else None


def _ours(pid: int) -> bool:
    """Whether a process is this one, or a descendant of it."""
    if pid == os.getpid():
        return True
    try:
        return any(parent.pid == os.getpid() for parent in psutil.Process(pid).parents())
    except psutil.Error:
        return False


def _sees_the_machine() -> bool:
    """Whether process numbers here are those of the machine."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino == FIRST_NAMESPACE
    except OSError:
        return os.name == "nt"
