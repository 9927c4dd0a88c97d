"""Tables of workloads as a paper wants them: one table value, whatever the format."""

from __future__ import annotations

import csv
import io
import re

import msgspec
import pytest
from made_measurements import made

from vtbench.data.notice import Notice
from vtbench.data.workload import Workload
from vtbench.errors import BadOption
from vtbench.report import CountsRendering, counts_document
from vtbench.report.aligned import PLAIN, aligned
from vtbench.report.counts import refuse_unknown_columns
from vtbench.report.figures import Cell, written_column
from vtbench.report.labels import Label, named
from vtbench.report.latex import Paper
from vtbench.report.measured import MeasuredRendering, measured_document
from vtbench.report.shape import Shape, Sort, shaped
from vtbench.report.sheet import Sheet, SheetColumn

SMALL = 3 * 3 * 3 * 8 * 16 * 16 + 2 * 256 * 8 * 8 + 8 * 10 + 100
LARGE = 3 * 3 * 3 * 64 * 16 * 16 + 2 * 256 * 64 * 64 + 64 * 10 + 100
HOSTILE = "a_b & 50 % #1 ~x ^2 \\end $y$ {z}"


@pytest.fixture
def records(make_record):
    """Two workloads of one model that differ in an option, and a model without it."""

    def of(width, **options):
        work = Workload(model="net", resolution=(16, 16), options=tuple(options.items()))
        return make_record(width=width, workload=work)

    return [of(64, tokens=16), of(8, tokens=8), make_record("plain", width=16)]


def _shown(records, shape=None, **more):
    return counts_document(records, CountsRendering(shape=shape or Shape(), **more))


def _rows(records, shape=None, **more):
    text = _shown(records, shape, format="csv", **more)
    return list(csv.reader(io.StringIO(text)))


def test_a_column_has_one_unit_and_its_points_stand_below_each_other(make_record):
    assert (SMALL, LARGE) == (88_244, 2_540_260)
    lines = _shown([make_record("small"), make_record("large", width=64)]).splitlines()
    head, small, large = (line for line in lines if line[:5] in ("Model", "small", "large"))
    assert "MACs (M)" in head
    assert "0.0882" in small, "three digits of the smallest"
    assert "2.5403" in large
    assert small.index(".") == large.index(".")


def test_figures_of_unlike_digits_agree_at_their_points():
    cells = [cell.translate(PLAIN) for cell in aligned(["1,280 ± 6", "12.31 ± 0.04", "—"])]
    assert cells == ["1,280    ± 6   ", "12.31 ± 0.04", "—"]
    assert aligned(["7", "8.25†"]) == ["7\u2008\u2007\u2007\u2005", "8.25†"]
    assert aligned([]) == []


@pytest.mark.parametrize("name", ["macs", "MACs", "MACS", "MACs (M)"])
def test_columns_go_by_heading_and_by_name_and_are_the_same_in_every_format(records, name):
    shape = Shape(columns=(name, "flops"))
    assert _rows(records, shape) == [
        ["model", "tokens", "macs", "flops"],
        ["net", "16", str(LARGE), str(2 * LARGE)],
        ["net", "8", str(SMALL), str(2 * SMALL)],
        ["plain", "", "241924", "483848"],
    ]
    for style in ("table", "markdown", "latex"):
        text = _shown(records, shape, format=style)
        head = next(line for line in text.splitlines() if "Model" in line)
        assert re.findall(r"\w+", head) == ["Model", "tokens", "MACs", "M", "FLOPs", "M"], style
        assert "Params" not in text


def test_a_column_that_there_is_not_is_refused_with_those_that_there_are(records):
    works = [record.workload for record in records]
    for shape, option in (
        (Shape(columns=("maccs",)), "--columns"),
        (Shape(sort=Sort("maccs")), "--sort"),
    ):
        asked = CountsRendering(shape=shape)
        with pytest.raises(BadOption, match=f"{option}.*'maccs'.*Did you mean macs.*params"):
            refuse_unknown_columns(works, asked)
    refuse_unknown_columns(works, CountsRendering(shape=Shape(columns=("tokens", "softmax"))))


@pytest.mark.parametrize(("descending", "order"), [(False, [8, 64]), (True, [64, 8])])
def test_what_has_no_figure_comes_last_in_either_direction(descending, order):
    nan = float("nan")
    column = SheetColumn(name="x", kind="number", shown=True)
    cells = [Cell(value) for value in (None, 64, nan, 8)]
    sheet = Sheet(title="", key="", columns=(column,), rows=tuple((cell,) for cell in cells))
    found = shaped(sheet, Shape(sort=Sort("x", descending)))
    assert [row[0].value for row in found.rows[:2]] == order
    assert found.rows[2:] == ((cells[0],), (cells[2],))
    assert written_column("number", cells, None)[1] == ["—", "64", "—", "8"]


def test_texts_are_sorted_by_the_figures_within_them():
    column = SheetColumn(name="x", shown=True)
    rows = tuple((Cell(text),) for text in ("net_16", "Net_8", "arc"))
    sheet = Sheet(title="", key="", columns=(column,), rows=rows)
    found = shaped(sheet, Shape(sort=Sort("X")))
    assert [row[0].value for row in found.rows] == ["arc", "Net_8", "net_16"]


