r"""The pages of the documentation: read, run, compared with what they show, and written anew.

A page is Markdown. Its fences are taken from top to bottom, in a folder that is empty at first:

    console                     a line that begins with "$ " is a command, below it stands what it
                                prints; \ at its end goes on in the next line
    console status=1            ... and it ends with this status
    console measured            figures of a machine: the conditions, the rows of each table and
                                which models have ratios are compared
    console quick="--x 1"       when it is tested, the command is run with these words added
    console needs="torchinfo"   is run only if these packages are installed
    console skip="needs a GPU"  is not run, for the reason that is given
    python                      is run, unless it is a file or has skip=
    anything else               is shown

A fence whose first line is "# NAME.EXT" is the file of that name; so are fences that a page hides
in a comment. In what a command prints a line of three dots stands for any lines.

The tests in tests/docs and the script write_pages.py share this module.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import shlex
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w./-]+\.\w+)\n")
COMMENTED = {".py", ".toml", ".yml", ".yaml"}
"""Files of which the line with their name is a comment and can stay."""
DOTS = "...\n"
REFUSED = 2
"""The status of a command that says on standard error why it did nothing."""

VARYING = {
    # what differs between two machines on which the suite has to pass
    r"\b(vtbench|python|numpy|pandas|sympy|torch|torchvision|timm|transformers|fvcore|thop"
    r"|ptflops|calflops|torchinfo|torchprofile) \d+(?:\.\w+)+(?:\+\w+)?": r"\1 VERSION",
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?(?: ?UTC|Z)?)?": "DATE",
    r"\d+ threads? · [^·]+ · torch": "THREADS · MACHINE · torch",
    r"\b[\d.]+ (?:ms|s|min|h)\b": "TIME",
}
Told = Callable[["Ran"], None]
"""Whoever wants to know of each command when it has ended."""


class Block(NamedTuple):
    """A fence of a page."""

    line: int
    language: str
    marks: dict[str, str]
    text: str
    span: tuple[int, int]
    """Where the text stands in the page."""

    @property
    def skip(self) -> str:
        """Why it is not run; empty if it is."""
        if "skip" in self.marks:
            return self.marks["skip"]
        needed = filter(None, self.marks.get("needs", "").split(","))
        missing = [name for name in needed if importlib.util.find_spec(name) is None]
        return f"{', '.join(missing)} is not installed" if missing else ""


class Ran(NamedTuple):
    """A command or a piece of Python of a page, and what became of it."""

    block: Block
    command: str
    shown: str
    printed: str
    status: int

    @property
    def agrees(self) -> bool:
        """Whether it prints what the page shows, and ends as the page says."""
        return self.status == int(self.block.marks.get("status", 0)) and matches(
            self.shown, self.printed, measured="measured" in self.block.marks
        )

    def __str__(self) -> str:
        """For whoever has to look at it."""
        return (
            f"line {self.block.line}: {self.command} (status {self.status})\n"
            f"--- the page shows\n{self.shown}--- it prints\n{self.printed}"
        )


def blocks_of(text: str) -> list[Block]:
    """The fences of a page, in order."""
    found = []
    for match in FENCE.finditer(text):
        words = shlex.split(match[2])
        marks = {name: value for name, _, value in (word.partition("=") for word in words)}
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(line, match[1], marks, match[3], match.span(3)))
    return found


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Each command of a console, and what the page shows below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command = re.match(r"(?:[^\n]*\\\n)*[^\n]*\n", part)[0]
        yield command.rstrip("\n"), part[len(command) :]


def run_page(
    text: str, folder: Path, *, only: str = "", tested: bool = True, told: Told = lambda _: None
) -> list[Ran]:
    """Everything on a page that is run, in a folder; or the commands that hold some words only."""
    ran = []
    with _inside(folder):
        for block in blocks_of(text):
            if block.skip:
                continue
            if NAMED.match(block.text):
                _write(block.text)
            elif block.language == "console":
                added = block.marks.get("quick", "") if tested else ""
                for command, shown in commands_of(block):
                    if only in command:
                        printed, status = _run(f"{command} {added}")
                        ran.append(Ran(block, command, shown, printed, status))
                        told(ran[-1])
            elif block.language == "python" and not only:
                ran.append(_run_python(block))
                told(ran[-1])
    return ran


def matches(shown: str, printed: str, *, measured: bool = False) -> bool:
    """Whether two texts are the same but for what varies; three dots are any lines."""
    if measured:
        return _shape(shown) == _shape(printed)
    parts = re.split(r"\n*^\.\.\.\n+", shown, flags=re.MULTILINE)
    even = r"[\s\S]*".join(re.escape(_even(part)) for part in parts)
    return re.fullmatch(even, _even(printed)) is not None


def rewritten(text: str, ran: list[Ran], *, measured: bool = False) -> str:
    """The page with what its commands print now; measurements stay unless they are asked for."""
    for block in reversed([each for each in blocks_of(text) if each.language == "console"]):
        of = {each.command: each for each in ran if each.block.span == block.span}
        if of:
            new = ""
            for command, shown in commands_of(block):
                now = _to_show(of[command], measured=measured) if command in of else shown
                new += f"$ {command}\n{now}"
            text = text[: block.span[0]] + new + text[block.span[1] :]
    return text


def _to_show(ran: Ran, *, measured: bool) -> str:
    """What the page shows from now on; what is cut at its end stays as short as it was."""
    if ran.agrees and ("measured" in ran.block.marks or DOTS in ran.shown) and not measured:
        return ran.shown
    if ran.shown.count(DOTS) == 1 and ran.shown.endswith(f"\n{DOTS}"):
        kept = ran.printed.splitlines(keepends=True)[: ran.shown.count("\n") - 1]
        return "".join(kept) + DOTS
    return ran.printed


def _even(text: str) -> str:
    """A text without what varies; paragraphs with such places may break their lines anywhere."""
    return "\n\n".join(_even_paragraph(part) for part in text.split("\n\n"))


def _even_paragraph(text: str) -> str:
    flowing = even = " ".join(text.split()) + ("\n" if text.endswith("\n") else "")
    for pattern, placeholder in VARYING.items():
        even = re.sub(pattern, placeholder, even)
    return text if even == flowing else even


def _shape(text: str) -> list[str]:
    """What two measurements of the same thing have in common, on whatever machines."""
    shape = []
    for number, part in enumerate(text.split("\n\n")):
        lines = part.splitlines()
        rules = [k for k, line in enumerate(lines) if line and set(line) == {"─"}]
        if rules:
            shape += [*lines[: rules[0] - 1], *(line.split()[0] for line in lines[rules[0] + 1 :])]
        elif number == 0:
            shape.append(_even_paragraph(part).strip())
        else:
            flowing = " ".join(lines)
            shape += re.findall(
                r"(\S+(?: \([^)]*\))? is )[^ ]+ \[[^]]*\]( as fast as \S+)\b", flowing
            )
    return shape


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """In this folder, 80 columns wide, with a cache and an author of commits of its own."""
    set_ = {
        "COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
        "VTBENCH_CACHE": os.environ.get("VTBENCH_CACHE", str(folder / ".cache")),
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "A reader"), ("EMAIL", "reader@example.org"))},
    }  # fmt: skip
    before, place, bytecode = dict(os.environ), Path.cwd(), sys.dont_write_bytecode
    os.environ.update(set_)
    os.chdir(folder)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        os.chdir(place)
        os.environ.clear()
        os.environ.update(before)
        sys.dont_write_bytecode = bytecode
        _forget(folder)


def _forget(folder: Path) -> None:
    """The modules that were imported from a folder, whose files may change."""
    inside = str(folder.resolve())
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(inside):
            del sys.modules[name]
    importlib.invalidate_caches()


def _write(text: str) -> None:
    """A fence as the file that its first line names."""
    named = NAMED.match(text)
    path = Path(named[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text if path.suffix in COMMENTED else text[named.end() :], encoding="utf-8")
    _forget(Path.cwd())


def _run(command: str) -> tuple[str, int]:
    """What a command prints, and its status; what it refuses it says on standard error."""
    name, *words = shlex.split(command.replace("\\\n", " "))
    if name == "vtbench":
        out, err, status = _run_vtbench(words)
    else:
        done = subprocess.run(  # noqa: S603  # a command of our own pages
            [name, *words], capture_output=True, text=True, check=False, timeout=600
        )
        out, err, status = done.stdout, done.stderr, done.returncode
    return out + (err if status == REFUSED else ""), status


def _run_vtbench(words: list[str]) -> tuple[str, str, int]:
    """In this process, which has imported torch before."""
    from vtbench.cli import main

    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as ended:
            status = int(ended.code or 0)
    _forget(Path.cwd())
    return out.getvalue(), err.getvalue(), status


def _run_python(block: Block) -> Ran:
    """A piece of Python; what it prints is not compared."""
    out, first = io.StringIO(), block.text.splitlines()[0]
    sys.path.insert(0, str(Path.cwd()))
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(block.text, "page", "exec"), {})  # noqa: S102  # our own pages
    except Exception:  # noqa: BLE001  # whatever it raises is what the reader would see
        return Ran(block, first, "", traceback.format_exc(), 1)
    finally:
        sys.path.remove(str(Path.cwd()))
    return Ran(block, first, "", "", 0)
