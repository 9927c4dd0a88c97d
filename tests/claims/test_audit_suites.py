"""The audit of suites: their tables are read as printed, and figures mean what a check takes."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from vtbench.claims.audit import audit, suite_tables, tables_named
from vtbench.claims.audit.printed import range_of
from vtbench.claims.judge import judge
from vtbench.claims.suite import Interval
from vtbench.claims.suite.files import find, shipped
from vtbench.errors import BadInput, BadSuite

HEADER = '[suite]\ntitle = "t"\nsource = "s"\nhardware = "V100"\n'
SPEEDS = (
    HEADER
    + """
[[table]]
id = "t1"
where = "Table 1"
[table.columns]
macs = { metric = "macs", unit = "G" }
speed = { metric = "throughput", unit = "img/s" }
gain = { kind = "difference", metric = "throughput", unit = "img/s" }
faster = { kind = "ratio", metric = "throughput", unit = "x" }
note = { needs = "undefined" }

[[table.row]]
id = "base"
where = "row Base"
needs = "not-implemented"
macs = "4.1"
speed = "300"

[[table.row]]
id = "ours"
needs = "not-implemented"
macs = "2.0"
speed = "585"
gain = { printed = "295", of = "speed - base.speed" }
faster = { printed = "1.95", of = "speed / base.speed" }

[[table.row]]
id = "half"
needs = "not-implemented"
macs = "1.0"
speed = "900"
gain = { printed = "600", of = "speed - base.speed" }
faster = { printed = "4.0", of = "2 * t1.half.speed / t1.ours.speed / 0.77" }

[[table.row]]
id = "last"
needs = "not-implemented"
speed = "100"
faster = { printed = "25", of = "speed / text.other.speed" }

