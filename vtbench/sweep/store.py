"""The file of a sweep: measurements as JSON Lines, which only ever grows by whole lines.

One writer at a time: a line is written at once at the end, under a lock, and reaches the disk
before the next cell begins. A line that a killed process left unfinished is cut off by whoever
writes next. Two sweeps may share a file: each sees what the other has finished, and a cell that one
of them works on is locked, so that the other takes the next.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.measurement_files import line_of, measurement_of
from vtbench.errors import OutputError
from vtbench.sweep import locks
from vtbench.sweep.cells import same_cell

if TYPE_CHECKING:
    from typing_extensions import Self

_TAIL = 1 << 16
_BEGINS = b'{"schema":"vtbench-measurement/'
"""How every line begins: only what does is ever cut off or passed over."""


class Store:
    """Measurements in a file, or in memory alone where there is none."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.records: list[Measurement] = []
        """Everything read and appended, in the file's order."""
        self.said: list[str] = []
        """What the user should know of the file."""
        self._cells: dict[str, list[Measurement]] = {}
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

    def of(self, key: str, device: str | None) -> Measurement | None:
        """The newest record of a cell on a device model; None where there is none yet."""
        found = (r for r in reversed(self._cells.get(key, ())) if same_cell(r, key, device))
        return next(found, None)

    def claim(self, key: str) -> bool:
        """Take a cell in hand; False where another sweep has it."""
        return self._file < 0 or locks.claimed(self._file, locks.place_of(key))

    def release(self, key: str) -> None:
        """A cell is finished, or given up."""
        if self._file >= 0:
            locks.release(self._file, locks.place_of(key))

    def append(self, record: Measurement) -> None:
        """Keep one record; it is on the disk when this returns."""
        if self.path is None:
            self._take([record])
            return
        try:
            self._follow(self.path)
            with locks.appending(self._file):
                self._repair()
                self._write(line_of(record).encode())
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise OutputError(
                f"The records {str(self.path)!r} cannot be written: {reason}. What they hold is "
                "whole; run the same command again to go on."
            ) from error
        self.read()

    def read(self) -> None:
        """Take in what was appended since, by whomever; an unfinished last line is left."""
        if self.path is None:
            return
        self._follow(self.path)
        size = os.fstat(self._file).st_size
        if size <= self._read_to:
            return
        new = _pread(self._file, size - self._read_to, self._read_to)
        whole = new[: new.rfind(b"\n") + 1]
        self._read_to += len(whole)
        self._take(self._measurements(whole))

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
        self.said.append(f"{path} was removed or replaced; what follows is written to the new one.")

    def _measurements(self, whole: bytes) -> Iterable[Measurement]:
        """The records of whole lines; one that was torn is passed over, and said."""
        for line in whole.split(b"\n")[:-1]:
            self._lines += 1
            where = f"{self.path}:{self._lines}"
            if _is_torn(line):
                self.said.append(f"{where} is no whole record and was passed over.")
            elif line.strip():
                yield measurement_of(line.decode("utf-8", errors="replace"), where)

    def _take(self, records: Iterable[Measurement]) -> None:
        for record in records:
            self.records.append(record)
            if record.cell is not None:
                self._cells.setdefault(record.cell, []).append(record)

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
        if _is_torn(last):
            os.ftruncate(self._file, begin)
            self.said.append(
                f"The last line of {self.path} was unfinished, as a process that is killed leaves "
                f"it; its {size - begin} bytes were cut off."
            )
        else:  # a whole record, whose line break an editor took; anything else is refused
            measurement_of(last.decode("utf-8", errors="replace"), f"{self.path}:{self._lines + 1}")
            os.write(self._file, b"\n")


def _opened(path: Path) -> int:
    try:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        return os.open(path, flags, 0o666)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise OutputError(f"The records {str(path)!r} cannot be written: {reason}.") from error


def _pread(file: int, length: int, offset: int) -> bytes:
    """That many bytes from there; fewer where another process has cut the end off."""
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


def _is_torn(line: bytes) -> bool:
    """Whether a line begins as a record does and does not end as one; zeros are a lost block."""
    written = line.strip(b"\0")
    if not line or written[: len(_BEGINS)] != _BEGINS[: len(written)]:
        return False
    try:
        msgspec.json.decode(written)
    except msgspec.DecodeError:
        return True
    return False
