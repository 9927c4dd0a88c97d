"""Ceilings that were measured before, in a file of the user's cache.

``VTBENCH_CACHE`` names the folder; otherwise it is ``vtbench`` in ``XDG_CACHE_HOME`` or
``~/.cache``. Without a cache that can be read or written everything works as well, only slower.
Processes may write at once: each replaces the file whole by what it last read and its own entry,
and of two entries the faster one stays, so that what is lost in a race is measured again.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from pathlib import Path

import msgspec

from vtbench.data.bounds import Count, Rate
from vtbench.data.files.lines import Line, decoded
from vtbench.errors import BadInput

FILE = "ceilings.json"
SCHEMA = "vtbench-ceilings/1"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One ceiling of arithmetic and one of memory, and where they come from."""

    macs_per_second: Rate | None = None
    bytes_per_second: Rate | None = None
    samples: Count = 0
    """Blocks that were timed."""
    device: str = ""
    date: str = ""
    """When it was measured, UTC, ISO 8601."""
    busy: bool = False
    """Whether other processes kept the device busy meanwhile, so that it may be too low."""


class _Kept(msgspec.Struct, kw_only=True):
    """The file."""

    schema: str = SCHEMA
    entries: dict[str, Entry] = {}


_this_process: dict[str, Entry] = {}
"""What was measured in this process, for the case that there is no cache."""
_warned: set[str] = set()


def folder() -> Path:
    """Where the cache lies; below a file, where nothing can be, if there is no home folder."""
    asked, caches = os.environ.get("VTBENCH_CACHE"), os.environ.get("XDG_CACHE_HOME")
    try:
        if asked:
            return Path(asked).expanduser()
        return Path(caches or Path.home() / ".cache") / "vtbench"
    except RuntimeError:
        return Path(os.devnull) / "vtbench"


def kept(key: str) -> Entry | None:
    """The best that is known under a key."""
    return _better(_read().get(key), _this_process.get(key))


def remembered(key: str, entry: Entry) -> Entry:
    """Keep an entry; what is known now is returned.

    Of it and one that is there already each ceiling is the higher one.
    """
    best = _this_process[key] = _better(kept(key), entry) or entry
    try:
        _write({**_read(), key: best})
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        _warn(f"Ceilings cannot be kept in {folder()} ({reason}); they are measured each time.")
    return best


def _better(one: Entry | None, other: Entry | None) -> Entry | None:
    """Two entries as one with the higher of each ceiling; ``other`` is the newer one.

    The old one stands where the new one is neither faster nor the first on a quiet device.
    """
    if one is None or other is None:
        return one or other
    macs = _most(one.macs_per_second, other.macs_per_second)
    moved = _most(one.bytes_per_second, other.bytes_per_second)
    higher = (macs, moved) != (one.macs_per_second, one.bytes_per_second)
    if not higher and (other.busy or not one.busy):
        return one
    return msgspec.structs.replace(other, macs_per_second=macs, bytes_per_second=moved)


def _most(one: float | None, other: float | None) -> float | None:
    return max(filter(None, (one, other)), default=None)


def _read() -> dict[str, Entry]:
    """The entries of the file; none where it is absent, torn, or of another schema."""
    path = folder() / FILE
    try:
        found: _Kept = decoded(Line(path.read_bytes(), str(path)), _Kept, "file of ceilings")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, BadInput) as error:
        said = str(error).rstrip(".")
        _warn(f"The ceilings in {path} cannot be read ({said}); they are measured again.")
        return {}
    return found.entries if found.schema == SCHEMA else {}


def _write(entries: dict[str, Entry]) -> None:
    """The file, written whole next to its place and then put there."""
    folder().mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(_Kept(entries=entries)), indent=1)
    handle, name = tempfile.mkstemp(dir=folder(), prefix=f".{FILE}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        Path(name).replace(folder() / FILE)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def _warn(message: str) -> None:
    """Once per process and message."""
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, stacklevel=3)
