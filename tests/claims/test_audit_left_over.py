"""What an audit did not compare: every figure is compared or listed, with the reason."""

from __future__ import annotations

import json

import pytest

from vtbench.claims.audit import audit, read_tables
from vtbench.claims.audit.findings import Reason

TABLE = (
    "Net,GPU,MACs (G),Δ MACs (G),Params,Top-1 (%)\n"
    "base,V100,4.00,-,25.6,76.1\n"
    "a,V100,3.00,-1.00,20.1,75.0±0.1\n"
    "b,V100,2.00*,-2.00*,18.0,74.0\n"
    "c,A100,-,-2.50,15.0,73.5\n"
    "d,A100,,,~15,\n"
)


@pytest.fixture
def left(tmp_path):
    """(column, rows, reason) of everything in a table that was not compared."""

    def call(text: str, name: str = "table.csv", number: int = 0):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        one = audit(read_tables(path)[number])
        return [(each.column, each.rows, each.reason) for each in one.not_compared]

    return call


def test_every_figure_that_no_rule_was_held_against_is_listed_with_the_reason(left):
    """The GPU names the rows too; -2.50 stands beside no figure, and a mark is another way."""
    assert left(TABLE) == [
        ("MACs (G)", ("b V100",), "marked"),
        ("Δ MACs (G)", ("b V100",), "marked"),
        ("Δ MACs (G)", ("c A100",), "no_partner"),
        ("Params", ("base V100", "a V100", "b V100", "c A100"), "no_unit"),
        ("Top-1 (%)", ("base V100", "b V100", "c A100"), "no_rule"),
        ("Top-1 (%)", ("a V100",), "no_figure"),
        ("", ("d",), "no_figures"),
    ]


def test_a_bound_is_held_against_no_figure_of_unknown_unit(left):
    """4.1 is no 4.1 multiply-adds, and a long whole number is one that is spelt out."""
    text = "Model,MACs,Params (M)\nA,4.1,25.6\nB,8.2,40.1\n"
    assert ("MACs", ("A", "B"), "no_unit") in left(text)
    spelt = "Model,MACs,Params (M)\nA,4100000000,25.6\nB,82000,40.1\n"
    assert left(spelt) == [("MACs", ("B",), "no_unit"), ("Params (M)", ("B",), "no_rule")]


@pytest.mark.parametrize(
    ("text", "column", "rows", "reason"),
    [
        ("Model,img/s,Device\nA,300,V100\nB,400,V100\n", "Device", (), "no_figures"),
        ("Model,img/s,Speedup\nA,100,1.00x\nB,150,1.50x\nC,200,2.00x\n", "Speedup", ("A",),
         "baseline"),
        ("Model,Acc,Δ\nx,70.9,+0.8\ny,71.9,+1.0\nz,73.0,+1.1\n", "Δ", ("x",), "no_baseline"),
        ("Model,Acc,Δ Acc\nA,70.1,-\nB,75.1,-\nC,72.1,+2.0\nD,76.0,+0.9\n", "Δ Acc", ("C",),
         "other_baseline"),
        ("Model,img/s\nA,100\nB,150 (1.70x)\nC,200 (2.00x)\nD,250 (2.50x)\nE,300* (3.00x)\n",
         "img/s", ("E",), "marked"),
    ],
)  # fmt: skip
def test_each_reason_is_said_of_its_rows(left, text, column, rows, reason):
    assert (column, rows, reason) in left(text)


def test_a_total_that_agrees_nowhere_is_that_of_something_else(left, vtbench, tmp_path):
    text = "Part,MACs (M),Latency (ms)\na,1,2\nb,3,4\nTotal,70,80\n"
    rows = ("a", "b", "Total")
    assert left(text) == [("MACs (M)", rows, "no_rule"), ("Latency (ms)", rows, "no_rule")]
    ended = vtbench("audit", str(tmp_path / "table.csv"))
    assert (ended.status, "agree" in ended.out) == (2, False)
    assert left(text.replace("80", "6")) == []


def test_tables_without_figures_are_listed_beside_those_with_some(left):
    text = "| a | b |\n|--|--|\n| x | y |\n\n| a | MACs (G) | Δ |\n|--|--|--|\n| x | 1 | - |\n"
    assert left(text, "t.md") == [("", (), "no_figures")]
    assert left(text, "t.md", 1)[0][0] == "MACs (G)"
    bare = "| 1 | 2 |\n|--|--|\n| 1 | 2 |\n\n" + text
    assert left(bare, "t.md") == [("", (), "no_heading")]


def test_the_text_names_columns_rows_and_reasons(vtbench, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "t.csv"
    path.write_text(TABLE.replace("76.1", "300"), encoding="utf-8")
    out = vtbench("audit", str(path)).out
    assert "zeros are digits, so 300 is 299.5 to 300.5." in out
    lines = out[out.index("Not compared:") :].splitlines()[1:]
    marked = "a mark says that they were obtained in another way"
    assert lines == [
        f"· MACs (G), Δ MACs (G), 1 row (b V100): {marked}.",
        "· Δ MACs (G), 1 row (c A100): a figure that they follow from is missing or marked.",
        "· Params: the figures have no unit, so they are not held against other columns.",
        "· Top-1 (%): no other figure gives these, and no bound applies.",
        "· Top-1 (%), 1 row (a V100): the cells do not hold one plain figure.",
        "· 1 row (d): no cell holds a figure.",
    ]
    out = vtbench("audit", str(path), "--zeros", "rounded").out
    assert "zeros at the end of whole numbers are not digits, so 300 is 250 to 350." in out
    ended = vtbench("audit", str(path), "--format", "json")
    (one,) = json.loads(ended.out)["results"]
    assert one["not_compared"][1] == {
        "column": "Δ MACs (G)",
        "rows": ["b V100"],
        "reason": "marked",
        "whole": False,
        "aside": False,
    }


def test_every_reason_has_its_words():
    from typing import get_args

    from vtbench.report.audited import _REASONS

    assert set(get_args(Reason)) == set(_REASONS)
