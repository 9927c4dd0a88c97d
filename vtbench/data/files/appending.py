"""The file that results are kept in as they are made, and from which a command goes on.

One writer at a time: a line is written at once at the end, under a lock, and reaches the disk
before the next result is begun. A line that a killed process left unfinished is cut off by whoever
writes next. Several processes may share a file: each sees what the others have finished.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from vtbench.data.files import locks
from vtbench.data.files.lines import Line, is_torn
from vtbench.data.files.results import (
    RESULTS,
    Kind,
    Result,
    Results,
    beginnings,
    line_of,
    result_of,
)
from vtbench.errors import OutputError

if TYPE_CHECKING:
    from typing_extensions import Self

_TAIL = 1 << 16


class ResultFile:
    """Results in a file, or in memory alone if there is none.

    A file that holds something else than the kinds that are wanted is refused, untouched.
    """

    def __init__(self, path: Path | None, wanted: Sequence[Kind] = RESULTS) -> None:
        self.path = path
        self.results = Results()
        """Everything read and appended, in the file's order."""
        self.said: list[str] = []
        """What the user should know of the file."""
        self._wanted = wanted
        self._begins = beginnings(wanted)
        self._read_to = 0
        self._lines = 0
        self._file = -1
        if path is not None:
            self._file = _opened(path)
            try:
                self.read()  # a file of something else is refused before it is touched
                with locks.appending(self._file):
                    self._repair()
                self.read()
            except BaseException:
                os.close(self._file)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def append(self, result: Result) -> None:
        """Keep one result; it is on the disk when this returns.

        A record is found again under the workload that it holds.
        """
        if self.path is None:
            self._take(result)
            return
        try:
            self._follow(self.path)
            with locks.appending(self._file):
                self._repair()
                self._write(line_of(result).encode())
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise OutputError(
                f"The records {str(self.path)!r} cannot be written: {reason}. The results in "
                "the file are intact; run the same command again to continue."
            ) from error
        self.read()

    def read(self) -> None:
        """Read the lines that any process appended since; an unfinished last line is left.

        A torn line that got its line break later, as when an editor has saved the file, is skipped
        with a message: its result is made again.
        """
        if self.path is None:
            return
        self._follow(self.path)
        size = os.fstat(self._file).st_size
        if size <= self._read_to:
            return
        new = _pread(self._file, size - self._read_to, self._read_to)
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for text in whole.split(b"\n")[:-1]:
            self._lines += 1
            line = Line(text, f"{self.path}:{self._lines}")
            if is_torn(text, self._begins) and not text.endswith(b"}"):
                self.said.append(f"{line.where}: this line is not complete and was skipped.")
            elif text.strip():
                self._take(result_of(line, self._wanted))

    def _take(self, result: Result) -> None:
        self.results.add(result)

    def _follow(self, path: Path) -> None:
        """Go over to the file that has the name now: one that was removed keeps nothing."""
        try:
            there = os.path.samestat(path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            there = False
        if there:
            return
        os.close(self._file)
        self._file = _opened(path)
        self._read_to = self._lines = 0
        self.said.append(
            f"{path} was removed or replaced; further results are written to the new file."
        )

    def _write(self, line: bytes) -> None:
        """One line at the end, or nothing."""
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
            os.fsync(self._file)
        except OSError:
            with contextlib.suppress(OSError):  # the reason is the first one
                os.ftruncate(self._file, size)
            raise

    def _repair(self) -> None:
        """End the file in a whole line; the lock says that nobody is about to finish it."""
        size = os.fstat(self._file).st_size
        if not size or _pread(self._file, 1, size - 1) == b"\n":
            return
        begin = _last_line(self._file, size)
        last = _pread(self._file, size - begin, begin)
        if is_torn(last, self._begins):
            os.ftruncate(self._file, begin)
            self.said.append(
                f"The last line of {self.path} was not complete, as happens when a process is "
                f"killed; its {size - begin} bytes were removed."
            )
        else:  # a whole result, whose line break an editor took; anything else is refused
            result_of(Line(last, f"{self.path}:{self._lines + 1}"), self._wanted)
            os.write(self._file, b"\n")


def _opened(path: Path) -> int:
    try:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, 0o666)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise OutputError(f"The records {str(path)!r} cannot be written: {reason}.") from error


def _pread(file: int, length: int, offset: int) -> bytes:
    """That many bytes from there; fewer if another process has cut the end off."""
    os.lseek(file, offset, os.SEEK_SET)
    parts = []
    while length > 0 and (part := os.read(file, length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _last_line(file: int, size: int) -> int:
    """Where the last line begins."""
    end = size
    while end > 0:
        begin = max(0, end - _TAIL)
        place = _pread(file, end - begin, begin).rfind(b"\n")
        if place >= 0:
            return begin + place + 1
        end = begin
    return 0
