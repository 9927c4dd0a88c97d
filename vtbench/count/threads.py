"""Work that a model gives to other threads: the counter does not see it, so it is unknown.

Torch's dispatch modes belong to one thread. While a count runs, what its thread starts or submits
is watched, and an operator that multiplies there is filed under the module that gave the work
away. Work that reaches a thread in other ways, such as a queue that it reads, is not seen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from vtbench.count.counter import Counter
from vtbench.count.operators.rules import Special
from vtbench.count.operators.table import Rule


class _Elsewhere(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's own
    """Files what multiplies, or might, in the thread that it is entered in."""

    def __init__(self, counter: Counter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own
        self._counter = counter

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run one operator; a composite one by its parts."""
        kwargs = kwargs or {}
        rule = self._counter.rule(func)
        if rule is Special.COMPOSITE:
            with self:
                return func.decompose(*args, **kwargs)
        out = func(*args, **kwargs)
        if self._counter.ended:  # a thread may outlive the count
            return out
        results = out if isinstance(out, list | tuple) else (out,)
        first = next((each for each in results if isinstance(each, torch.Tensor)), None)
        if first is not None and (not isinstance(rule, Rule) or rule.cost is not None):
            cost = rule.cost if isinstance(rule, Rule) else None
            self._counter.file_outside(
                "thread", first, cost(args, kwargs, out).macs if cost is not None else 0
            )
        return out


@contextmanager
def other_threads_watched(counter: Counter) -> Iterator[None]:
    """Watch what this thread starts, or submits to a pool, until the block ends."""
    here = threading.get_ident()
    submitting = False
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def watched(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            with _Elsewhere(counter):
                return work(*args, **kwargs)

        return run

    def start_watched(thread: threading.Thread) -> None:
        if threading.get_ident() == here and not submitting:
            thread.run = watched(thread.run)  # type: ignore[method-assign]  # of this one thread
        start(thread)

    def submit_watched(pool: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        nonlocal submitting
        if threading.get_ident() != here:
            return submit(pool, work, *args, **kwargs)
        submitting = True  # the pool may start a thread of its own, which outlives the work
        try:
            return submit(pool, watched(work), *args, **kwargs)
        finally:
            submitting = False

    with (
        mock.patch.object(threading.Thread, "start", start_watched),
        mock.patch.object(ThreadPoolExecutor, "submit", submit_watched),
    ):
        yield
