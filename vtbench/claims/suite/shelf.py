"""Which suites there are: those that ship with the package, and files that a user names."""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path

from vtbench.claims.suite.reading import read_suite
from vtbench.claims.suite.types import Suite
from vtbench.errors import BadSuite


def shipped() -> dict[str, Path]:
    """Suite name -> file, of the suites that come with the package."""
    folder = _folder()
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder else {}


def _folder() -> Path | None:
    """``vtbench/suites`` where the package is installed, ``suites`` in a checkout."""
    package = Path(str(resources.files("vtbench")))
    candidates = (package / "suites", package.parent / "suites")
    return next((folder for folder in candidates if folder.is_dir()), None)


def find(names: list[str]) -> list[Suite]:
    """Suites by name or by file; all that ship where none is named."""
    known = shipped()
    if not names:
        if not known:
            raise BadSuite("No suite ships with this installation; name a file.")
        return [read_suite(path) for path in known.values()]
    suites = []
    for name in names:
        path = known.get(name, Path(name))
        if name not in known and not path.is_file():
            near = difflib.get_close_matches(name, known, n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise BadSuite(f"There is no suite {name!r} and no such file.{hint}")
        suites.append(read_suite(path))
    return suites
