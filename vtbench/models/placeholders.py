"""What stands for the classes that a checkpoint names beside its tensors, so that none runs.

torch's own reader of weights makes tensors and plain containers, and refuses a file that names
anything else. A placeholder is known to it under the name of such a class; nothing is imported.

- An object comes out as a dictionary of the items that it had.
- A number of NumPy's or a path comes out as nothing; what these values call has a known name.
- Any other call is refused, and so is all that torch refuses by its module (``os``, ``sys``).
"""

from __future__ import annotations

import contextlib
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from torch.serialization import safe_globals

_ZIP = b"PK\x03\x04"
_LEGACY_PICKLES = 4
"""Of torch's format before zip: a number, a version, the machine, and then what was saved."""
_MOST = 200
"""Names that get a placeholder; torch looks each of them up among all of them."""
_VALUES = frozenset(
    {
        "numpy.dtype",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath",
    }
)
"""What numbers, arrays and paths are written as a call of."""


class Nothing:
    """A value that nobody asks for."""

    def __setstate__(self, state: object) -> None:
        """Whatever it was."""


class Met(NamedTuple):
    """What a file asked for while it was read, by name."""

    made: list[str]
    """Objects of these classes."""
    called: list[str]
    """A call of this, which was refused."""


class Inert(type):
    """The class of placeholders: an object of one is harmless, a call may stand for anything."""

    met: Met

    def __call__(cls, *args: object) -> Nothing:
        """What a file asks for by a call."""
        del args
        name = _full_name(cls)
        if name not in _VALUES:
            cls.met.called.append(name)
            raise pickle.UnpicklingError(name)
        return Nothing()


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


@contextlib.contextmanager
def placeholders(path: Path) -> Iterator[Met]:
    """While it lasts, torch reads the file with placeholders."""
    met = Met([], [])
    named = sorted(set(_named_in(path)))
    classes = [_placeholder(module, name, met) for module, name in named[: _MOST + 1]]
    with safe_globals([Nothing, *classes] if len(classes) <= _MOST else []):
        yield met


def _placeholder(module: str, name: str, met: Met) -> Inert:
    """A class of that name whose objects are dictionaries: torch's reader fills no others."""

    def new(cls: type, *args: object) -> OrderedDict[Any, Any]:
        del args
        met.made.append(_full_name(cls))
        return OrderedDict()

    known_as = {"__module__": module, "__qualname__": name}
    return Inert(name, (), {**known_as, "__new__": new, "met": met})


def _named_in(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of everything that a file of torch's names, read without loading it."""
    with path.open("rb") as file:
        if file.read(len(_ZIP)) != _ZIP:
            file.seek(0)
            yield from _globals_of(file, _LEGACY_PICKLES)
            return
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                if PurePosixPath(member).name == "data.pkl":
                    with archive.open(member) as stream:
                        yield from _globals_of(stream, 1)


def _globals_of(stream: IO[bytes], pickles: int) -> Iterator[tuple[str, str]]:
    """What the first pickles of a stream name; of a torn one, as much as there is."""
    with contextlib.suppress(ValueError):
        for _ in range(pickles):
            for operation, argument, _place in pickletools.genops(stream):
                if operation.name == "GLOBAL":
                    module, _, name = str(argument).partition(" ")
                    yield module, name
