"""The audit of printed tables: contradictions come out, and nothing else does."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from vtbench.claims.audit import audit, read_tables
from vtbench.claims.audit.cells import read_cell
from vtbench.claims.audit.printed import PrintedFigure, range_of
from vtbench.claims.suite import interval
from vtbench.errors import BadInput

TABLE_1 = Path(__file__).parents[1] / "data" / "vt_v3_table1.csv"


@pytest.fixture
def audited(tmp_path):
    """The audit of a table that is given as text."""

    def call(text: str, name: str = "table.csv", device: str | None = None):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return [audit(table, device) for table in read_tables(path)]

    return call


@pytest.fixture
def read(tmp_path):
    """The tables of a page that is given as text."""

    def call(text: str):
        path = tmp_path / "page.html"
        path.write_text(text, encoding="utf-8")
        return read_tables(path)

    return call


def found(audits):
    return [(each.kind, each.row, each.column) for one in audits for each in one.findings]


def test_the_known_slips_of_a_paper_come_out_by_themselves_and_no_others():
    """Visual Transformers v3, table 1: two deltas out of 63 contradict their own columns."""
    (one,) = (audit(table) for table in read_tables(TABLE_1))
    assert found([one]) == [
        ("difference", "AA-R-34", "Δ MACs (M)"),
        ("difference", "LR-R-18", "Δ Params (M)"),
    ]
    macs, params = one.findings
    # 3.55 stands for 3.545 to 3.555, 3.664 for 3.6635 to 3.6645
    assert (macs.low, macs.high) == (3545 - Decimal("3664.5"), 3555 - Decimal("3663.5"))
    assert (macs.stands_for.low, macs.stands_for.high) == (Decimal("-224.5"), Decimal("-223.5"))
    assert macs.printed == "-224 M"
    # 14.4 stands for 14.35 to 14.45, 11.67 for 11.665 to 11.675
    assert (params.low, params.high) == (Decimal("14.35") - Decimal("11.675"),
                                         Decimal("14.45") - Decimal("11.665"))  # fmt: skip
    assert not macs.agrees_if_cut
    assert not params.agrees_if_cut
    assert params.fits == ("R-18 + SE", "R-18 + CBAM")
    deltas = [check for check in one.checks if check.rule.startswith("Δ")]
    assert [(c.checked, c.contradicted, c.left_out) for c in deltas] == [
        (21, 0, 0), (16, 1, 4), (20, 1, 0)]  # fmt: skip


@pytest.mark.parametrize("digit", ["-513", "-512", "-514", "-511", "-515"])
def test_a_changed_digit_is_found_as_soon_as_no_rounding_explains_it(audited, digit):
    """3.1505 to 3.1515 less 3.6635 to 3.6645 is -514 to -512, and -511 is -511.5 at the least."""
    text = TABLE_1.read_text(encoding="utf-8").replace(",-513,", f",{digit},")
    rows = {row for _, row, _ in found(audited(text))} - {"AA-R-34", "LR-R-18"}
    assert rows == ({"VT-R-34 (ours)"} if digit in ("-511", "-515") else set())


def test_ratios_in_parentheses_are_held_against_the_row_above_without_one(audited):
    """Table 4 of the same paper, whose ratios agree; one of them changed does not."""
    text = (
        "| Net | Head | Total MACs (G) | FPN MACs (G) |\n|---|---|---:|---:|\n"
        "| R-50 | FPN | 159 | 55.1 |\n| | VT-FPN | 113 (1.41x) | 8.5 (6.48x) |\n"
        "| | FPN | 37.1 | 12.8 |\n| | VT-FPN | 26.4 (1.41x) | 2.0 (6.40x) |\n"
        "| R-101 | FPN | 231 | 55.1 |\n| | VT-FPN | 185 (1.25x) | 8.5 (6.48x) |\n"
    )
    assert found(audited(text, "table.md")) == []
    changed = audited(text.replace("1.25x", "1.52x"), "table.md")
    assert found(changed) == [("ratio", "VT-FPN", "Total MACs (G)")]
    finding = changed[0].findings[0]
    assert finding.low == (231 - Decimal("0.5")) / (185 + Decimal("0.5"))
    assert finding.of == "185 G against 231 G (R-101 FPN)"


def test_latex_with_rules_spans_and_bold_face_is_read_as_it_looks(audited):
    """Table 3: accuracy drops in parentheses; one of six is off by 0.2."""
    text = r"""
