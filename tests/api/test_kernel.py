"""Every kind of result in a real kernel of Jupyter: printed, returned, as a table, displayed."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import vtbench

NETS = """
from torch import nn


def make(width=8):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, 10))
"""
SETUP = """
import torch
from torch import nn
import vtbench
import vtbench.measure.session.measure_workloads as session
session.with_utilisation = lambda *_, **__: None  # which takes seconds
net, x = nn.Linear(16, 8), torch.zeros(5, 16)
kept = vtbench.latency(net, x, max_time=0.02)
"""
MACS = 3 * 8 * 3 * 3 * 30 * 30 + 8 * 10
"""Of the network at 32 x 32 pixels."""
KINDS = {
    "count": ("vtbench.count(net, x)", f"{5 * 16 * 8:,}"),
    "counts": ("vtbench.count(['nets:make'], resolution=32)", f"{MACS:,}"),
    "counting": ("block", f"{2 * 5 * 16 * 8:,}"),
    "formula": ("vtbench.formula('nets:make')", f"{3 * 8 * 3 * 3 * 222 * 222 + 8 * 10:,}"),
    "formula at": ("vtbench.formula('nets:make', at={'H': [32, 64]})", f"{MACS / 1e3:.3f} K"),
    "throughput": ("vtbench.throughput(net, x, max_time=0.02)", "evaluation mode"),
    "latency": ("kept", "128"),
    "memory": ("vtbench.memory(net, x)", "evaluation mode"),
    "compare": ("vtbench.compare({'a': net, 'b': net}, x, max_time=0.02)", "as fast as"),
    "compare kept": ("vtbench.compare(kept, kept)", "MACs are the same: 640."),
    "sweep": ("vtbench.sweep('nets:make', resolution=[32, 34])", f"{MACS / 1e3:.3f}"),
    "check": ("vtbench.check('vt_v3', only='vt_v3.t1.vt_r34.d_top1.printed')", "holds"),
    "audit": ("vtbench.audit('vt_v3')", "vt_v3.t1"),
    "conformance": ("vtbench.conformance('torch', cases='conv1d')", "conv1d"),
}
"""Kind of result -> how it is made, and what each view of it shows."""
VIEWS = ("print(r)", "r", "r.table()", "display(r)")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """(kind, view) -> what a cell of the view shows."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "nets.py").write_text(NETS, encoding="utf-8")
    root = str(Path(vtbench.__file__).parents[1])
    cells, places = [new_code_cell(SETUP)], {}
    cells.append(new_code_cell("with vtbench.counting(net) as block:\n    net(x), net(x)"))
    for kind, (made, _) in KINDS.items():
        cells.append(new_code_cell(f"r = {made}"))
        for view in VIEWS:
            places[kind, view] = len(cells)
            cells.append(new_code_cell(view))
    places["drawn"] = len(cells)
    cells.append(new_code_cell("vtbench.count('nets:make', resolution=32).plot()"))
    notebook = new_notebook(cells=cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([root, str(folder)]))
        client = NotebookClient(
            notebook, timeout=600, kernel_name="python3",
            resources={"metadata": {"path": str(folder)}},
        )  # fmt: skip
        client.execute()
    return {key: notebook.cells[place].outputs for key, place in places.items()}


def flowing(text):
    return " ".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_view_shows_what_it_should_once(shown, kind):
    words = KINDS[kind][1]
    (printed,) = shown[kind, "print(r)"]
    assert (printed.output_type, printed.name) == ("stream", "stdout")
    text = printed.text
    assert words in flowing(text)
    (table,) = shown[kind, "r.table()"]
    assert list(table.data) == ["text/plain"]
    assert table.data["text/plain"] == repr(text.removesuffix("\n"))
    for view, output_type in (("r", "execute_result"), ("display(r)", "display_data")):
        (found,) = shown[kind, view]
        assert (found.output_type, sorted(found.data)) == (output_type, ["text/html", "text/plain"])
        assert found.data["text/plain"] == text.rstrip("\n")
        page = found.data["text/html"]
        assert page.count("<table>") == page.count("</table>") > 0
        assert words in flowing(html.unescape(re.sub(r"<[^>]*>", " ", page)))


def test_a_figure_is_a_picture_of_the_page(shown):
    (found,) = shown["drawn"]
    assert found.output_type == "execute_result"
    assert "image/png" in found.data
