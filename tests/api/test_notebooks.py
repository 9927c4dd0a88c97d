"""Results in a notebook, where rich takes the kernel for its output unless it is told not to."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import pytest
import rich.console
from made_measurements import made

import vtbench
from vtbench.api.checking import Checked
from vtbench.api.counting import Count
from vtbench.api.measuring import Measured
from vtbench.claims.judge import judge
from vtbench.claims.suite import read_suite
from vtbench.data.record import Record
from vtbench.data.workload import Workload

SUITE = """
[suite]
title = "Counts"
source = "made up"

[[claim]]
id = "one"
where = "Table 1"
printed = "0.088"
unit = "M"
metric = "macs"
workload = { model = "toy", resolution = 16 }
"""
MACS = 3 * 3 * 3 * 8 * 16 * 16 + 2 * 256 * 8 * 8 + 100 + 8 * 10
"""Of the record that is made by hand."""


@pytest.fixture
def kernel(monkeypatch):
    """Rich believes to be in a kernel."""
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    assert rich.console.Console(file=io.StringIO()).is_jupyter


@pytest.fixture(params=["count", "failed", "check", "measured"])
def result(request, make_record, tmp_path):
    """Every kind of result that Python gets, and words and figures that it has to show."""
    if request.param == "count":
        return Count(make_record()), ("toy", f"{MACS:,}", "Parameters", "aten.conv2d.default")
    if request.param == "failed":
        failed = Record(workload=Workload(model="broken"), error="It has no forward.")
        return Count(failed), ("broken", "It has no forward.")
    if request.param == "measured":
        return Measured([made(seconds=0.25)]), ("resnet34", "250.0 [248.8, 251.2]", "ms/step")
    path = tmp_path / "counts.toml"
    path.write_text(SUITE, encoding="utf-8")
    suite = read_suite(path)
    record = make_record(workload=suite.claims[0].workload)
    return Checked(judge([suite], {record.workload: record})), ("counts", "one", "0.088", "holds")


def test_results_say_the_same_in_a_notebook_as_elsewhere(result, monkeypatch, capsys):
    found, words = result
    outside = found.table()
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    assert found.table() == repr(found) == outside
    for word in words:
        assert word in outside
    print(found)
    assert capsys.readouterr().out == outside + "\n"


def test_results_are_tables_of_the_page_in_a_notebook(result, kernel, capsys):
    found, words = result
    page = found._repr_html_()
    assert page.count("<table>") == page.count("</table>") > 0
    assert "<pre" not in page
    seen = html.unescape(re.sub(r"<[^>]*>", " ", page))
    for word in words:
        assert word in seen
    assert capsys.readouterr() == ("", "")


def test_consoles_are_made_in_one_place():
    """Which tells rich that it is not to write into the cells of a notebook."""
    root = Path(vtbench.__file__).parent
    places = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"\bConsole\(|rich\.get_console|from rich import print", path.read_text())
    ]
    assert places == ["report/console.py"]
