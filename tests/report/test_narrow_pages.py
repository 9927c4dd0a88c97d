"""Every table on pages of 60, 80 and 120 columns: ids stay whole, and so does the answer."""

from __future__ import annotations

import itertools
import sys

import pytest
from made_measurements import made
from rich.cells import cell_len

from vtbench.data.measurement import Roofline, StageShare
from vtbench.data.record import Block, ModuleMemory
from vtbench.report import CountsRendering, counts_tables, render
from vtbench.report.difference import difference, difference_tables
from vtbench.report.measured import measured_document
from vtbench.report.render import ELLIPSIS, fit
from vtbench.report.table import TYPED, Column, Table, name_column

WIDTHS = (60, 80, 120)
LONG = "my_package.experiments.nets:make_a_network_of_a_long_name"

COMMANDS = [
    ("check", "vt_v4", "--from", "reports/records.jsonl"),
    ("check", "sparseformer", "--from", "reports/records.jsonl"),
    ("explain", "sparseformer.t2.deit_s.macs", "--from", "reports/records.jsonl"),
    ("audit", "vt_v3"),
    ("suites",),
    ("models",),
    ("cost",),
    ("cost", "sparseformer_t", "swin_t", "deit_s"),
    ("cost", "sparseformer_t", "swin_t", "--at", "H=192:512:64"),
    ("macs", "resnet18", "resnet34", "--relative-to", "resnet18"),
    ("macs", "resnet18", "--by", "block"),
    ("macs", "resnet18", "resnet34", "--diff"),
    ("formula", "resnet18"),
    ("sweep", "resnet18", "--resolution", "192,224"),
    ("env",),
]
"""A command for each kind of table that needs neither a device nor minutes."""

ANSWERS = {
    "Claim": (("Verdict", "Share"), ("Measured", "Counted")),
    "Model": (("images/s", "Ratio", "MACs", "Time", "Verdict"),),
    "Block": (("MACs",), ("Time", "Share")),
    "Stage": (("MACs",), ("Time", "Gives", "Share")),
    "Module": (("Difference", "MACs"),),
    "Operator": (("MACs", "Estimate"),),
}
"""Heading of the names -> what is asked of them; of each, the first heading that is there stays."""


@pytest.fixture
def drawn(monkeypatch):
    """Every table that is fitted to a page."""
    seen = []

    def noting(table, width):
        seen.append(table)
        return fit(table, width)

    # the package has a function of the module's name
    monkeypatch.setattr(sys.modules["vtbench.report.render"], "fit", noting)
    return seen


def check(tables) -> None:
    """Names that are typed again are whole at every width, and the answer is there."""
    assert tables
    for table, width in itertools.product(tables, WIDTHS):
        page = fit(table, width)
        heads = [column.head for column in page.columns]
        known = [column.head.rstrip("†") for column in table.columns]
        asked = ANSWERS.get(known[0], ()) if known else ()
        answers = [next((head for head in each if head in known), None) for each in asked]
        for place, column in enumerate(table.columns):
            if column.head in TYPED or column.head.rstrip("†") in answers:
                assert column.head in heads, (table.title, width, heads)
            if column.head in TYPED:
                for row, shown in zip(table.rows, page.rows, strict=True):
                    assert row[place] in shown, (table.title, width)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_of_every_command(vtbench, drawn, command):
    ended = vtbench(*command)
    assert ended.out, ended.err
    check(drawn)


def test_of_counts_with_long_names(make_record, drawn):
    blocks = (Block(path="body.0", class_name="ABlockOfALongName"),)
    memory = {"body.0.fc": ModuleMemory(weights=8, written=8)}
    one = make_record(LONG, unknown=True, blocks=blocks, module_memory=memory, counters=True)
    two = make_record(f"{LONG}_2", width=16)
    tables = difference_tables(difference([one, two], "total", None))
    for view in ("total", "stage", "block", "module", "op", "class"):
        tables += counts_tables([one], CountsRendering(view=view, depth=3))
        tables += counts_tables([one, two], CountsRendering(view=view))
    assert LONG in render(tables, "table")
    check(drawn)


def test_of_measurements_with_long_names(drawn):
    share = StageShare(stage="blocks.0", seconds=0.01, macs=8, bytes=8, utilisation=0.1)
    roof = Roofline(macs_per_second=8e9, bytes_per_second=1e9, stages=(share,), by="block")
    text = measured_document([made(LONG, roofline=roof), made("resnet34")])
    assert LONG in text
    check(drawn)


def test_a_name_that_is_typed_is_wider_than_the_page_rather_than_cut():
    table = Table(
        title="",
        columns=(name_column("Claim"), Column(head="Measured"), Column(head="Hint", drop=1)),
        rows=(("a_suite.a_table.a_row_of_a_long_name.macs", "4.599", "text"),),
    )
    text = render([table], "table", width=40)
    assert "a_suite.a_table.a_row_of_a_long_name.macs     4.599" in text
    assert "Hidden to fit 40 columns: Hint." in text


def test_other_names_are_shortened_only_when_no_column_can_go():
    path = "layers.2.blocks.0-5.attention.proj"
    columns = (name_column("Module"), Column(head="MACs"), Column(head="Calls", drop=1))
    table = Table(title="", columns=columns, rows=((path, "123.456 M", "12"),))
    page = fit(table, 46)
    assert page.rows == ((path, "123.456 M"),)
    cut = fit(table, 36)
    assert ELLIPSIS in cut.rows[0][0]
    assert cell_len(cut.rows[0][0]) + 2 + 9 == 36