\begin{table}\caption{Ablations of \textbf{VT}}
\begin{tabular}{@{}llc}
\toprule % the heads
Model & Ablation & Top-1 Acc (\%) \\ \midrule
\multirow{4}{*}{VT-R-18} & Base & 71.45 \\
 & - TF & 69.49 ($-1.96$) \\
 & - PE & \textbf{71.43} (-0.02) \\
 & - DT & 70.26 (-1.19) \\ \cmidrule(lr){2-3}
\multirow{4}{*}{VT-R-34} & Base & 74.65 \\
 & - TF & 74.33 (-0.52) \\
 & - PE & 74.50 (-0.15) \\
 & - DT & 73.40 (-1.25) \\
\bottomrule
\end{tabular}\end{table}
"""
    (one,) = audited(text, "table.tex")
    assert one.title == "Ablations of VT"
    assert found([one]) == [("difference", "VT-R-34 - TF", "Top-1 Acc (%)")]
    assert one.findings[0].fits == ()


def test_a_speed_up_is_a_ratio_of_the_throughput_column(audited):
    text = (
        "Model,GFLOPs,Throughput (img/s),Speedup\nDeiT-S,4.6,940,1.00x\n"
        "EViT,3.0,1433,1.52x\nToMe,2.7,1552,1.65x\nX,2.3,1703,1.91x\n"
    )
    (one,) = audited(text)
    assert found([one]) == [("ratio", "X", "Speedup")]  # 1703 / 940 is 1.81


def test_percentages_are_changes_of_the_column_that_they_name(audited):
    text = "Model,FLOPs (G),FLOPs reduction (%)\nA,2.00,-\nB,1.50,25\nC,1.00,50\nD,1.20,45\n"
    assert found(audited(text)) == [("percent", "D", "FLOPs reduction (%)")]  # 40


def test_totals_and_shares_are_held_against_their_parts(audited):
    text = (
        "Stage,MACs (M),Params (K),Share (%)\nconv1,118.0,9.4,6.5\nlayer1,462.4,148.0,25.5\n"
        "layer2,411.0,525.6,22.7\nlayer3,411.0,2100.1,22.7\nlayer4,411.0,8393.7,27.7\n"
        "Total,1813.5,12176.8,100\n"
    )
    assert found(audited(text)) == [
        ("sum", "Total", "Params (K)"),  # 11176.8
        ("share", "layer4", "Share (%)"),  # 22.7
    ]


def test_no_device_outruns_its_dense_peak(audited):
    """17 400 images of 4.1 G multiply-adds are 142 T operations a second; a V100 has 130."""
    text = "Model,MACs (G),Images/s on V100\nA,4.1,12005\nB,4.1,17405\n"
    (one,) = audited(text)
    assert found([one]) == [("peak", "B", "Images/s on V100")]
    assert found(audited(text, device="A100")) == []
    assert found(audited(text, device="2x V100")) == []
    assert found(audited(text.replace("MACs", "FLOPs"))) == []  # these may be half as much


def test_fewer_multiply_adds_than_half_the_weights_cannot_be(audited):
    """0.012 is 0.0125 at the most, which is less than half of 25.55 M; 0.013 is more.

    Mixtures of experts do not use all weights, and are left out.
    """
    text = "Model,MACs (G),Params (M)\nA,0.012,25.6\nA-MoE,0.012,25.6\nB,0.013,25.6\n"
    (one,) = audited(text)
    assert found([one]) == [("parameters", "A", "MACs (G)")]
    assert one.findings[0].agrees_if_cut  # 0.0129 would be cut to 0.012
    assert "valid if a network uses" in one.findings[0].why


def test_one_network_never_costs_less_at_a_larger_size(audited):
    text = (
        "Model,MACs (G),Params (M)\nViT-B @224,17.6,86.6\nViT-B @384,15.5,86.6\n"
        "ViT-S @224,4.6,22.1\nViT-S @384,15.5,22.1\n"
    )
    assert found(audited(text)) == [("scaling", "ViT-B @384", "MACs (G)")]


@pytest.mark.parametrize(
    "text",
    [
        "Model,Keep ratio,GFLOPs,Top-1\nA,1.0,4.6,79.8\nB,0.7,3.0,79.5\nC,0.5,2.3,78.5\n",
        "Model,MACs (G),Δ MACs (M)\nA,1.814,-\nB,2.5*,+5*\nC,3.9,2086\n",
        "Model,Top-1 Acc (%)\nA,76.1 (0.2)\nB,77.3 (0.1)\nC,78.0 (0.3)\n",
        "Model,MACs (G),Drop path,Gain\nA,1.8,0.1,\nB,3.6,0.2,\n",
        "Model,MACs (G),Δ (M)\nA,2.0,-\nB,1.5,-400\n",
        "Net,FLOPs,Throughput\nA,1.8G,3000\nB,500M,5000\n",
        (
            "Net,image size,#param.,FLOPs,throughput (image / s) on V100\n"
            "DeiT-B,224^2,86M,17.5G,292.3\nDeiT-B,384^2,86M,55.4G,85.9\nSwin-T,224^2,29M,4.5G,755.2\n"
        ),
        (
            "| Keep | Top-1 (%) | img/s | MACs (G) |\n|---|---|---|---|\n"
            "| 1.0 | 79.8 | 2923 | 4.6 |\n"
            "| 0.9 | 79.8 (-0.0) | 3201 (+9.5%) | 4.0 (-13%) |\n"
            "| 0.7 | 79.5 (-0.3) | 4385 (+50%) | 3.0 (-35%) |\n"
            "| 0.5 | 78.5 (-1.3) | 5973 (+104%) | 2.3 (-50%) |\n"
        ),
        (
            "model,gflops,im/s,speed\nDeiT-S,4.6,930,1.0x\nA-ViT,2.9,-,1.4x\n"
            "DynamicViT,2.9,1505,1.6x\nToMe,2.7,1552,1.7x\n"
        ),
        "Model,Acc,Δ\nbase,70.1,-\nx,70.9,+0.8\ny,71.9,+1.0\nz,73.0,+1.1\n",
    ],
    ids=[
        "no delta",
        "marked",
        "deviations",
        "no derived",
        "wide digits",
        "mixed units",
        "sizes",
        "percentages",
        "speeds",
        "steps",
    ],
)
def test_nothing_is_said_where_nothing_is_sure(audited, text):
    """Marks, standard deviations, other ratios, coarse digits and steps give no finding."""
    assert found(audited(text, "t.md" if text.startswith("|") else "t.csv")) == []


def test_rows_are_named_by_their_columns_of_text_alone(tmp_path):
    """What stands in a column of figures is no name, and Markdown's escapes are read."""
    path = tmp_path / "t.md"
    path.write_text(
        "| Net | Kind | MACs (G) | Note |\n|--|--|--|--|\n| a\\_b | x | n.a. | 1 |\n"
        "| &nbsp;c | - | 2 | y |\n| 3 | - | 4 | - |\n"
    )
    (table,) = read_tables(path)
    assert [table.name(row) for row in range(3)] == ["a_b x", "c", "row 3"]


