"""What a model's name means, decided without importing torch or any model library."""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from vtbench.data import catalog, libraries
from vtbench.data.libraries import LISTED
from vtbench.data.model_names import REDUCED, is_file, of_a_hub, place_and_path, timm_name
from vtbench.data.reduction_methods import hint as reduction_hint
from vtbench.data.spelling import closest
from vtbench.errors import MissingPackage, UnknownModel
from vtbench.models.users_modules import is_there

Library = Literal["timm", "torchvision", "transformers"]
Source = Literal[Library, "callable"]

_LIBRARIES: dict[str, Library] = {name: name for name in get_args(Library)}

_SHOWN = 12
_PIECE_OF_A_LIST = re.compile(r"[\d.,()\[\]{}]+")
_EXTRA = {"timm": "vtbench", "torchvision": "vtbench", "transformers": "vtbench[models]"}


class Target(NamedTuple):
    """Which library builds a model, and under which name."""

    source: Source
    name: str
    """The library's name, or ``package.module:function``."""
    entry: catalog.ModelRow | None = None
    """The catalogue's entry if the name is a short one."""


def resolve(name: str) -> Target:
    """What a model's name stands for; UnknownModel with the nearest names if it is unknown."""
    entry = catalog.entry(name)
    if entry is not None:
        return _target_of(entry.target)._replace(entry=entry)
    return _target_of(name)


def _target_of(name: str) -> Target:
    hubs = timm_name(name)
    if hubs is not None:
        return _library_model("timm", hubs, asked=name)
    if of_a_hub(name):
        raise UnknownModel(
            f"The model {name!r} would have to be downloaded; of a hub only timm's own are built, "
            "as timm/NAME or hf-hub:timm/NAME."
        )
    source, colon, rest = name.partition(":")
    library = _LIBRARIES.get(source)
    if colon and library is not None:
        return _library_model(library, rest, asked=name)
    place, path = place_and_path(name)
    if is_file(place) or is_file(name):
        return _in_a_file(name)
    if not colon:
        return _library_model("timm", name, asked=name)
    if source == REDUCED:
        raise UnknownModel(f"There is no model {name!r}. {reduction_hint(rest)}")
    dotted = place.split(".")
    if path and all(part.isidentifier() for part in (*dotted, *path.split("."))):
        if is_there(dotted[0]):
            return Target("callable", name)
        raise UnknownModel(
            f"The module {dotted[0]!r} of the model {name!r} does not exist among the "
            f"installed packages or in the current directory.{_hint(name)}"
        )
    if Path(f"{place}.py").is_file():
        raise UnknownModel(f"There is no model {name!r}. Did you mean {place}.py:{path}?")
    raise UnknownModel(_unknown(name))


def _in_a_file(name: str) -> Target:
    """``path/to/file.py:name``; the file is looked at here, and run only when it is built."""
    place, path = (name, "") if is_file(name) else place_and_path(name)
    file = Path(place)
    if not file.is_file():
        beside = [str(each) for each in file.parent.glob("*.py")] if file.parent.is_dir() else []
        near = closest(str(file), beside, 1)
        hint = f" Did you mean {near[0]}:{path or 'NAME'}?" if near else ""
        raise UnknownModel(f"There is no file {place!r}.{hint}")
    if not all(part.isidentifier() for part in path.split(".")):
        raise UnknownModel(
            f"{name!r} names a file alone; name a function, a class or a module in it, as "
            f"{place}:NAME.{_names_in(file)}"
        )
    return Target("callable", name)


def _names_in(file: Path) -> str:
    """The functions and classes of a file, read and not run."""
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return ""
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = [each.name for each in tree.body if isinstance(each, kinds) and each.name[0] != "_"]
    return f" It has: {', '.join(names[:_SHOWN])}." if names else ""


def _library_model(source: Library, name: str, *, asked: str) -> Target:
    if name in LISTED[source]() or _registered_since(source, name):
        return Target(source, name)
    if source == "timm" and name.partition(".")[0] in LISTED["timm"]():
        return Target("timm", name)  # a name with a tag, such as resnet50.a1_in1k
    # A bare misspelt name is a misspelt name also where timm is absent.
    if libraries.package_folder(source) is None and (asked != name or not catalog.nearest(name)):
        raise MissingPackage(
            f"The model {asked!r} needs {source}, which is not installed; "
            f"install it with: pip install '{_EXTRA[source]}'"
        )
    if source == "transformers" and name.isidentifier():
        return Target(source, name)  # the listing of classes goes by their usual endings
    raise UnknownModel(_unknown(asked))


def _registered_since(source: str, name: str) -> bool:
    """Whether a model was registered with timm by somebody else's code, already imported."""
    timm = sys.modules.get("timm") if source == "timm" else None
    return timm is not None and bool(timm.is_model(name))


def _unknown(name: str) -> str:
    if not name:
        return "A model needs a name; `vtbench models` lists the short ones."
    if _PIECE_OF_A_LIST.fullmatch(name):
        return (
            f"There is no model {name!r}. A list as the value of an option stands in brackets, and "
            "in quotes for the shell: -o 'depths=[2, 2, 6, 2]'."
        )
    key, equals, _ = name.partition("=")
    if equals and key.isidentifier():
        return f"There is no model {name!r}. Options of a model are given with -o: -o {name}."
    return f"There is no model {name!r}.{_hint(name)} `vtbench models` lists the short names."


def _hint(name: str) -> str:
    near = catalog.nearest(name)
    return f" Did you mean {_either(near)}?" if near else ""


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def expand(names: Iterable[str]) -> list[str]:
    """Names with their wildcards written out, in order, each once.

    A pattern matches the catalogue's names, or timm's where none of those matches;
    ``timm:PATTERN``, ``torchvision:PATTERN`` and ``transformers:PATTERN`` match that library's.
    """
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(_matches(name) if catalog.is_glob(name) else [name]))
    return list(found)


def _matches(pattern: str) -> list[str]:
    source, colon, glob = pattern.partition(":")
    if colon:
        if source not in LISTED:
            raise UnknownModel(
                f"The pattern {pattern!r} cannot be expanded; "
                f"patterns go over short names, {', '.join(f'{each}:' for each in LISTED)}."
            )
        listed = LISTED[source]()
        if not listed:
            raise MissingPackage(
                f"The pattern {pattern!r} needs {source}, which is not installed; "
                f"install it with: pip install '{_EXTRA[source]}'"
            )
        matched = [f"{source}:{each}" for each in listed if fnmatch.fnmatchcase(each, glob)]
    else:
        matched = [entry.name for entry in catalog.entries(pattern)] or fnmatch.filter(
            libraries.timm_architectures(), pattern
        )
    if not matched:
        raise UnknownModel(f"The pattern {pattern!r} matches no model.")
    return matched
