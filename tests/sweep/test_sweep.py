"""Sweeps: the grid, the file that loses nothing, and cells that may die."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vtbench.data.files import appending, read_measurements
from vtbench.data.measurement import Device, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption, OutputError, UsageError
from vtbench.measure.workers import Outcome
from vtbench.sweep import axes
from vtbench.sweep.axes import Grid, OptionAxis
from vtbench.sweep.cells import Cell, shard
from vtbench.sweep.local import Local, local
from vtbench.sweep.loop import record_of, sweep
from vtbench.sweep.queue import Queue
from vtbench.sweep.store import Store

HERE = Path(__file__).parents[1]


def cell(number, protocol="macs", **fields):
    return Cell(Workload(model="toy", batch_size=number, **fields), protocol)


def record(of: Cell, **fields):
    return Measurement(
        workload=of.workload, protocol=PROTOCOLS[of.protocol].id, cell=of.key, **fields
    )


def kept(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def batches(path):
    """The batch of every line; a batch of 1 is the default and is not written."""
    return [line["workload"].get("batch_size", 1) for line in kept(path)]


# The grid


def test_cells_are_the_product_of_all_axes_models_outermost():
    grid = Grid(
        models=("a", "b"),
        protocols=("macs", "latency"),
        options=(OptionAxis(None, "k", (1, 2)),),
        fields={"batch_size": (1, 8), "resolution": ((32, 32), (64, 64), None)},
    )
    found = axes.cells(grid)
    assert len(found) == 2 * 2 * 3 * 2 * 2
    assert [c.workload.model for c in found] == ["a"] * 24 + ["b"] * 24
    assert str(found[0]) == "a k=1 32x32 batch 1: macs"
    assert [str(c) for c in found[-2:]] == ["b k=2 batch 8: macs", "b k=2 batch 8: latency"]


def test_an_option_for_one_model_wins_over_one_for_all_and_leaves_the_others_alone():
    axis = OptionAxis("a*", "k", (7, 8, 9))
    grid = Grid(
        models=("aa", "b"), protocols=("macs",), options=(axis, OptionAxis(None, "k", (1,)))
    )
    found = [(c.workload.model, c.workload.options) for c in axes.cells(grid)]
    assert found == [("aa", (("k", k),)) for k in (7, 8, 9)] + [("b", (("k", 1),))]
    with pytest.raises(BadOption, match="'c', which is not among"):
        axes.cells(Grid(models=("a",), protocols=("macs",), options=(OptionAxis("c", "k", (1,)),)))


def test_several_checkpoints_are_an_axis_of_their_model():
    grid = Grid(
        models=("a", "b"),
        protocols=("latency",),
        weights=((None, ("x", "y")), ("b", ("z",))),
    )
    found = [(c.workload.model, c.workload.weights) for c in axes.cells(grid)]
    assert found == [("a", "x"), ("a", "y"), ("b", "z")]


def test_a_count_knows_nothing_of_execution_so_its_cells_fall_together():
    grid = Grid(models=("a",), protocols=("macs", "latency"), fields={"dtype": ("fp32", "bf16")})
    assert [(c.protocol, c.workload.dtype) for c in axes.cells(grid)] == [
        ("macs", "fp32"),
        ("latency", "fp32"),
        ("latency", "bf16"),
    ]


def test_the_batch_is_the_protocols_where_none_is_asked_for():
    grid = Grid(models=("a",), protocols=("macs", "throughput", "latency"), device="cuda")
    assert [c.workload.batch_size for c in axes.cells(grid)] == [1, 64, 1]


def test_an_enormous_grid_is_refused_before_it_is_made():
    many = Grid(models=("a",), protocols=("macs",), fields={"batch_size": tuple(range(1, 1002))})
    with pytest.raises(UsageError, match="has 1,001 cells; give --yes"):
        axes.cells(many)
    assert len(axes.cells(many, many=True)) == 1001
    thousand = tuple(range(1, 1001))
    far = Grid(
        models=("a",) * 2,
        protocols=("macs",),
        fields={"batch_size": thousand, "threads": thousand},
    )
    with pytest.raises(UsageError, match="has 2,000,000 cells; take fewer values"):
        axes.cells(far, many=True)
    with pytest.raises(UsageError, match="no cells"):
        axes.cells(Grid(models=("a",), protocols=("macs",), fields={"batch_size": ()}))


def test_the_key_of_a_cell_is_the_same_in_every_process(process):
    code = (
        "from vtbench.sweep.cells import Cell\nfrom vtbench.data.workload import Workload\n"
        "print(Cell(Workload(model='toy', options=(('k', 0.5),)), 'macs').key)"
    )
    key = Cell(Workload(model="toy", options=(("k", 0.5),)), "macs").key
    assert process("-c", code, env={"PYTHONHASHSEED": "7"}).out == key + "\n"
    others = {cell(1).key, cell(2).key, cell(1, "latency").key, cell(1, dtype="bf16").key}
    assert len(others) == 4


def test_shards_are_disjoint_complete_and_even():
    cells = [cell(k, protocol) for k in range(1, 12) for protocol in ("macs", "latency")]
    parts = [shard(cells, k, 4) for k in (1, 2, 3, 4)]
    assert sorted(len(part) for part in parts) == [5, 5, 6, 6]
    assert sorted(c.key for part in parts for c in part) == sorted(c.key for c in cells)
    mixed = [len({c.protocol for c in part}) for part in parts]
    assert mixed == [2, 2, 2, 2]


# The file


def test_what_is_appended_is_read_again_and_knows_its_cell(tmp_path):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        store.append(record(cell(1), macs=5))
        store.append(record(cell(2), error="It is too large."))
    assert [r.macs for r in read_measurements(path)] == [5, None]
    assert kept(path)[0]["schema"] == "vtbench-measurement/2"
    with Store(path) as again:
        assert again.said == []
        assert again.of(cell(1).key, None).macs == 5
        assert again.of(cell(2).key, None).error == "It is too large."
        assert again.of(cell(3).key, None) is None


def test_a_cell_of_another_device_is_another_cell(tmp_path):
    timed = cell(1, "latency")
    with Store(tmp_path / "s.jsonl") as store:
        store.append(record(timed, device=Device(kind="cpu", name="A"), macs=1))
        assert store.of(timed.key, "A").macs == 1
        assert store.of(timed.key, "B") is None
        assert store.of(timed.key, None).macs == 1


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_cut_off_and_said(tmp_path, cut):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        store.append(record(cell(1)))
        whole = path.read_bytes()
        store.append(record(cell(2)))
    path.write_bytes(path.read_bytes()[: len(whole) + cut])
    with Store(path) as store:
        (said,) = store.said
        assert f"its {cut} bytes were removed" in said
        assert path.read_bytes() == whole
        store.append(record(cell(2)))
    assert len(kept(path)) == 2


def test_a_last_line_that_only_lacks_its_break_is_kept(tmp_path):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        store.append(record(cell(1)))
    path.write_bytes(path.read_bytes()[:-1])
    with Store(path) as store:
        assert store.of(cell(1).key, None) is not None
        store.append(record(cell(2)))
    assert len(kept(path)) == 2


def test_a_line_torn_by_another_is_cut_off_by_the_next_writer(tmp_path):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        store.append(record(cell(1)))
        with path.open("a") as other:
            other.write('{"schema":"vtbe')
        store.read()
        store.append(record(cell(2)))
        assert len(kept(path)) == 2
        assert len(store.records) == 2


def test_a_torn_line_between_merged_files_is_passed_over_and_said(tmp_path):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        store.append(record(cell(1)))
    path.write_bytes(b'{"schema":"vtben\n' + path.read_bytes())
    with Store(path) as store:
        assert len(store.records) == 1
        assert store.said == [f"{path}:1: this line is not complete and was skipped."]


def test_a_file_that_is_replaced_meanwhile_gets_what_follows(tmp_path):
    path = tmp_path / "s.jsonl"
    with Store(path) as store:
        store.append(record(cell(1)))
        path.unlink()
        store.append(record(cell(2)))
        assert batches(path) == [2]
        assert "removed or replaced" in store.said[0]


def test_a_newer_schema_and_a_foreign_file_are_refused(tmp_path):
    path = tmp_path / "s.jsonl"
    path.write_text('{"schema": "vtbench-measurement/3", "workload": {}}\n')
    with pytest.raises(BadInput, match="has the schema vtbench-measurement/3"):
        Store(path)
    for foreign in ('{"name": "something else"}\n', "Dear diary,\nhello", "hello"):
        path.write_text(foreign)
        with pytest.raises(BadInput, match=r"s\.jsonl:1: this is not a measurement"):
            Store(path)
        assert path.read_text() == foreign


def test_a_full_disk_is_a_sentence_and_leaves_whole_lines(tmp_path, monkeypatch):
    path = tmp_path / "s.jsonl"
    real = os.write

    def full(descriptor, data):
        monkeypatch.setattr(os, "write", nothing)
        return real(descriptor, data[:10])

    def nothing(descriptor, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Store(path) as store:
        store.append(record(cell(1)))
        before = path.read_bytes()
        monkeypatch.setattr(appending.os, "write", full)
        with pytest.raises(OutputError, match=r"no space left on device.*run the same command"):
            store.append(record(cell(2)))
        assert path.read_bytes() == before
        monkeypatch.setattr(appending.os, "write", real)
        store.append(record(cell(2)))
    assert len(kept(path)) == 2


FILLING = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
import sweep_tasks
from vtbench.errors import OutputError
from vtbench.sweep.store import Store
from vtbench.sweep.loop import record_of
from vtbench.measure.workers import attempt
from vtbench.sweep.local import Job
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
with Store(Path(sys.argv[1])) as store:
    try:
        for k in range(1, 100):
            cell = sweep_tasks.cell(k)
            store.append(record_of(cell, attempt(sweep_tasks.told, Job(cell)), None))
    except OutputError as error:
        print(error)
"""


