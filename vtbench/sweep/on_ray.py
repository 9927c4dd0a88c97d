"""Cells on the machines of a Ray cluster: a task for each, and this process, which keeps the books.

Ray chooses the machine and lends the GPU; the task sees that one alone. A task whose process dies
is tried once more, then it is a row with its reason. Every machine needs the same vtbench.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.workload import DeviceKind
from vtbench.errors import MissingPackage, UsageError
from vtbench.measure.workers import Outcome, attempt
from vtbench.sweep.cells import Cell
from vtbench.sweep.local import POLL, Job, Task
from vtbench.sweep.queue import Queue

RETRIES = 1
"""How often a cell is tried again whose process died."""


class OnRay(msgspec.Struct, frozen=True, kw_only=True):
    """What each cell needs of the cluster."""

    kind: DeviceKind = "cpu"
    counts: bool = False
    """Whether cells only count, which takes one core and no GPU."""
    address: str | None = None
    """Of the cluster; None is what RAY_ADDRESS says, else a Ray of this machine alone."""
    cpus: int | None = None
    """Cores of a Ray of this machine alone; None is all of them."""


def on_ray(task: Task, how: OnRay, queue: Queue) -> Iterator[tuple[Cell, Outcome[Measurement]]]:
    """Cells from the queue until it is over, as many at a time as the cluster has room for."""
    if queue.over:
        return
    ray = _started(how)
    try:
        needs, room = _needs(ray, how)
        remote = ray.remote(max_retries=RETRIES, max_calls=0 if how.counts else 1, **needs)(_cell)
        handed: dict[Any, Cell] = {}
        while handed or not queue.over:
            while len(handed) < room and (cell := queue.take()) is not None:
                handed[remote.remote(task, Job(cell, 0 if needs["num_gpus"] else None))] = cell
            if not handed:
                time.sleep(POLL)
                continue
            for finished in ray.wait(list(handed), num_returns=1)[0]:
                yield handed.pop(finished), _outcome(ray, finished)
    finally:
        ray.shutdown()


def _cell(task: Task, job: Job) -> Outcome[Measurement]:
    """One cell in a process of Ray's."""
    return attempt(task, job)


def _started(how: OnRay) -> Any:
    """Ray, connected to its cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anyone
    try:
        import ray
    except ImportError as error:
        raise MissingPackage(
            "--executor ray needs the package ray; install vtbench[ray]."
        ) from error
    address = how.address or os.environ.get("RAY_ADDRESS")
    alone = {} if address else {"num_cpus": how.cpus, "include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", **alone)
    except (ConnectionError, RuntimeError, ValueError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"Ray cannot be reached at {address or 'here'}: {said[0]}") from error
    return ray


def _needs(ray: Any, how: OnRay) -> tuple[dict[str, float], int]:
    """What a task asks for, and how many tasks fit into the cluster.

    What is timed on a CPU asks for all cores of the smallest machine, so that nothing runs beside.
    """
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = [int(node.get("CPU", 0)) for node in alive if node.get("CPU", 0) >= 1]
    gpus = sum(int(node.get("GPU", 0)) for node in alive)
    if how.counts:
        return {"num_cpus": 1, "num_gpus": 0}, max(1, sum(cores))
    if how.kind == "cuda":
        if not gpus:
            raise UsageError("The Ray cluster has no GPU; leave out --device, or add a machine.")
        return {"num_cpus": 1, "num_gpus": 1}, gpus
    if not cores:
        raise UsageError("The Ray cluster has no CPU to measure on; add a machine.")
    return {"num_cpus": min(cores), "num_gpus": 0}, sum(n // min(cores) for n in cores)


def _outcome(ray: Any, finished: Any) -> Outcome[Measurement]:
    """What a task gave; a process that died twice, or a machine that went away, is a sentence."""
    try:
        given: Outcome[Measurement] = ray.get(finished)
    except ray.exceptions.RayError as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        return Outcome(
            error=f"The process that worked on it died, and so did the one after it: {said[0]}",
            trace=str(error),
        )
    return given
