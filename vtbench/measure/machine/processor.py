"""The processor: its name, the cores that this process may use, and what sets its clock."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from vtbench.measure.machine import kernel_files, limits

ROOT = Path("/")
CLOCKS_READ = 4
"""Cores whose clock is read: each read may interrupt the core that is asked."""


def cpu_name(root: Path = ROOT) -> str:
    """The model, as its maker calls it; part of the identity of a measurement."""
    fields = _cpuinfo(root)
    for key in ("model name", "Model", "cpu model"):
        if fields.get(key):
            return " ".join(fields[key].split())
    if "CPU part" in fields:  # Arm: the kernel knows numbers, no name
        maker = fields.get("CPU implementer", "?")
        return f"{platform.machine()} {maker}/{fields['CPU part']}"
    named = _macos_name() if platform.system() == "Darwin" else None
    return named or platform.processor() or platform.machine() or "unknown processor"


def allowed_cores() -> tuple[int, ...]:
    """The numbers of the logical cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux has it, others do not
    if affinity is not None:
        return tuple(sorted(affinity(0)))
    return tuple(range(os.cpu_count() or 1))


def usable_cores(root: Path = ROOT) -> int:
    """How many logical cores this process may keep busy: its affinity, and a container's quota."""
    quota = limits.cpu_quota(root)
    allowed = len(allowed_cores())
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def usable_memory(root: Path = ROOT) -> int:
    """Bytes of memory of the machine, or of the container if that is less."""
    total = int(psutil.virtual_memory().total)
    return min(total, limits.memory_limit(root) or total)


def virtual(root: Path = ROOT) -> bool | None:
    """Whether this is a virtual machine; None if the processor does not say."""
    flags = _cpuinfo(root).get("flags")
    return None if flags is None else "hypervisor" in flags.split()


def governor(root: Path = ROOT) -> str | None:
    """What sets the clock of the first core: ``performance``, ``powersave`` ..."""
    return kernel_files.text(_cpufreq(root, 0) / "scaling_governor")


def turbo(root: Path = ROOT) -> bool | None:
    """Whether clocks above the nominal one are allowed; None if it cannot be read."""
    folder = root / "sys/devices/system/cpu"
    no_turbo = kernel_files.number(folder / "intel_pstate/no_turbo")
    if no_turbo is not None:
        return no_turbo == 0
    boost = kernel_files.number(folder / "cpufreq/boost")
    return None if boost is None else boost == 1


def clock_mhz(cores: Sequence[int], root: Path = ROOT) -> float | None:
    """The mean clock of some cores now; None if nothing but the nominal clock can be read.

    A virtual machine shows its nominal clock at all times, which says nothing.
    """
    kilohertz = [
        clock
        for core in cores[:CLOCKS_READ]
        if (clock := kernel_files.number(_cpufreq(root, core) / "scaling_cur_freq")) is not None
    ]
    return sum(kilohertz) / len(kilohertz) / 1000 if kilohertz else None


def overheated(root: Path = ROOT) -> int:
    """How often the cores slowed down for heat since the start; 0 if that is not counted."""
    folders = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/thermal_throttle")
    counts = (kernel_files.number(folder / "core_throttle_count") for folder in folders)
    return sum(count for count in counts if count is not None)


def _cpufreq(root: Path, core: int) -> Path:
    return root / f"sys/devices/system/cpu/cpu{core}/cpufreq"


def _cpuinfo(root: Path) -> dict[str, str]:
    """The fields of the first processor in /proc/cpuinfo, and those of the machine below."""
    fields: dict[str, str] = {}
    for line in (kernel_files.text(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    return fields


def _macos_name() -> str | None:
    asked = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - a fixed command
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
