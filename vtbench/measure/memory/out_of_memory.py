"""Whether an error says that memory ran out, on whichever device and however it was put."""

from __future__ import annotations

import errno
from collections.abc import Iterator

TYPES = ("OutOfMemoryError", "MemoryError")
"""Class names: torch's for its own allocator, Python's."""
WORDS = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUDA error: out of memory",
    "CUDA driver error: out of memory",
    "CUDA out of memory",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
    "Cannot allocate memory",
    "std::bad_alloc",
)
"""What a plain RuntimeError says of it: allocators of the system, libraries below torch."""


def out_of_memory(error: BaseException) -> bool:
    """Whether the error, or one that it was raised from, says that there was no memory left."""
    return any(_says_so(each) for each in chain(error))


def _says_so(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if any(kind.__name__ in TYPES for kind in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS)


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, each once."""
    seen: set[int] = set()
    last: BaseException | None = error
    while last is not None and id(last) not in seen:
        seen.add(id(last))
        yield last
        last = last.__cause__ or last.__context__