@pytest.mark.parametrize(
    ("printed", "low", "high"),
    [("2.62", "2.615", "2.625"), ("-513", "-513.5", "-512.5"), ("300", "299.5", "300.5"),
     ("940", "939.5", "940.5"), ("0", "-0.5", "0.5"), ("1,234.5", "1234.45", "1234.55")],
)  # fmt: skip
def test_digits_stand_for_what_a_check_takes_them_for(printed, low, high):
    taken = range_of(PrintedFigure(printed))
    assert (taken.low, taken.high) == (Decimal(low), Decimal(high))
    assert taken == interval(printed, "")


ZEROS = "Model,Images/s,Δ Images/s\nbase,300,-\nx,585,+295\n"


def test_zeros_are_digits_unless_the_call_says_that_they_are_not(audited, tmp_path):
    """585 less 300 is 284 to 286; if 300 is 250 to 350 it is 234 to 336."""
    (one,) = audited(ZEROS)
    assert found([one]) == [("difference", "x", "Δ Images/s")]
    assert (one.findings[0].low, one.findings[0].high) == (284, 286)
    assert one.zeros == "digits"
    (table,) = read_tables(tmp_path / "table.csv", "rounded")
    assert (audit(table).findings, audit(table).zeros) == ((), "rounded")


def test_a_figure_that_was_cut_is_a_contradiction_which_says_so(audited):
    """1.999 less 1.000 is cut to 0.99, and rounds to 1.00."""
    text = "Model,MACs (G),Δ MACs (G)\nA,1.0000,-\nB,1.9990,+0.99\nC,2.5000,+1.50\n"
    (one,) = audited(text + "D,3.0000,+2.00\n")
    assert [(each.row, each.agrees_if_cut) for each in one.findings] == [("B", True)]
    (one,) = audited(text.replace("+0.99", "+0.98") + "D,3.0000,+2.00\n")
    assert [(each.row, each.agrees_if_cut) for each in one.findings] == [("B", False)]


