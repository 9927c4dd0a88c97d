"""Many workloads: one after the other or in worker processes, so that one cannot harm the others.

A worker holds one item at a time. One that dies takes only its item with it, one that has grown
too large is replaced, and outcomes arrive as they are ready, each with the place of its item.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

import msgspec

from vtbench.errors import VtbenchError

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKER_BYTES = 1_500_000_000
"""A worker whose memory ever passed this is replaced, as memory is not given back to the system."""


class Outcome(msgspec.Struct, Generic[Result], frozen=True, kw_only=True):
    """What became of one item: a result, or a sentence and where it was raised."""

    result: Result | None = None
    error: str | None = None
    trace: str | None = None


@dataclass
class Worker:
    """A process, the line to it, and the place of the item that it holds."""

    process: BaseProcess
    connection: Connection
    place: int = -1


def attempt(task: Callable[[Item], Result], item: Item) -> Outcome[Result]:
    """Run a task on one item; whatever it raises becomes a sentence."""
    try:
        return Outcome(result=task(item))
    except VtbenchError as error:
        return Outcome(error=str(error), trace=traceback.format_exc())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  # foreign models raise anything, exits too
        said = str(error).strip().splitlines()
        what = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
        return Outcome(
            error=f"It could not be finished: {what} (--traceback shows where).",
            trace=traceback.format_exc(),
        )


def in_turn(
    task: Callable[[Item], Result], items: Sequence[Item]
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Every item in this process, in order."""
    for place, item in enumerate(items):
        yield place, attempt(task, item)


def in_processes(
    task: Callable[[Item], Result],
    items: Sequence[Item],
    jobs: int,
    *,
    timing: bool = False,
) -> Iterator[tuple[int, Outcome[Result]]]:
    """Every item in one of ``jobs`` worker processes, as they finish; the task must pickle.

    Where something is to be timed, each item has a fresh process, which keeps torch's own number
    of threads.
    """
    waiting = deque(enumerate(items))
    workers: list[Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < jobs:
                workers.append(start(task, timing=timing))
                hand(workers[-1], *waiting.popleft())
            ready = wait([worker.connection for worker in workers])
            for worker in [each for each in workers if each.connection in ready]:
                place = worker.place
                outcome, fit = receive(worker)
                if fit and waiting and not timing:
                    hand(worker, *waiting.popleft())
                else:
                    workers.remove(worker)
                    stop(worker)
                yield place, outcome
    finally:
        for worker in workers:
            stop(worker)


def _context() -> BaseContext:
    """Workers fork from a server that has imported torch once; elsewhere they start afresh."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch"])
    return context


def start(task: Callable[[Any], Any], *, timing: bool) -> Worker:
    """A worker without an item."""
    context = _context()
    mine, theirs = multiprocessing.Pipe()
    process = context.Process(target=_work, args=(theirs, task, timing), daemon=True)  # type: ignore[attr-defined]  # every concrete context has it
    with contextlib.nullcontext() if _of_script(task) else _no_script(), _no_strays():
        process.start()
    theirs.close()
    return Worker(process, mine)


def _of_script(task: Callable[[Any], Any]) -> bool:
    """Whether a task is of the caller's script, or holds what is; then workers need the script."""
    return b"__main__" in bytes(ForkingPickler.dumps(task))


@contextlib.contextmanager
def _no_strays() -> Iterator[None]:
    """Keep what lies in the current directory out of the processes that begin here.

    Python puts that directory first for ``-c``, by which multiprocessing starts its own, so that a
    stray ``warnings.py`` would be run. Before Python 3.11 nothing but another directory helps;
    multiprocessing brings each worker back to this one.
    """
    if sys.version_info >= (3, 11):
        before = os.environ.get("PYTHONSAFEPATH")
        os.environ["PYTHONSAFEPATH"] = "1"
        try:
            yield
        finally:
            if before is None:
                del os.environ["PYTHONSAFEPATH"]
            else:
                os.environ["PYTHONSAFEPATH"] = before
    else:
        here = Path.cwd()
        with tempfile.TemporaryDirectory() as empty:
            os.chdir(empty)
            try:
                yield
            finally:
                os.chdir(here)


@contextlib.contextmanager
def _no_script() -> Iterator[None]:
    """Keep the caller's script to the caller: a worker would run it again, and start workers too.

    multiprocessing asks the module ``__main__`` which file it is.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def hand(worker: Worker, place: int, item: Any) -> None:
    """Give a worker its next item; one that died meanwhile is noticed when it is read from."""
    worker.place = place
    with contextlib.suppress(OSError):
        worker.connection.send(item)


def receive(worker: Worker) -> tuple[Outcome[Any], bool]:
    """An outcome, and whether its worker is fit for another item."""
    try:
        outcome, large = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        return Outcome(error=_died(worker.process.exitcode or 0)), False
    return outcome, not large


def stop(worker: Worker) -> None:
    """End a worker, whatever it is at."""
    worker.process.terminate()
    worker.process.join()
    worker.connection.close()


def _died(status: int) -> str:
    """How a process ended that gave no answer."""
    how = f"exit status {status}"
    if status < 0:
        how = signal.Signals(-status).name
        how += ", as when memory runs out" if -status == signal.SIGKILL else ""
    return f"The process that worked on it died ({how})."


def _work(connection: Connection, task: Callable[[Any], Any], timing: bool) -> None:  # noqa: FBT001 - handed over by position
    """A worker's life: items in, outcomes out; the parent decides when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.dup2(2, 1)  # what a model prints must not reach the document
    if not timing:
        _one_thread()
    while True:
        try:
            item = connection.recv()
        except EOFError:
            return
        outcome = attempt(task, item)
        connection.send((outcome, _peak_bytes() > WORKER_BYTES))


def _end_with_parent() -> None:
    """No process reads what an orphan finds: if the parent was killed, end in the middle of it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _one_thread() -> None:
    """As many workers as cores leave one thread to each."""
    import torch

    torch.set_num_threads(1)


def _peak_bytes() -> int:
    """The most memory that this process ever held; 0 if the system does not say."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
