"""Locks on single bytes of an open file, which the system drops when their holder dies.

The bytes need not exist. A process holds its locks through one descriptor: another that it opens
on the same file and closes drops them all.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator

APPENDING = 1 << 62
"""The byte whose holder may write."""
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems say that have no locks; there, one process at a time may write."""


def place_of(key: str) -> int:
    """The byte that stands for a cell."""
    return (1 << 61) + int(key, 16) % (1 << 60)


@contextlib.contextmanager
def appending(descriptor: int) -> Iterator[None]:
    """Be the only one that writes."""
    _lock(descriptor, APPENDING, wait=True)
    try:
        yield
    finally:
        release(descriptor, APPENDING)


def claimed(descriptor: int, byte: int) -> bool:
    """Whether a byte is ours now; False where another process holds it."""
    return _lock(descriptor, byte, wait=False)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, byte: int, *, wait: bool) -> bool:
        os.lseek(descriptor, byte, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except OSError:
            if wait:
                raise
            return False
        return True

    def release(descriptor: int, byte: int) -> None:
        """Let go of a byte."""
        os.lseek(descriptor, byte, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int, byte: int, *, wait: bool) -> bool:
        how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        try:
            fcntl.lockf(descriptor, how, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
        return True

    def release(descriptor: int, byte: int) -> None:
        """Let go of a byte."""
        with contextlib.suppress(OSError):  # where there are no locks, there is nothing to drop
            fcntl.lockf(descriptor, fcntl.LOCK_UN, 1, byte)
