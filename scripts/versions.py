"""Run the tests at both ends of the versions that pyproject.toml promises: ``make versions``.

Each end gets an environment of its own in a scratch folder: ``lowest`` has exactly the versions
that pyproject.toml names as lower bounds, on the oldest Python; ``newest`` has whatever the package
index serves, on the newest Python of this machine. Torch is fetched twice, so it takes a while.

    python scripts/versions.py [--end lowest|newest] [--scratch FOLDER] [PATH ...]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
EXTRAS = ("models", "counters", "ray")
TOOLS = ("hypothesis", "pytest", "pytest-xdist", "scipy")
"""What the tests need and no user does: their newest versions at both ends."""
TESTS = ("count", "papers", "claims", "models", "measure", "sweep", "cli")
"""The rooms of tests whose outcome depends on torch, the model libraries or the terminal's."""
SHOWN = ("torch", "torchvision", "timm", "transformers", "numpy", "fvcore")


class End(NamedTuple):
    """One end of what is promised: a name, a Python, and the requirements that set it up."""

    name: str
    python: str
    requirements: tuple[str, ...]


def ends() -> dict[str, End]:
    """Both ends, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    bounds = [*project["dependencies"], *(each for name in EXTRAS for each in extras[name])]
    oldest = project["requires-python"].removeprefix(">=")
    lowest = tuple(dict.fromkeys(bound.replace(">=", "==", 1) for bound in bounds))
    return {
        "lowest": End("lowest", interpreter([oldest]), lowest),
        "newest": End("newest", interpreter([f"3.{minor}" for minor in range(19, 10, -1)]), ()),
    }


def interpreter(versions: Sequence[str]) -> str:
    """The first of these versions of Python that this machine has, else the one that runs this."""
    found = (each for version in versions for each in _candidates(version))
    return next((each for each in found if not _ran(each, "-c", "").returncode), sys.executable)


def _candidates(version: str) -> Iterator[str]:
    """Where a version of Python may be: on the path, or among those of pyenv."""
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for folder in sorted(pyenv.glob(f"{version}.*"), reverse=True):
        yield str(folder / "bin" / "python")


def outcome(end: End, scratch: Path, tests: Sequence[str]) -> bool:
    """Set an end up, run the tests there, say what came of it; whether all of them passed."""
    python = str(scratch / end.name / "bin" / "python")
    prepared = _ran(end.python, "-m", "venv", scratch / end.name)
    if not prepared.returncode:
        checkout = f"{ROOT}[{','.join(EXTRAS)}]"
        install = ("-m", "pip", "install", "--quiet", *TOOLS, *end.requirements)
        prepared = _ran(python, *install, "--editable", checkout)
    if prepared.returncode:
        sys.stdout.write(f"{prepared.stdout}{prepared.stderr}{end.name}: cannot be installed\n")
        return False
    ran = _ran(python, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", *tests)
    if ran.returncode:
        sys.stdout.write(ran.stdout + ran.stderr)
    last = (ran.stdout.strip().splitlines() or ["pytest said nothing"])[-1]
    sys.stdout.write(f"{end.name}: {versions(python)}: {last.strip('= ')}\n")
    return not ran.returncode


def versions(python: str) -> str:
    """The versions of Python and of the packages that matter, in a line."""
    frozen = _ran(python, "-m", "pip", "freeze").stdout
    found = dict(re.findall(r"^([\w-]+)==(\S+)$", frozen, re.MULTILINE))
    said = _ran(python, "--version").stdout.strip()
    return ", ".join([said, *(f"{name} {found[name]}" for name in SHOWN)])


def _ran(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """A command, run in the checkout, without what would lead another Python elsewhere."""
    keep = {key: at for key, at in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    return subprocess.run(  # noqa: S603 - Python, with arguments of ours
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=keep
    )


def main() -> int:
    """Status 0 if the tests passed at every end that was asked for."""
    known = ends()
    parser = argparse.ArgumentParser(description="Run the tests at both ends of the versions.")
    parser.add_argument("--end", choices=known, help="Only this one.")
    parser.add_argument("--scratch", type=Path, help="Keep the environments in this folder.")
    parser.add_argument("tests", nargs="*", default=[f"tests/{room}" for room in TESTS])
    asked = parser.parse_args()
    chosen = [asked.end] if asked.end else [*known]
    with tempfile.TemporaryDirectory() as passing:
        passed = [
            outcome(known[name], asked.scratch or Path(passing), asked.tests) for name in chosen
        ]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
