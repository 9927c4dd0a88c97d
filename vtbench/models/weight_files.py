"""Which file a model's weights come from, written so that a record says what was in it; no torch.

A workload names a file as ``FILE@sha256:DIGITS``: where it lies, and the beginning of its digest.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from vtbench.errors import BadInput

_MARK = "@sha256:"
_DIGITS = 16
_CHUNK = 1 << 20


def identified(weights: str) -> str:
    """A file with the digest of what it holds; one that was told before must still be right."""
    name, mark, told = weights.rpartition(_MARK)
    path = Path(name if mark else weights)
    digits = _digest(path)
    if mark and told != digits:
        raise BadInput(
            f"The file of the weights {str(path)!r} changed after it was named; name it again."
        )
    return f"{path}{_MARK}{digits}"


def path_of(weights: str) -> Path:
    """The file, with or without its digest."""
    name, mark, _ = weights.rpartition(_MARK)
    return Path(name if mark else weights)


def _digest(path: Path) -> str:
    try:
        stands = path.stat()
        return _digest_of(path, stands.st_mtime_ns, stands.st_size)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise BadInput(f"The weights {str(path)!r} cannot be read: {reason}.") from error


@functools.cache
def _digest_of(path: Path, written: int, size: int) -> str:
    """Read once, as long as the file stays what it was."""
    del written, size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:_DIGITS]
