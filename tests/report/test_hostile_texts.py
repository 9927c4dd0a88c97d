"""What files say is shown as text: on a terminal, on a page, and in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_measurements import failed, lines, made
from tampered import tried

from vtbench.cli.output import say
from vtbench.data.visible import escaped_in_json, no_formula, visible
from vtbench.report import Rendering
from vtbench.report.checking import check_document
from vtbench.report.measured import MeasuredRendering, measured_document
from vtbench.report.render import render
from vtbench.report.table import Column, Table

ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What acts on a terminal."""
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07", "\x9b31m", "safe\u202etxt.exe", "\u2066a\u2069", "a\rb", "\x00",
    "\x7f",
    "<script>alert(1)</script>", '<img src=x onerror="a()">', "`<b>x</b>`", "[a](javascript:b)",
    "a|b", "\\input{/etc/passwd}", "\\end{table}", "$x$ & y % z # _ ^ ~ {}", "=1+1",
    "=cmd|' /C calc'!A0", "+SUM(A1)", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "# heading",
    "1. one", "- x",
)  # fmt: skip
STYLES = ("table", "markdown", "csv", "latex", "html")


def table(text: str) -> Table:
    return Table(
        title=text,
        columns=(Column(head=text, align="left"), Column(head="n")),
        rows=((text, "1"), ("plain", text)),
        conditions=(text,),
        notes=(text,),
    )


@tried(150)
@given(
    text=st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20)), style=st.sampled_from(STYLES)
)
def test_nothing_acts_on_a_terminal_in_any_style(text, style):
    said = render([table(text)], style, width=60)
    assert not ACTS.search(said)
    said.encode()


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_has_our_tags_alone(text):
    tags = Tags()
    tags.feed(render([table(text)], "html"))
    assert tags.seen <= {"h4", "p", "table", "thead", "tbody", "tr", "th", "td", "code"}


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_has_no_tag_link_heading_or_list_of_a_file(text):
    said = render([table(text)], "markdown")
    bare = re.sub(r"`[^`]*`", "", said)
    assert not re.search(r"(?<!\\)[<\[]", bare)
    blocks = [line for line in said.splitlines() if re.match(r"(- )?(#|\d+\. |- - |\+ )", line)]
    assert len(blocks) == 1  # the title
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in said.splitlines()
               if line.startswith("|"))  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_has_our_commands_alone(text):
    said = render([table(text)], "latex")
    known = {
        "usepackage", "begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule",
        "par", "smallskip", "parbox", "linewidth", "footnotesize", "raggedright",
        "texttt", "textbackslash", "textasciitilde", "textasciicircum",
        "textless", "textgreater", "textbar",
    }  # fmt: skip
    assert set(re.findall(r"(?<!\\)\\([A-Za-z]+)", said)) <= known
    assert len(re.findall(r"\\end\{table\}", said)) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_csv_is_a_formula(text):
    for row in csv.reader(io.StringIO(render([table(text)], "csv"))):
        assert all(not cell.startswith(tuple("=+-@\t\r")) for cell in row)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "-",
        "--",
        "-1",
        "+0.013 G",
        "-1.5e-7",
        "-1,814",
        "+3.2 %",
        "a=b",
        "1-2",
        "−3",
        "+",
        "-0.5 ms",
    ],
)
def test_figures_with_a_sign_stay_as_they_are(cell):
    assert no_formula(cell) == cell
    assert visible(cell) == cell


def test_texts_of_people_stay_as_they_are():
    said = "Größe 224×224 ≥ 3.66 G — é\u0301 日本 שלום 👩\u200d🔬\n\tnext"
    assert visible(said) == said


@pytest.mark.parametrize("text", HOSTILE)
def test_json_holds_the_same_and_acts_on_nothing(text):
    said = escaped_in_json(json.dumps([text], ensure_ascii=False))
    assert json.loads(said) == [text]
    assert not ACTS.search(said)


@pytest.mark.parametrize("text", HOSTILE)
def test_measurements_with_hostile_names_are_shown(text, tmp_path, vtbench):
    records = [made(text), failed(f"{text} 2", error=text)]
    for shape in (*STYLES[:-1], "json"):
        said = measured_document(records, [], MeasuredRendering(format=shape))
        assert not ACTS.search(said)
    row = measured_document(records, [], MeasuredRendering(format="timm-csv")).splitlines()[1]
    assert not row.lstrip('"').startswith(tuple("=+-@"))
    file = tmp_path / "hostile.jsonl"
    file.write_text(lines(records), encoding="utf-8")
    ended = vtbench("report", str(file))
    assert ended.status == 0
    assert not ACTS.search(ended.out + ended.err)


def test_reports_for_other_tools_stay_whole(tmp_path, capsys):
    from vtbench.claims.judge import judge
    from vtbench.claims.suite import read_suite

    path = tmp_path / "s.toml"
    hostile = json.dumps("a, b: <c>\n::error title=x::owned \x1b[2J \u202e")
    path.write_text(
        f'[suite]\ntitle = {hostile}\nsource = "s"\n[[claim]]\nid = "c"\nwhere = {hostile}\n'
        'kind = "value"\nmetric = "macs"\nprinted = "1"\nunit = "G"\nworkload = { model = "m" }\n',
    )
    verdicts = judge([msgspec.structs.replace(read_suite(path), name="s")], {})
    said = check_document(verdicts, Rendering(format="github"))
    assert all(line.startswith("::") for line in said.splitlines())
    assert sum(line.startswith("::error") for line in said.splitlines()) <= len(verdicts)
    assert not ACTS.search(said)
    ET.fromstring(check_document(verdicts, Rendering(format="junit")))  # noqa: S314  # ours
    say("\x1b[2J\u202eowned")
    assert capsys.readouterr().err == "vtbench: \\x1b[2J\\u202eowned\n"
