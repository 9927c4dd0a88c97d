"""What a container allows this process: cores, memory, and how often it was held to that.

Control groups come in two versions with different files. A group lies below others whose limits
hold too, so every folder up to the root of the hierarchy is asked and the tightest limit counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vtbench.measure.machine import kernel_files

ROOT = Path("/")
UNLIMITED = 1 << 60
"""Version 1 says "no limit" with a number near 2^63."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How often the group was stopped because its share of processor time was spent."""

    times: int = 0
    seconds: float = 0.0


def cpu_quota(root: Path = ROOT) -> float | None:
    """Cores' worth of time that the group may use; None if there is no quota."""
    quotas = [quota for folder in _folders("cpu", root) if (quota := _quota(folder)) is not None]
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes that the group may hold; None if there is no limit."""
    limits = []
    for folder in _folders("memory", root):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = kernel_files.number(folder / name)
            if limit is not None and limit < UNLIMITED:
                limits.append(limit)
    return min(limits, default=None)


def held(root: Path = ROOT) -> Held:
    """What the groups with a quota say so far; the difference of two tells of the time between."""
    times, seconds = 0, 0.0
    for folder in _folders("cpu", root):
        stat = kernel_files.pairs(folder / "cpu.stat")
        times += stat.get("nr_throttled", 0)
        seconds += stat.get("throttled_usec", 0) / 1e6 + stat.get("throttled_time", 0) / 1e9
    return Held(times=times, seconds=seconds)


def _quota(folder: Path) -> float | None:
    words = (kernel_files.text(folder / "cpu.max") or "").split()
    if len(words) == 2:  # noqa: PLR2004 - quota and period
        quota, period = (kernel_files.whole(word) for word in words)
    else:
        quota = kernel_files.number(folder / "cpu.cfs_quota_us")
        period = kernel_files.number(folder / "cpu.cfs_period_us")
    if quota is None or not period or quota < 0:
        return None
    return quota / period


def _folders(controller: str, root: Path) -> Iterator[Path]:
    """The group of this process and all above it, in the hierarchy that has the controller.

    Inside a container the path that the kernel names may lie outside of what is mounted; the
    root of the mount is then the group itself.
    """
    mounts = root / "sys/fs/cgroup"
    for line in (kernel_files.text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if names and controller not in names.split(","):
            continue
        mount = _mount(mounts, names, controller)
        if mount is None:
            continue
        folder = mount / path.lstrip("/")
        yield from (each for each in (folder, *folder.parents) if each.is_relative_to(mount))


def _mount(mounts: Path, names: str, controller: str) -> Path | None:
    """Where a hierarchy is mounted; no names means version 2."""
    if not names:
        return mounts if (mounts / "cgroup.controllers").exists() else None
    return next((mounts / name for name in (names, controller) if (mounts / name).is_dir()), None)
