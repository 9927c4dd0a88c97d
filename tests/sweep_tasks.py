"""Tasks that sweeps are tried with, and a sweep as a process of its own."""

from __future__ import annotations

import functools
import os
import signal
import sys
import time
from pathlib import Path

from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.sweep.cell_task import measure_cell
from vtbench.sweep.cells import Cell
from vtbench.sweep.local import Job, Local, local
from vtbench.sweep.loop import sweep
from vtbench.sweep.queue import Queue
from vtbench.sweep.store import Store


def cell(number, model="toy", protocol="macs"):
    return Cell(Workload(model=model, batch_size=number), protocol)


def told(job: Job, *, seconds: float = 0.0) -> Measurement:
    """A measurement that only says which cell it is of, and who made it."""
    time.sleep(seconds)
    return Measurement(
        workload=job.cell.workload,
        protocol=PROTOCOLS[job.cell.protocol].id,
        macs=10 * job.cell.workload.batch_size,
        session=str(os.getpid()),
    )


def accident(job: Job) -> Measurement:
    """Batch 2 is refused, batch 3 kills the process."""
    if job.cell.workload.batch_size == 2:
        raise BadOption("toy takes no batch of 2.")
    if job.cell.workload.batch_size == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return told(job)


def killed_once(job: Job, *, folder: Path) -> Measurement:
    """The process is killed in the middle of batch 2 the first time that it comes."""
    mark = folder / "killed"
    if job.cell.workload.batch_size == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return told(job)


def always_killed(job: Job) -> Measurement:
    os.kill(os.getpid(), signal.SIGKILL)
    return told(job)


def mixed(job: Job) -> Measurement:
    """50 ms for a toy, a true count for anything else."""
    return told(job, seconds=0.05) if job.cell.workload.model == "toy" else measure_cell(job)


def run(path, number, seconds, isolate="none", jobs=1):
    """Sweep that many cells into a file."""
    task = functools.partial(told, seconds=seconds)
    return swept(path, [cell(k + 1) for k in range(number)], task, isolate, jobs)


def run_mixed(path):
    """190 toys, and a true count after every nineteenth of them."""
    cells = [cell(k + 1) for k in range(190)]
    for k in range(10):
        work = Workload(model="vt_transformer", options=(("tokens", 8 * k + 8),))
        cells.insert(20 * k + 19, Cell(work, "macs"))
    return swept(path, cells, mixed, "none", 1)


def swept(path, cells, task, isolate, jobs):
    with Store(Path(path)) as store:
        queue = Queue(cells, store, None)
        how = Local(isolate=isolate, places=(None,) * jobs, timing=True)
        return [each.record for each in sweep(queue, functools.partial(local, task, how), None)]


if __name__ == "__main__":
    if sys.argv[2] == "mixed":
        run_mixed(sys.argv[1])
    else:
        run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