def test_a_file_that_the_system_lets_grow_no_further_holds_whole_lines(tmp_path, process):
    path = tmp_path / "s.jsonl"
    found = process("-c", FILLING, str(path), str(HERE))
    assert "cannot be written: file too large" in found.out, found.err
    assert 0 < path.stat().st_size <= 1000
    assert [line["macs"] for line in kept(path)] == [10 * (k + 1) for k in range(len(kept(path)))]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write into any folder")
def test_a_folder_that_may_not_be_written_is_a_sentence(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="cannot be written: permission denied"):
        Store(folder / "s.jsonl")


def test_a_folder_that_is_not_there_and_one_in_place_of_the_file_are_sentences(tmp_path):
    with pytest.raises(OutputError, match="no such file"):
        Store(tmp_path / "none" / "s.jsonl")
    with pytest.raises(OutputError, match="is a directory"):
        Store(tmp_path)


def test_without_a_file_records_are_kept_in_memory():
    with Store(None) as store:
        store.append(record(cell(1)))
        assert store.of(cell(1).key, None) is not None
        assert store.claim(cell(2).key)


# Cells that run


def swept(task, cells, store, isolate="none", jobs=1):
    queue = Queue(cells, store, None)
    how = Local(isolate=isolate, places=(None,) * jobs, timing=True)
    return [each.record for each in sweep(queue, functools.partial(local, task, how), None)]