[[claim]]
id = "text.other.speed"
where = "text"
printed = "4"
unit = "img/s"
metric = "throughput"
needs = "not-implemented"
"""
)


@pytest.fixture
def suite(tmp_path):
    """A suite by its text, and its audits."""

    def call(text: str, zeros=None):
        path = tmp_path / "nets.toml"
        path.write_text(text, encoding="utf-8")
        return [audit(table) for table in tables_named(str(path), zeros)]

    return call


def found(audits):
    return [(each.kind, each.row, each.column) for one in audits for each in one.findings]


def test_derived_cells_are_held_against_the_rows_that_the_suite_names(suite):
    """585 less 300 is 284 to 286 and not 295; what another text prints is no cell of the table."""
    (one,) = suite(SPEEDS)
    assert (one.id, one.title, one.line) == ("nets.t1", "Table 1", 6)
    assert found([one]) == [("difference", "ours", "gain")]
    assert one.findings[0].of == "585 img/s against 300 img/s (Base)"
    assert (one.findings[0].low, one.findings[0].high) == (284, 286)
    assert [(each.kind, each.checked, each.contradicted) for each in one.checks] == [
        ("difference", 2, 1), ("ratio", 2, 0), ("peak", 3, 0)]  # fmt: skip
    assert [(each.column, each.rows, each.reason) for each in one.not_compared] == [
        ("speed", ("last",), "no_rule"),
        ("faster", ("last",), "elsewhere"),
        ("note", (), "no_figures"),
    ]


def test_the_device_of_a_suite_bounds_its_throughput(suite):
    """34,000 images of 2.0 G multiply-adds are more than 130 T operations a second."""
    (one,) = suite(SPEEDS.replace('"585"', '"34000"'))
    assert ("peak", "ours", "speed") in found([one])
    (one,) = suite(SPEEDS.replace('"585"', '"34000"').replace('"V100"', '"A100"'))
    assert ("peak", "ours", "speed") not in found([one])


def test_zeros_are_what_the_suite_says_unless_the_call_says_something_else(suite):
    speeds = 'metric = "throughput", unit = "img/s" }'
    rounded = SPEEDS.replace(speeds, speeds.replace(" }", ', zeros = "rounded" }'), 1)
    (one,) = suite(rounded)
    assert (found([one]), one.zeros, one.zeros_of) == ([], "digits", {"speed": "rounded"})
    everywhere = SPEEDS.replace('source = "s"', 'source = "s"\nzeros = "rounded"')
    (one,) = suite(everywhere)
    assert (found([one]), one.zeros, one.zeros_of) == ([], "rounded", {})
    (one,) = suite(everywhere, "digits")
    assert (found([one]), one.zeros) == ([("difference", "ours", "gain")], "digits")


def test_stages_and_doubled_operations_are_held_against_no_bound(suite):
    """A stage may have fewer MACs than the model has parameters."""
    text = HEADER + (
        '[[table]]\nid = "t"\nwhere = "T"\n[table.columns]\n'
        'macs = { metric = "macs", unit = "M" }\nparams = { metric = "params", unit = "M" }\n'
        '[[table.row]]\nid = "a"\nneeds = "not-implemented"\nmacs = "3"\nparams = "25"\n'
    )
    assert found(suite(text)) == [("parameters", "a", "macs")]
    assert found(suite(text.replace('unit = "M" }', 'unit = "M", stages = ["x"] }', 1))) == []
    doubled = text.replace('unit = "M" }', 'unit = "M", convention = "double" }', 1)
    path = found(suite(doubled))
    assert path == [("parameters", "a", "macs")]  # twice as many would have to be even more


def test_plain_counts_of_a_suite_have_a_known_unit(suite):
    """Parameters that are printed one by one; a heading without a unit would not say so."""
    text = HEADER + (
        '[[table]]\nid = "t"\nwhere = "T"\n[table.columns]\n'
        'macs = { metric = "macs", unit = "G" }\nparams = { metric = "params" }\n'
        '[[table.row]]\nid = "a"\nneeds = "not-implemented"\nmacs = "0.5"\nparams = "900"\n'
    )
    (one,) = suite(text)
    assert [(check.kind, check.checked) for check in one.checks] == [("parameters", 1)]
    assert one.not_compared == ()


@pytest.mark.parametrize("name", ["vt_v3", "vt_v4", "sparseformer", "torchvision"])
def test_an_audit_contradicts_a_cell_where_a_check_of_the_printed_figures_does(name):
    """Both take the same interval of a figure, so the twins of all cells are judged alike."""
    (suite,) = find([name])
    verdicts = {each.claim.id: each for each in judge([suite], {})}
    for table in suite_tables(suite):
        judged = {}
        for (row, place), arithmetic in table.arithmetic.items():
            twins = [
                verdict
                for id_, verdict in verdicts.items()
                if id_.startswith(f"{table.id}.")
                and id_.endswith(f".{table.heads[place]}.printed")
                and verdict.claim.where in (f"{table.title}, row {table.name(row)}",
                                            f"{table.title}, {table.name(row)}")
            ]  # fmt: skip
            if arithmetic is not None:
                assert len(twins) == 1
                judged[table.name(row), table.heads[place]] = twins[0].verdict == "holds"
        one = audit(table)
        derived = {(each.row, each.column) for each in one.findings if (each.row, each.column)
                   in judged}  # fmt: skip
        assert derived == {place for place, holds in judged.items() if not holds}
        assert sum(each.checked for each in one.checks if "suite" in each.rule) == len(judged)


def test_the_tables_of_a_paper_hold_its_two_known_slips_and_no_others():
    audits = [audit(table) for table in tables_named("vt_v3")]
    assert [one.id for one in audits] == ["vt_v3.t1", "vt_v3.t2", "vt_v3.t3", "vt_v3.t4"]
    assert found(audits) == [
        ("difference", "AA-R-34", "d_macs"),
        ("difference", "LR-R-18", "d_params"),
    ]
    macs, params = audits[0].findings
    assert (macs.low, macs.high) == (Decimal("-119.5"), Decimal("-108.5"))
    assert params.fits == ("R-18 + SE", "R-18 + CBAM")
    ratios = [(each.kind, each.checked) for each in audits[3].checks]
    assert ratios == [("ratio", 4), ("ratio", 4)]


@pytest.mark.parametrize("name", ["vt_v3", "vt_v4", "sparseformer", "torchvision"])
def test_every_cell_takes_the_interval_of_its_claim(name):
    (suite,) = find([name])
    taken = {}
    for table in suite_tables(suite):
        for row in range(len(table.rows)):
            for place in range(1, len(table.heads)):
                figure = table.figure(row, place)
                if figure is not None:
                    taken.setdefault(table.id, []).append(range_of(figure))
    for table, ranges in taken.items():
        cells = [claim for claim in suite.claims if claim.id.startswith(f"{table}.")]
        own = [claim.interval for claim in cells if not claim.id.endswith(".printed")]
        assert sorted(map(str, ranges)) == sorted(map(str, own))
    assert sum(map(len, taken.values())) > 30


def test_what_words_widen_is_no_plain_figure(suite, monkeypatch):
    """A claim whose interval is not that of its digits is left over."""
    from vtbench.claims.audit import suites

    (plain,) = suite(SPEEDS)
    assert plain.checks
    monkeypatch.setattr(suites, "interval", lambda *_, **__: Interval(Decimal(0), Decimal(1)))
    (one,) = suite(SPEEDS)
    assert one.checks == ()
    assert one.not_compared[0].reason == "no_figures"


def test_the_command_audits_a_suite_by_its_name_and_by_its_file(vtbench, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    named = vtbench("audit", "vt_v3")
    assert named.status == 1
    assert "vt_v3.t1: Table 1\nA figure stands for all values that round to it;" in named.out
    assert "AA-R-34  d_macs     −224 M  −119.5 to −108.5  3.55 G against" in named.out
    assert vtbench("audit", str(shipped()["vt_v3"])).out == named.out
    results = json.loads(vtbench("audit", "vt_v3", "--format", "json").out)["results"]
    assert [(each["id"], len(each["findings"])) for each in results] == [
        ("vt_v3.t1", 2), ("vt_v3.t2", 0), ("vt_v3.t3", 0), ("vt_v3.t4", 0)]  # fmt: skip
    path = tmp_path / "nets.toml"
    path.write_text(SPEEDS, encoding="utf-8")
    assert vtbench("audit", str(path)).status == 1
    assert vtbench("audit", str(path), "--zeros", "rounded").status == 0


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (HEADER + '[[claim]]\nid = "x"\nwhere = "w"\nprinted = "1"\n', BadInput,
         r"nets\.toml: table: expected at least one \[\[table\]\]; the suite has 1 "),
        (SPEEDS.replace('"4.1"', '"four"'), BadSuite, r"nets\.toml:20: t1\.base\.macs: 'four'"),
        (SPEEDS.replace('unit = "G"', 'unit = "Z"'), BadSuite, "found 'Z'"),
        ("[suite", BadSuite, "not a TOML file"),
    ],
)  # fmt: skip
def test_a_suite_that_cannot_be_read_is_refused_with_its_line(suite, text, error, said):
    with pytest.raises(error, match=said):
        suite(text)


def test_a_name_of_no_suite_is_refused_with_the_nearest(vtbench):
    ended = vtbench("audit", "vt_v33")
    assert (ended.status, ended.out) == (2, "")
    assert "There is no suite 'vt_v33' and no such file. Did you mean vt_v3" in ended.err
