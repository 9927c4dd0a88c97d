"""Suites, claims' arithmetic, printed cells and printed tables that were tampered with."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tampered import DEEP, edited, outcome, tried

from vtbench.claims.audit import audit, tables_named
from vtbench.claims.audit.cells import read_cell
from vtbench.claims.audit.printed import range_of
from vtbench.claims.judge import judge
from vtbench.claims.suite import read_suite
from vtbench.claims.suite.formulas import interval_of, names_in, polynomial, refuse_no_arithmetic
from vtbench.claims.suite.interval import Interval, interval, number
from vtbench.data.polynomial import spelled
from vtbench.errors import UsageError
from vtbench.report import Rendering
from vtbench.report.audited import audit_document
from vtbench.report.checking import check_document
from vtbench.report.render import render
from vtbench.report.table import Column, Table

SUITE = """[suite]
title = "Small nets"
source = "a test"

[search]
resolution = [192, 224]

[[table]]
id = "t"
where = "Table 1"
[table.columns]
macs = { metric = "macs", unit = "G" }
d_macs = { kind = "difference", metric = "macs", unit = "M" }
top1 = { unit = "%", needs = "weights" }
[[table.row]]
id = "r18"
workload = { model = "resnet18", options = { depth = 2 } }
macs = { printed = "1.333", expect = "fails", why = "It was counted at 192." }
top1 = "69.76"
[[table.row]]
id = "r34"
workload = { model = "resnet34" }
macs = "2.692"
d_macs = { printed = "1359", of = "macs - r18.macs", relation = "at_most" }

[[claim]]
id = "grows"
where = "Section 2"
kind = "arithmetic"
printed = "2.0"
unit = "x"
of = "t.r34.macs / t.r18.macs"
"""
SHAPES = ("table", "json", "csv", "markdown", "latex")


def read_and_judged(path) -> None:
    verdicts = judge([read_suite(path)], {})
    for shape in (*SHAPES, "junit", "github"):
        check_document(verdicts, Rendering(format=shape))


def test_the_suite_is_sound(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(SUITE)
    read_and_judged(path)


def test_suites_that_were_tampered_with_are_refused_or_judged(tmp_path):
    path = tmp_path / "small.toml"
    values = ("1e308", "nan", "-inf", "9" * 5_000, "true", '"1e400"', "0", "-1", "{}", "[[]]", '""')
    lines = SUITE.splitlines()
    spots = [n for n, line in enumerate(lines) if " = " in line]

    def swapped(spot: int, text: str) -> str:
        key = lines[spot].partition(" = ")[0]
        return "\n".join([*lines[:spot], f"{key} = {text}", *lines[spot + 1 :]])

    @tried(120)
    @given(
        text=st.one_of(
            edited(SUITE), st.builds(swapped, st.sampled_from(spots), st.sampled_from(values))
        )
    )
    def tampered(text):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        outcome(UsageError, read_and_judged, path)

    tampered()


@pytest.mark.parametrize("deep", ["[" * DEEP + "]" * DEEP, "{a=" * DEEP + "1" + "}" * DEEP])
def test_a_suite_that_is_nested_deeply_is_refused(tmp_path, deep):
    path = tmp_path / "deep.toml"
    path.write_text(f"x = {deep}\n")
    with pytest.raises(UsageError, match=r"deep\.toml"):
        read_suite(path)


EXPRESSION = st.recursive(
    st.one_of(
        st.sampled_from(["t.a.macs", "b", "0", "1", "2.5", "1e60", "1e-60", "1e61", "9" * 50]),
        st.integers(0, 10**6).map(str),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(st.sampled_from(["abs", "min", "max"]), inner).map(lambda p: f"{p[0]}({p[1]})"),
        inner.map("-{}".format),
    ),
    max_leaves=12,
)
RANGES = {"t.a.macs": Interval(Decimal(1), Decimal(2)), "b": Interval(Decimal(-3), Decimal(3))}


@tried(200)
@given(text=st.one_of(EXPRESSION, EXPRESSION.flatmap(edited)))
def test_arithmetic_over_claims_has_a_range_or_is_refused(text):
    def use():
        refuse_no_arithmetic(text)
        if set(names_in(text)) <= RANGES.keys():
            return interval_of(text, RANGES)
        return None

    found = outcome(UsageError, use)
    if found is not None:
        assert found.low <= found.high


@tried(200)
@given(text=st.one_of(EXPRESSION, EXPRESSION.flatmap(edited)).map(lambda t: t.replace(".", "")))
def test_a_polynomial_is_read_as_it_is_spelled(text):
    found = outcome(UsageError, polynomial, text)
    if found is not None and len(spelled(found)) <= 400:
        assert dict(polynomial(spelled(found))) == dict(found)


@tried(200)
@given(
    value=st.decimals(-(10**12), 10**12, places=3, allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(["", "K", "G", "%", "MB"]),
)
def test_a_printed_number_is_read_as_it_was_printed(value, unit):
    for text in (f"{value:f}", f"{value:,f}", f"{value:,f}".replace("-", "−")):
        assert number(text) == value
        held = interval(text, unit)
        assert held.low < held.high
    cell = read_cell(f"{value:,f}{unit if unit in ('K', 'G', '%') else ''}")
    assert number(cell.figure.printed) == value


@tried(200)
@given(
    text=st.one_of(
        st.text(max_size=30),
        st.lists(
            st.sampled_from(["1", ",", ".", "9" * 41, "e", "-", "−", "×", "G", "(", ")", "*", "†",
                             " ", "%", "٣", "²", "\\*", "<b>", "~"]), max_size=12,
        ).map("".join),
    )
)  # fmt: skip
def test_any_cell_is_a_figure_or_a_text(text):
    cell = read_cell(text)
    for figure in filter(None, (cell.figure, cell.aside)):
        outcome(UsageError, range_of, figure)


TABLE = Table(
    title="Models",
    columns=(Column(head="model", align="left"), Column(head="MACs (G)"), Column(head="ΔMACs (G)")),
    rows=(("a_1|<b>", "1,814.5", "—"), ("*b*", "3.66", "−1.84"), ("c & d", "5", "+3.2")),
)
ENDINGS = {"csv": ".csv", "markdown": ".md", "latex": ".tex"}


@pytest.mark.parametrize("style", ENDINGS)
def test_tables_that_we_write_are_read_again(tmp_path, style):
    path = tmp_path / f"table{ENDINGS[style]}"
    path.write_text(render([TABLE], style), encoding="utf-8")
    (found,) = tables_named(str(path))
    figures = [[found.figure(row, place) for place in (1, 2)] for row in range(3)]
    assert [[figure and figure.printed for figure in row] for row in figures] == [
        ["1,814.5", None],
        ["3.66", "-1.84"],
        ["5", "+3.2"],
    ]
    if style == "csv":
        assert [found.name(row) for row in range(3)] == ["a_1|", "*b*", "c & d"]


@pytest.mark.parametrize("style", [*ENDINGS, "html"])
def test_tables_that_were_tampered_with_are_refused_or_audited(tmp_path, style):
    path = tmp_path / f"table{ENDINGS.get(style, '.html')}"

    def use():
        found = [audit(table) for table in tables_named(str(path))]
        for shape in SHAPES:
            audit_document(found, Rendering(format=shape))

    @tried(60)
    @given(text=edited(render([TABLE], style)))
    def tampered(text):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        outcome(UsageError, use)

    tampered()