def test_a_refused_cell_and_a_dead_process_are_rows_with_their_reason(tasks):
    with Store(None) as store:
        found = swept(tasks.accident, [cell(k) for k in (1, 2, 3, 4)], store)
    assert [r.macs for r in found] == [10, None, None, 40]
    assert found[1].error == "toy takes no batch of 2."
    assert found[2].error.startswith("The process that worked on it died (SIGKILL")
    assert [r.cell for r in found] == [cell(k).key for k in (1, 2, 3, 4)]


@pytest.mark.parametrize(("isolate", "processes"), [("none", 1), ("model", 2), ("cell", 4)])
def test_processes_are_shared_as_asked(tasks, isolate, processes):
    cells = [tasks.cell(k, model) for model in ("a", "b") for k in (1, 2)]
    with Store(None) as store:
        found = swept(tasks.told, cells, store, isolate)
    assert len({r.session for r in found}) == processes


def test_a_sweep_goes_on_where_it_was_and_tries_failures_again_only_when_asked(tasks, tmp_path):
    path = tmp_path / "s.jsonl"
    cells = [cell(k) for k in (1, 2, 3, 4)]
    with Store(path) as store:
        swept(tasks.accident, cells[:2], store)
    with Store(path) as store:
        assert [r.workload.batch_size for r in swept(tasks.told, cells, store)] == [3, 4]
    with Store(path) as store:
        queue = Queue(cells, store, None, retry=True)
        assert len(queue) == 1
        assert queue.take() == cells[1]
        queue.give(cells[1], record_of(cells[1], Outcome(error="Again."), None))
        assert queue.take() is None
        assert queue.over
    assert batches(path) == [1, 2, 3, 4, 2]


def test_a_stopped_queue_hands_nothing_out(tasks):
    with Store(None) as store:
        queue = Queue([cell(k) for k in (1, 2, 3)], store, None)
        found = []
        for done in sweep(queue, functools.partial(local, tasks.told, Local()), None):
            found.append(done)
            queue.stopped = True
    assert len(found) == 1


def started(path, number, seconds):
    """A sweep in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(HERE / "sweep_tasks.py"), str(path), str(number), str(seconds)],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_sweep_that_is_killed_loses_nothing_that_was_finished(tasks, tmp_path):
    path = tmp_path / "s.jsonl"
    for wanted in (3, 9):
        running = started(path, 20, 0.05)
        while lines(path) < wanted and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
        running.stderr.close()
    assert 9 <= lines(path) < 20
    tasks.run(path, 20, 0)
    assert sorted(batches(path)) == [*range(1, 21)]


def test_two_sweeps_into_one_file_share_the_cells(tmp_path):
    path = tmp_path / "s.jsonl"
    both = [started(path, 24, 0.05) for _ in range(2)]
    for each in both:
        assert each.wait(60) == 0, each.stderr.read().decode()
        each.stderr.close()
    assert sorted(batches(path)) == [*range(1, 25)]
    assert len({line["session"] for line in kept(path)}) == 2
