"""The other side of a worker: starting it, asking it, and ending it whatever happens."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from vtbench.data.measurement import Measurement
from vtbench.errors import ModelError, UsageError
from vtbench.measure.clocks import Step
from vtbench.measure.revisions.messages import (
    Answer,
    End,
    Prepare,
    Question,
    Ready,
    Refused,
    Taken,
    Time,
    answer_in,
    line_of,
)
from vtbench.measure.revisions.trees import Tree

# What measures is the vtbench that was started, also where the tree holds another. The current
# directory, which Python puts first, offers nothing until a model in it is built.
_BEGIN = """
import sys
sys.path[:] = [sys.argv[1], *(place for place in sys.path if place)]
from vtbench.measure.revisions.worker import main
sys.path.remove(sys.argv[1])
main()
"""
_OURS = Path(__file__).resolve().parents[2]
"""The folder that holds this vtbench."""
_LAST_SECONDS = 5.0


class Remote:
    """A resident process that runs the code of one tree."""

    def __init__(self, tree: Tree, folder: Path) -> None:
        """Start it in the tree's counterpart of ``folder``, which lies in the repository."""
        place = tree.root / folder.resolve().relative_to(tree.origin)
        if not place.is_dir():
            raise UsageError(
                f"The folder {folder} does not exist in {tree.label}; start vtbench in a folder "
                "that both revisions have."
            )
        self.tree = tree
        self._process = subprocess.Popen(  # noqa: S603  # this Python, and code of ours
            [sys.executable, "-c", _BEGIN, str(_OURS)],
            cwd=place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt is for the one that compares
        )

    def end(self, patience: float) -> None:
        """Say that it is over; one that is at something is waited for so many seconds."""
        with contextlib.suppress(OSError):
            self._send(End())
        try:
            self._process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def prepare(self, question: Prepare) -> None:
        """Begin to build; ``ready`` waits for the end of it."""
        with contextlib.suppress(OSError):  # one that died is noticed when its answer is read
            self._send(question)

    def ready(self) -> Measurement:
        """What is known of the workload once it was built."""
        answer = self._answer()
        if not isinstance(answer, Ready):
            raise ModelError(self._said(answer))
        return answer.record

    def seconds(self, steps: int) -> float:
        """What so many steps take together."""
        with contextlib.suppress(OSError):
            self._send(Time(steps))
        answer = self._answer()
        if not isinstance(answer, Taken):
            raise ModelError(self._said(answer))
        return answer.seconds

    def _send(self, question: Question) -> None:
        assert self._process.stdin is not None  # noqa: S101  # it was asked for above
        self._process.stdin.write(line_of(question))
        self._process.stdin.flush()

    def _answer(self) -> Answer:
        assert self._process.stdout is not None  # noqa: S101  # it was asked for above
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            return Refused(f"the process died (exit status {status}); its last words are above.")
        return answer_in(line)

    def _said(self, answer: Answer) -> str:
        error = answer.error if isinstance(answer, Refused) else "it answered something else."
        return f"In {self.tree.label}: {error}"


class RemoteClock:
    """A clock whose steps are run elsewhere, and timed there."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def now(self) -> float:
        """Seconds of the monotonic clock here."""
        return time.perf_counter()

    def seconds(self, step: Step, steps: int) -> float:
        """What the steps took there, without the way to and fro; ``step`` here is nothing."""
        del step
        return self._remote.seconds(steps)


@contextlib.contextmanager
def resident(tree: Tree, folder: Path) -> Iterator[Remote]:
    """A process for a tree, which ends with the block: at once if that was left in a hurry."""
    remote = Remote(tree, folder)
    patience = 0.0
    try:
        yield remote
        patience = _LAST_SECONDS
    finally:
        remote.end(patience)
