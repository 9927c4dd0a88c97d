"""Sweeps on a Ray of this machine, which the extra [ray] brings."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from vtbench.errors import MissingPackage
from vtbench.sweep.loop import sweep
from vtbench.sweep.on_ray import OnRay, on_ray
from vtbench.sweep.queue import Queue
from vtbench.sweep.store import Store

HERE = Path(__file__).parents[1]


@pytest.fixture
def tasks(monkeypatch):
    """The tasks, importable by Ray's processes under a name of their own."""
    spec = importlib.util.spec_from_file_location("sweep_tasks", HERE / "sweep_tasks.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "sweep_tasks", module)
    spec.loader.exec_module(module)
    inherited = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{HERE}{os.pathsep}{HERE.parent}{os.pathsep}{inherited}")
    return module


def swept(task, cells, store, **how):
    queue = Queue(cells, store, None)
    executor = functools.partial(on_ray, task, OnRay(cpus=2, **how))
    return {each.cell.workload.batch_size: each.record for each in sweep(queue, executor, None)}


def test_without_ray_the_package_to_install_is_named(tasks, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # importing it fails, as if it were not there
    with Store(None) as store, pytest.raises(MissingPackage, match=r"install vtbench\[ray\]"):
        swept(tasks.told, [tasks.cell(1)], store)


def test_a_worker_that_is_killed_in_mid_cell_is_tried_once_more(tasks, tmp_path):
    path = tmp_path / "s.jsonl"
    task = functools.partial(tasks.killed_once, folder=tmp_path)
    with Store(path) as store:
        found = swept(task, [tasks.cell(k) for k in range(1, 7)], store, counts=True)
    assert (tmp_path / "killed").exists()
    assert {batch: record.macs for batch, record in found.items()} == {
        k: 10 * k for k in range(1, 7)
    }
    assert path.read_bytes().count(b"\n") == 6


def test_one_that_dies_again_is_a_row_and_a_sweep_goes_on_where_it_was(tasks, tmp_path):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        found = swept(tasks.always_killed, [tasks.cell(1)], store)
        assert found[1].error.startswith("The process that worked on it died")
        cells = [tasks.cell(k) for k in (1, 2, 3)]
        assert sorted(swept(tasks.told, cells, store)) == [2, 3]
