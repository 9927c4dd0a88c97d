"""Fixtures that several test files share: the command line, and a record made by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from vtbench.data.record import Explained, Memory, Parameters, PeerCount, Record, Row
from vtbench.data.workload import Workload

pytest_plugins = ["pace"]

if "PYTEST_XDIST_WORKER" in os.environ:
    # There are as many of them as cores, so a second thread of one, or of a process that it
    # starts, would spin beside the other's first. torch reads this when it is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def user_cache(tmp_path_factory):
    """What tests measure of this machine stays out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VTBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def one_thread():
    """Small nets lose more by waiting for other threads than they gain by them."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def vtbench(capfd):
    """Run the command line in this process."""

    def call(*arguments: str) -> Ended:
        from vtbench.cli import main

        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*arguments])
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return call


@pytest.fixture
def process():
    """Run Python in a process of its own."""

    def call(*arguments: str, **options) -> Ended:
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            **options,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return call


def _row(op, module, status, kind, calls, macs=0, **fields):
    fields.setdefault("effective_macs", macs)
    return Row(
        op=op, module=module, module_class="M", status=status, kind=kind, calls=calls, macs=macs,
        **fields,
    )  # fmt: skip


@pytest.fixture
def make_record():
    """A small network's record, all of whose figures are known.

    stem.conv 3·3·3·8·16·16, body.0.fc and body.1.fc 256·8·8 each, head 8·10, one op of its own
    in body that multiplies 100, one unknown op where asked for.
    """

    def make(model="toy", *, unknown=False, width=8, counters=False, **fields) -> Record:
        conv, fc, head, own = 3 * 3 * 3 * width * 16 * 16, 256 * width * width, width * 10, 100
        rows = [
            _row("aten.conv2d.default", "stem.conv", "counted", "conv", 1, conv, written=8 * 256,
                 elements_in=3 * 256, elements_out=8 * 256),
            _row("aten.linear.default", "body.0.fc", "counted", "linear", 1, fc, written=2048),
            _row("aten.relu.default", "body.0.act", "zero", "activation", 1, elements_in=2048,
                 elements_out=2048),
            _row("aten.linear.default", "body.1.fc", "counted", "linear", 1, fc, written=2048),
            _row("aten.mm.default", "body", "counted", "matmul", 2, own, written=10,
                 effective_macs=own),
            _row("aten.view.default", "", "zero", "none", 3),
            _row("aten.linear.default", "head", "counted", "linear", 1, head, written=10,
                 head=True),
        ]  # fmt: skip
        if unknown:
            rows.append(_row("my.scan.default", "body.1", "unknown", "unknown", 1,
                             estimated_macs=5000))  # fmt: skip
        total = conv + 2 * fc + head + own
        peers = {
            "fvcore": PeerCount(
                macs=total - own,
                difference=-own,
                explained_by=(Explained(op="aten.mm", calls=2, macs=-own),),
                unexplained=0,
            ),
            "thop": PeerCount(error="thop raised KeyError: 'total_ops'"),
            "torch": PeerCount(macs=total, difference=0, unexplained=0),
        }
        known = {
            "workload": Workload(model=model, resolution=(16, 16)),
            "rows": tuple(rows),
            "parameters": Parameters(total=1000, trainable=900, buffers=7, weights=800),
            "memory": Memory(weights=4028, activations_peak=12_345,
                             peak_at="stem.conv (aten.relu)"),
            "module_parameters": {"stem.conv": 216, "body": 4, "body.0.fc": 350, "body.1.fc": 350,
                                  "head": 80},
            "stages": ("stem", "body", "head"),
            "road": "meta",
            "counters": peers if counters else {},
        }  # fmt: skip
        return Record(**known | fields)

    return make


@pytest.fixture
def failed_record():
    """A record of a model that could not be counted."""
    return Record(workload=Workload(model="broken"), error="It has no forward.")
