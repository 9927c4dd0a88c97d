"""Modules and files of the user's own: found in a folder, if the user named one there.

A folder that somebody sent may hold a ``warnings.py``. So nothing is ever imported from the current
directory, or from the folder of a file, unless a module or file was named there. While that is
imported its folder offers it and what stands beside it, but no module of the name of one of
Python's own.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from vtbench.data.model_names import is_file
from vtbench.errors import ModelError


class _Folder:
    """Finds the named module and its neighbours in folders, before any that are installed."""

    def __init__(self, place: _Place) -> None:
        self.place, self.found = place, set[str]()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of the top is; nothing of a module inside a package."""
        if path is not None or name == self.place.hidden:
            return None
        if name != self.place.top and name in sys.stdlib_module_names:
            return None
        spec = PathFinder.find_spec(name, list(self.place.folders), target)
        if spec is not None:
            self.found.add(name)
        return spec


class _Place(NamedTuple):
    """Where a named module lies, and under which name it is imported."""

    module: str
    folders: tuple[str, ...]
    """The folders that offer it and its neighbours."""
    file: Path | None = None
    """The file that was named."""
    hidden: str | None = None
    """A name under which the file is not offered, because an installed module has it."""

    @property
    def top(self) -> str:
        """The package or the module of the top."""
        return self.module.partition(".")[0]


def is_there(module: str) -> bool:
    """Whether a module of the top can be found, in the current directory too; none is imported."""
    return (
        module in sys.modules
        or PathFinder.find_spec(module, [str(Path.cwd()), *sys.path]) is not None
        or importlib.util.find_spec(module) is not None
    )


@contextlib.contextmanager
def offered(place: str) -> Iterator[None]:
    """The folder of a named module or file offers it, for the length of the block."""
    where = _place(place)
    finder = _Folder(where)
    _give_room_to(where.folders)
    sys.meta_path.insert(0, finder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _of_folders.setdefault(where.folders, set()).update(finder.found)
        _put_back()


def imported_from(place: str) -> ModuleType:
    """The named module or file, imported once; to be called while it is ``offered``."""
    where = _place(place)
    if where.file is None or where.hidden is None:
        module = importlib.import_module(where.module)
        if where.file is not None and not _is_of(module, where.file):
            raise ModelError(
                f"{place} belongs to the package {where.top!r}, and another package of that name "
                f"was imported from {getattr(sys.modules[where.top], '__file__', None)}."
            )
        return module
    known = sys.modules.get(where.module)
    return known if known is not None else _executed(where.module, where.file)


def _place(place: str) -> _Place:
    """A module is looked for in the current directory, a file in its own folder.

    A file of a package is imported as a part of it, so that it can name its neighbours relatively.
    A file that has the name of an installed module hides nothing: it has a name of its own.
    """
    if not is_file(place):
        return _Place(place, (str(Path.cwd()),))
    file = Path(place).resolve()
    root, parts = file.parent, [file.stem]
    while (root / "__init__.py").is_file() and root.name.isidentifier() and root != root.parent:
        parts.insert(0, root.name)
        root = root.parent
    if len(parts) > 1:
        return _Place(".".join(parts), (str(root), str(file.parent)), file)
    if not file.stem.isidentifier() or _is_installed(file.stem, file):
        return _Place(f"vtbench_file:{file}", (str(root),), file, hidden=file.stem)
    return _Place(file.stem, (str(root),), file)


def _is_installed(name: str, file: Path) -> bool:
    """Whether a module of that name exists that is not this file, nor of a user's folder."""
    if name in sys.stdlib_module_names:
        return True
    known = sys.modules.get(name)
    if known is not None and not any(name in names for names in _of_folders.values()):
        return not _is_of(known, file)
    elsewhere = [each for each in sys.path if each and Path(each).resolve() != file.parent]
    return PathFinder.find_spec(name, elsewhere) is not None


def _is_of(module: ModuleType, file: Path) -> bool:
    own = getattr(module, "__file__", None)
    return isinstance(own, str) and Path(own).resolve() == file


def _executed(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


_of_folders: dict[tuple[str, ...], set[str]] = {}
"""Folders -> the names of the modules of the top that were imported from them."""
_set_aside: dict[tuple[str, ...], dict[str, ModuleType]] = {}
"""Folders -> their modules, while another folder has modules of the same names."""


def _give_room_to(folders: tuple[str, ...]) -> None:
    """Two folders may each have a ``layers.py``: a folder is offered with its own ones alone."""
    for other, names in _of_folders.items():
        if other != folders:
            taken = {each for each in sys.modules if each.partition(".")[0] in names}
            _set_aside.setdefault(other, {}).update({each: sys.modules.pop(each) for each in taken})
    sys.modules.update(_set_aside.pop(folders, {}))


def _put_back() -> None:
    """What was set aside for nothing, because the folder had no module of that name."""
    for aside in _set_aside.values():
        tops = {each for each in aside if "." not in each and each not in sys.modules}
        for name in [each for each in aside if each.partition(".")[0] in tops]:
            sys.modules[name] = aside.pop(name)
