"""Which test files are quick, and how that stays true: a plugin of pytest.

A file is slow if its tests take more than `LIMIT` seconds of processor time together, and
``slow.txt`` names the slow ones. ``--pace quick`` leaves those out; ``--pace hold`` runs all. Both
say which files took much longer than they may although they are not named, and fail nobody for it,
since machines differ; ``--pace write`` writes ``slow.txt`` anew, which takes a run of all tests.
What counts is processor time, because that hardly depends on what else the machine does. Files and
not tests are named, because the first test of a file pays for what the others share.
"""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parent
LIST = ROOT / "slow.txt"
LIMIT = 3.0
SLACK = 3
"""How many times the limit a file may take before it is missed in the list: seconds differ."""
BUDGET = 90.0
"""Seconds of processor time that all quick files may take: 45 s on two cores."""
HEAD = (
    f"# Files with more than {LIMIT:g} s of processor time. `make slow-tests` writes this list.\n"
)


def slow_files() -> list[str]:
    """What the list names."""
    return [line for line in LIST.read_text().splitlines() if not line.startswith("#")]


def complaints(seconds: dict[str, float], slow: list[str]) -> list[str]:
    """What is wrong with a list after a run in which files took these seconds."""
    quick = {path: took for path, took in seconds.items() if path not in slow}
    found = [
        f"tests/{path} took {took:.0f} s of processor time, and slow.txt does not name it."
        for path, took in sorted(quick.items())
        if took > SLACK * LIMIT
    ]
    if (total := sum(quick.values())) > BUDGET:
        found.append(f"All quick tests took {total:.0f} s of processor time, over {BUDGET:.0f}.")
    return found


def processor_time() -> float:
    """Seconds of this process and of every process below it, ended ones too."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


class Pace:
    """Seconds of processor time of each file; of all workers in the process that hands out work."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.slow = slow_files()
        self.seconds: Counter[str] = Counter()
        self.found: list[str] = []
        self.before = 0.0

    def pytest_ignore_collect(self, collection_path):
        if self.wanted == "quick" and collection_path.is_relative_to(ROOT):
            return collection_path.relative_to(ROOT).as_posix() in self.slow or None
        return None

    def pytest_collection_finish(self):
        if self.wanted == "write":
            for shared in ("torch", "torchvision", "timm"):  # is charged to no file
                importlib.import_module(shared)
        self.before = processor_time()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item, nextitem):
        result = yield
        if nextitem is None or nextitem.path != item.path:
            now = processor_time()
            self.seconds[item.path.relative_to(ROOT).as_posix()] += max(0.0, now - self.before)
            self.before = now
        return result

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        self.seconds.update(getattr(node, "workeroutput", {}).get("pace", {}))

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["pace"] = dict(self.seconds)
        elif self.wanted == "write":
            slow = sorted(path for path, took in self.seconds.items() if took > LIMIT)
            LIST.write_text(HEAD + "".join(f"{path}\n" for path in slow))
        else:
            self.found = complaints(self.seconds, self.slow)

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("seconds of processor time")
        for path, took in self.seconds.most_common(10):
            terminalreporter.line(f"{took:6.1f} {path}")
        for line in self.found:
            terminalreporter.line(f"{line} Mend the tests, or run `make slow-tests`.", red=True)


def pytest_addoption(parser):
    parser.addoption("--pace", choices=("quick", "hold", "write"), help="What tests/pace.py says.")


def pytest_configure(config):
    if wanted := config.getoption("--pace"):
        config.pluginmanager.register(Pace(wanted))