def test_cells_are_read_with_their_units_marks_and_asides():
    assert read_cell("113 (1.41×)").aside == PrintedFigure("1.41", "x")
    assert read_cell("−0.5%").figure == PrintedFigure("-0.5", "%")
    assert read_cell("<b>4.1 GFLOPs</b>").figure == PrintedFigure("4.1", "G")
    assert read_cell("3.86\\*").marked
    assert read_cell("3.86†").marked
    for text in ("76.0±0.1", "~4", "224x224", "R-18", ">10", "—"):
        assert read_cell(text).figure is None
    assert read_cell("—").dash


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", "a,b\nx,y\n", r"t\.csv:1: the table has no figures"),
        ("t.csv", "\n1,2\n3,4\n", r"t\.csv:2: the table has no heading row"),
        ("t.csv", "a\n1\n", r"t\.csv:1: the table has no heading row"),
        ("t.md", "# Words\n\n| a | b |\n|--|--|\n| x | y |\n", r"t\.md:3: .* has no figures"),
        ("t.tex", "\n\n\\begin{tabular}{l}a & b\\\\x & y\\end{tabular}", r"t\.tex:3: .* no fig"),
        ("t.html", "<p>\n<table><tr><td>a<td>b</table>", r"t\.html:2: the table has no figures"),
        ("t.md", "| a | b |\n|--|--|\n| x | y |\n\n" * 2, r"t\.md:1: none of 2 tables has"),
        ("t.csv", "a,b\nx," + "1" * 200_000, r"t\.csv:2: the row cannot be read as CSV: field l"),
        ("t.csv", "a,b\nx,1\ny,3,151\n", r"t\.csv:3: the row has 3 cells, and there are 2 head"),
        ("t.md", "words only\n", "holds no table"),
        ("t.tex", "\\begin{tabular}", "holds no table"),
        ("t.xlsx", "x", r"expected a file that ends in one of \.csv, .*, got '\.xlsx'"),
        ("t.csv", "a,b\n" + "x,1\n" * 1001, "give at most 1,000 rows"),
        ("t.csv", "a,b\n" + "x,1\n" * 600_000, "give a smaller file"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(audited, name, text, said):
    with pytest.raises(BadInput, match=said):
        audited(text, name)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(BadInput, match="not a text file in UTF-8"):
        read_tables(path)


def test_the_command_ends_with_1_where_figures_contradict_each_other(vtbench):
    ended = vtbench("audit", str(TABLE_1))
    assert ended.status == 1
    assert "AA-R-34  Δ MACs (M)     −224 M  −119.5 to −108.5  3.55 G against 3.664 G" in ended.out
    assert "would fit R-18 + SE or R-18 + CBAM if" in ended.out


def test_the_json_holds_both_figures(vtbench):
    (one,) = json.loads(vtbench("audit", str(TABLE_1), "--format", "json").out)["results"]
    assert set(one) == {
        "title", "id", "line", "zeros", "zeros_of", "findings", "checks", "not_compared"
    }  # fmt: skip
    first = one["findings"][0]
    assert (first["printed"], first["low"], first["high"]) == ("-224 M", -119.5, -108.5)
    assert first["stands_for"] == [-224.5, -223.5]
    assert first["of"] == "3.55 G against 3.664 G (R-34)"


def test_the_command_ends_with_0_or_2_where_there_is_nothing_to_find(vtbench, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Model,MACs (G),Δ MACs (G)\nA,4.10,-\nB,2.05,-2.05\n")
    assert vtbench("audit", str(path)).status == 0
    path.write_text("Model,Score\nA,4.10\nB,2.05\n")
    ended = vtbench("audit", str(path))
    assert (ended.status, "no column is known to follow" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.csv"], "cannot be read: no such file"),
        ([str(TABLE_1), "--hardware", "Z80"], "--hardware: expected one of P100"),
        ([str(TABLE_1), "--output", "nowhere/x.md"], "does not exist"),
    ],
)
def test_mistakes_end_with_2_and_one_sentence(vtbench, arguments, said):
    ended = vtbench("audit", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_an_audit_imports_no_torch(process):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from vtbench.claims.audit import audit, read_tables\n"
        f"[audit(t) for t in read_tables(Path({str(TABLE_1)!r}))]\n"
        "print([n for n in ('torch', 'timm', 'numpy', 'pandas') if n in sys.modules])"
    )
    assert process("-c", code).out == "[]\n"


def test_a_page_in_html_is_read_as_it_looks(audited, read):
    """Cells that span others stand in each place; a cell or a row need not be closed."""
    text = (
        "<!doctype html><h1>Results</h1>\n<table border=1>\n"
        "<caption>Nets &amp; <b>costs</b></caption>\n"
        "<tr><th rowspan=2>Model<th colspan='2'>MACs (G)</tr>\n<tr><th>whole<th>&Delta;</tr>\n"
        "<tbody><tr><td rowspan=2>R<td>4.10<br>G<td>&ndash;</tr>\n"
        "<tr><td>2.05</td><td>&minus;2.50</td></tr>\n"
        "<tr><td>S</td><td><i>1.10</i></td><td>-3.00<sup>&dagger;</sup><table><tr><td></table></tr>"
        "\n<tr><td>T</td><td>1.00</td><td>-3.10</td></tr></table>\n<p>end"
    )
    (table,) = read(text)
    assert (table.title, table.line) == ("Nets & costs", 2)
    assert table.heads == ("Model", "MACs (G) whole", "MACs (G) Δ")
    assert [table.name(row) for row in range(4)] == ["R", "R", "S", "T"]
    assert table.rows[0][1].figure == PrintedFigure("4.10", "G")
    assert table.rows[2][2].marked
    (one,) = audited(text, "t.html")
    assert found([one]) == [("difference", "R", "MACs (G) Δ")]


@pytest.mark.parametrize("span", ["0", "-1", "x", "9" * 5000, "1000000"])
def test_a_cell_spans_a_sane_number_of_others(read, span):
    text = f"<table><tr><th>a<th colspan={span}>b<tr><td rowspan={span}>x<td>1<tr><td>2</table>"
    (table,) = read(text)
    assert len(table.heads) == 2


def test_long_digits_are_no_figure():
    """And no error: they stand for no number that a table prints."""
    assert read_cell("1" * 41).figure is None
    assert read_cell("1 (" + "1" * 41 + ")").figure is None
    assert read_cell("1" * 40).figure is not None