def test_the_first_rows_stand_with_how_many_are_left_out(records):
    shape = Shape(sort=Sort("macs", descending=True), top=1)
    text = _shown(records, shape)
    assert "Sorted by MACs, descending.\nThe first 1 of 3 rows; 2 are left out." in text
    with pytest.warns(Notice, match="2 are left out"):
        assert [row[0] for row in _rows(records, shape)] == ["model", "net"]
    assert "left out" not in _shown(records, Shape(top=3))


def test_digits_are_decimals(records):
    assert "| 2.5 |" in _shown(records, Shape(places=1), format="markdown")
    text = _shown(records, Shape(columns=("macs",), places=6), format="markdown")
    assert "| 2.540260 |" in text
    assert r"| \<1 |" in _shown(records, Shape(columns=("macs",), places=0), format="markdown")


def test_labels_name_models_or_one_workload_of_several(records):
    works = [record.workload for record in records]
    found = named(works, [Label("net=Net"), Label("net:tokens=16=Net, k = 16")])
    assert [found.get(work) for work in works] == ["Net, k = 16", "Net", None]
    for wrong, said in (("nett=N", "There are net"), ("net", "expected MODEL=NAME"),
                        ("net:tokens=9=N", "no workload"), ("net=", "no name")):  # fmt: skip
        with pytest.raises(BadOption, match=said):
            named(works, [Label(wrong)])


def test_a_label_stands_in_every_format_and_is_escaped(records):
    shape = Shape(labels=(Label(f"plain={HOSTILE}"),))
    assert _rows(records, shape)[3][0] == HOSTILE
    assert HOSTILE in _shown(records, shape, width=120)
    latex = _shown(records, shape, format="latex")
    assert (
        r"a\_b \& 50 \% \#1 \textasciitilde{}x \textasciicircum{}2 \textbackslash{}end \$y\$ \{z\}"
    ) in latex


def test_rows_that_differ_in_an_option_say_so_in_every_view(records):
    for style in ("table", "markdown", "latex"):
        for view in ("total", "stage", "op"):
            shape = Shape(columns=("macs",))
            text = _shown(records, shape, format=style, view=view)
            assert "tokens" in text, (style, view)
    head, *rows = _rows(records, view="stage")
    at = head.index("tokens")
    assert {(row[0], row[at]) for row in rows} == {("net", "16"), ("net", "8"), ("plain", "")}
    assert "net (tokens=8) by stage" in _shown(records, view="stage")
    related = _shown(records, view="stage", relative_to="plain")
    assert "net (tokens=16) relative to plain, by stage" in related


def test_an_option_that_all_rows_share_stands_above_them(records):
    assert "16×16 · batch 1 · eval · tokens=8 · vtbench" in _shown(
        [records[1], msgspec.structs.replace(records[1], workload=_renamed(records[1]))]
    )


def _renamed(record):
    return msgspec.structs.replace(record.workload, model="other")


def test_latex_is_one_table_that_fits_a_column_or_says_that_it_does_not(records):
    text = _shown(records, format="latex", view="stage", cite=True)
    assert text.count(r"\begin{table}") == text.count(r"\toprule") == 1
    assert r"\label{tab:macs-by-stage}" in text
    assert r"~\cite{vtbench_" in text
    assert "% needs \\usepackage{booktabs}\n" in text
    narrow = _shown(records, format="latex")
    assert "% left out to fit: Activ. (K), Peak act. (KB); --wide" in narrow
    wide = _shown(records, format="latex", paper=Paper(wide=True))
    assert r"\begin{table*}" in wide
    assert "Peak act." in wide.partition(r"\midrule")[0].partition("tabular")[2]
    every = tuple(_rows(records)[0])
    assert "cm wide, which is more than one column; --wide makes a table*" in _shown(
        records, Shape(columns=every), format="latex"
    )


def test_siunitx_sets_what_is_nothing_but_figures(records):
    text = _shown(records, Shape(columns=("macs", "road")), format="latex",
                  paper=Paper(siunitx=True))  # fmt: skip
    assert r"\begin{tabular}{@{}lrS[table-format=1.4]l@{}}" in text
    assert r"{MACs (M)}" in text
    assert r"\usepackage{booktabs} and \usepackage{siunitx}" in text


def test_measurements_are_shaped_as_counts_are():
    found = [made("slow", seconds=0.08), made("fast"), made("fast", options=(("tokens", 8),))]
    shape = Shape(columns=("images/s",), sort=Sort("images/s", descending=True), places=0,
                  labels=(Label("fast:tokens=8=Fast 8"),))  # fmt: skip
    asked = MeasuredRendering(shape=shape, format="markdown", cite=True)
    text = measured_document(found, (), asked)
    assert "| fast | 1,280 ± 6 |" in text
    assert "| Fast 8 | 1,280 ± 6 |" in text
    assert text.index("| Fast 8") < text.index("| slow | 800 ± 4 |")
    assert "Measured on AMD EPYC 7543 (4 threads) with vtbench" in text
    assert "protocol throughput/1, torch 2.15.0, fp32, batch size 64." in text
    assert "  url     = {" in text


def test_a_model_outside_an_axis_has_a_column_of_its_own():
    swept = [made("net", options=(("keep", k),), seconds=0.1 * k) for k in (0.5, 0.7, 1.0)]
    asked = MeasuredRendering(by="keep", format="markdown")
    text = measured_document([*swept, made("plain", seconds=0.04)], (), asked)
    assert "| Model | — | 0.5 | 0.7 | 1.0 |" in text
    assert "| plain | 1,600 | — | — | — |" in text
    assert "- —: no value of keep was given" in text
