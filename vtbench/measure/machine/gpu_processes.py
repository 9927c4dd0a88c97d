"""Whose processes are on a GPU: ours, or other people's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

FIRST_NAMESPACE = 0xEFFFFFFC
"""The kernel's number for the process numbers of the machine itself, outside of containers."""


def other_processes(listed: Sequence[int]) -> int | None:
    """How many of the listed processes are not ours; None where that cannot be told.

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
