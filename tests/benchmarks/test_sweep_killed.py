"""A sweep of 200 cells that is killed five times at random moments ends with 200 records."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).parent.parent
KILLS = 5


def test_two_hundred_cells_survive_five_kills(benchmark, tmp_path):
    path = tmp_path / "s.jsonl"
    moments = benchmark.pedantic(killed_and_finished, (path, random.Random(0)), rounds=1)  # noqa: S311  # moments, not secrets
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    print(f"killed with {moments} records; finished with {len(lines)}")
    benchmark.extra_info["killed_with"] = moments
    assert len(moments) == KILLS
    assert len(lines) == 200
    assert len({line["cell"] for line in lines}) == 200
    counts = sorted(line["macs"] for line in lines if line["workload"]["model"] != "toy")
    assert counts == [3 * 1024**2 * n + 3 * 1024 * n**2 // 2 for n in range(8, 81, 8)]


def killed_and_finished(path, chance):
    """How many records there were at each kill; then the sweep is left alone."""
    moments = []
    while len(moments) < KILLS:
        running = started(path)
        begun = records(path)
        while records(path) == begun and running.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.5))
        assert running.poll() is None
        running.send_signal(signal.SIGKILL)
        running.wait()
        moments.append(records(path))
    assert started(path).wait() == 0
    return moments


def started(path):
    return subprocess.Popen(
        [sys.executable, str(TESTS / "sweep_tasks.py"), str(path), "mixed"],
        env={**os.environ, "PYTHONPATH": str(TESTS.parent)},
    )


def records(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0
