"""The files of a revision in a folder of their own; the repository is read and left as it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import msgspec

from vtbench.errors import UsageError
from vtbench.measure.machine.environment import revision as described

PREFIX = "vtbench-revision-"
_FAILED = 128


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """One revision's files."""

    label: str
    """What tables call it: the revision as it was asked for, or ``working tree``."""
    root: Path
    """The folder that stands for the root of the repository."""
    origin: Path
    """The root of the repository that it is from; ``root`` itself for the working tree."""
    commit: str | None
    """Its commit; with ``+changes`` for a working tree that differs from it."""
    scratch: Path | None = None
    """The temporary folder that goes with it; None for the working tree."""


def repository(folder: Path) -> Path:
    """The root of the repository that holds a folder."""
    done = _git(folder, "rev-parse", "--show-toplevel")
    if done.returncode:
        raise UsageError(
            f"{folder} is not in the working tree of a git repository; start vtbench in the "
            "repository whose revisions you want to compare."
        )
    return Path(done.stdout.rstrip("\n")).resolve()


def working_tree(origin: Path) -> Tree:
    """The files as they lie there, changes included."""
    return Tree(label="working tree", root=origin, origin=origin, commit=described(origin))


@contextlib.contextmanager
def extracted(origin: Path, revision: str) -> Iterator[Tree]:
    """The files of a revision, for the length of the block.

    An index of its own keeps the repository's index, its work trees and its attributes for
    archives out of it. The folder is removed whatever ends the block, termination included.
    """
    commit = commit_of(origin, revision)
    scratch = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    try:
        with _termination_unwinds():
            root = scratch / "tree"
            root.mkdir()
            index = {"GIT_INDEX_FILE": str(scratch / "index")}
            _carried_out(_git(origin, "read-tree", commit, extra=index), revision)
            written = _git(
                origin, "checkout-index", "--all", "--quiet", f"--prefix={root}/", extra=index
            )
            _carried_out(written, revision)
            yield Tree(
                label=revision,
                root=root,
                origin=origin,
                commit=commit[:12],
                scratch=scratch,
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def commit_of(origin: Path, revision: str) -> str:
    """The commit that a revision names."""
    found = _git(
        origin, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if found.returncode:
        raise UsageError(
            f"There is no revision {revision!r} in {origin}; name a commit, a branch or a "
            "tag. If the repository is a shallow clone, fetch more of it first."
        )
    return found.stdout.strip()


def _carried_out(done: subprocess.CompletedProcess[str], revision: str) -> None:
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it did not say why"]
        raise UsageError(f"git cannot write the files of {revision!r}: {said[-1]}.")


def _git(
    folder: Path, *arguments: str, extra: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run git on the repository that holds a folder, whatever a hook has set around us."""
    about = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
    inherited = {name: value for name, value in os.environ.items() if name not in about}
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        return subprocess.run(  # noqa: S603  # git, with arguments and no shell
            command,
            capture_output=True,
            text=True,
            check=False,
            env={**inherited, "GIT_OPTIONAL_LOCKS": "0", **(extra or {})},
        )
    except OSError as error:
        raise UsageError(
            f"git cannot be started ({error.strerror}); --base needs it on the PATH."
        ) from error


@contextlib.contextmanager
def _termination_unwinds() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block as an interrupt would, where they would kill at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    ours = [getattr(signal, name) for name in names]
    taken = {each: signal.getsignal(each) for each in ours}
    taken = {each: before for each, before in taken.items() if before is signal.SIG_DFL}
    for each in taken:
        signal.signal(each, _leave)
    try:
        yield
    finally:
        for each, before in taken.items():
            signal.signal(each, before)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(_FAILED + number)
