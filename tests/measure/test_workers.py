"""Many workloads: each in its place, none harmed by another."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from vtbench.measure import workers


@pytest.fixture(scope="module")
def tasks():
    """The tasks, importable by the workers under a name of their own."""
    spec = importlib.util.spec_from_file_location(
        "worker_tasks", Path(__file__).parents[1] / "worker_tasks.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["worker_tasks"] = module
    spec.loader.exec_module(module)
    sys.path.insert(0, str(Path(__file__).parents[1]))
    yield module
    sys.path.remove(str(Path(__file__).parents[1]))


def test_outcomes_carry_the_place_of_their_item(tasks, capfd):
    for found in (
        list(workers.in_turn(tasks.square, [3, -1, 5])),
        sorted(workers.in_processes(tasks.square, [3, -1, 5], 2), key=lambda pair: pair[0]),
    ):
        assert [place for place, _ in found] == [0, 1, 2]
        assert [outcome.result for _, outcome in found] == [9, None, 25]
        assert found[1][1].error == "It is negative."
        assert "BadInput" in found[1][1].trace
        capfd.readouterr()


def test_an_error_that_is_no_exception_is_an_outcome_too_but_an_interrupt_is_not(tasks):
    """Foreign code raises such errors: a panic of compiled code, a cancelled task."""
    (one,) = workers.in_turn(tasks.panic, [1])
    assert "Panic: out of luck" in one[1].error
    with pytest.raises(KeyboardInterrupt):
        list(workers.in_turn(tasks.panic, [0]))


def test_workers_keep_standard_output_clean(tasks, capfd):
    list(workers.in_processes(tasks.square, [1, 2], 2))
    assert capfd.readouterr().out == ""


def test_a_script_needs_no_guard(tmp_path):
    # multiprocessing has workers run the caller's script again, which would start workers again
    script = tmp_path / "script.py"
    script.write_text(
        "import worker_tasks\nfrom vtbench.measure import workers\n"
        "((place, outcome),) = workers.in_processes(worker_tasks.square, [3], 1)\n"
        "print(outcome.result, __name__, __file__)\n"
    )
    path = os.pathsep.join([*sys.path, str(Path(__file__).parents[1])])
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"9 __main__ {script}\n", done.stderr


def test_a_task_of_a_script_finds_its_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import functools\nfrom vtbench.measure import workers\n\n"
        "def double(number, by):\n    return by * number\n\n"
        "if __name__ == '__main__':\n"
        "    task = functools.partial(double, by=2)\n"
        "    ((place, outcome),) = workers.in_processes(task, [3], 1)\n"
        "    print(outcome.result)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "6\n", done.stderr


def test_a_worker_that_dies_takes_only_its_item_with_it(tasks):
    found = dict(workers.in_processes(tasks.fall, [0, 1, 2, 3, 4], 2))
    assert [found[place].result for place in range(5)] == [0, None, None, None, 4]
    assert "exit status 7" in found[1].error
    assert "SIGKILL" in found[2].error
    assert "SystemExit: bye" in found[3].error


def test_a_worker_serves_many_items_until_it_has_grown_too_large(tasks, monkeypatch):
    pids = {outcome.result for _, outcome in workers.in_processes(tasks.pid, [0] * 6, 1)}
    assert len(pids) == 1
    large = [workers.WORKER_BYTES + 10**8, 0, 0]
    found = dict(workers.in_processes(tasks.grow, large, 1))
    assert found[0].result != found[1].result == found[2].result


def test_leaving_early_ends_the_workers(tasks):
    begin = time.monotonic()
    running = workers.in_processes(tasks.rest, [0, 60, 60], 3)
    assert next(running)[1].result == 0
    running.close()
    assert time.monotonic() - begin < 30
    assert multiprocessing.active_children() == []


def test_no_items_are_no_work(tasks):
    assert list(workers.in_processes(tasks.square, [], 2)) == []


ORPHANED = """
import os, signal, worker_tasks
from vtbench.measure import workers

if __name__ == "__main__":
    worker = workers.start(worker_tasks.rest, timing=False)
    workers.hand(worker, 0, 60)
    print(worker.process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_ends_with_the_parent_that_was_killed(tasks, process, tmp_path):
    script = tmp_path / "orphaned.py"
    script.write_text(ORPHANED)
    here = Path(__file__).parents[1]
    found = process(str(script), env={"PYTHONPATH": f"{here.parent}:{here}"})
    assert found.status == -9
    assert ended(int(found.out), within=30)


def ended(pid, *, within):
    """Whether a process ends in time; one that nobody has asked for its status yet has ended."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False
