"""Printed digits, arithmetic over them, and suite files: what is read, and every mistake."""

from decimal import Decimal
from pathlib import Path

import pytest

from vtbench.claims.judge.conventions import MACS, PARAMETERS
from vtbench.claims.suite import Interval, interval, read_suite
from vtbench.claims.suite.formulas import interval_of, refuse_no_arithmetic, value_of
from vtbench.claims.suite.types import CONVENTIONS
from vtbench.data.workload import Workload
from vtbench.errors import BadSuite

HEADER = """
[suite]
title = "A paper"
source = "nowhere"
conventions = { macs = "full", params = "weights_only" }
"""
TABLE = """
[[table]]
id = "t1"
where = "Table 1"

[table.columns]
macs = { metric = "macs", unit = "G" }
d_macs = { kind = "difference", metric = "macs", unit = "M" }

[[table.row]]
id = "small"
workload = { model = "resnet18" }
macs = "1.814"
"""


def suite_file(folder: Path, text: str, name: str = "paper.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder: Path, text: str) -> list[str]:
    """The sentences about a suite file, without the folder in front of its name."""
    path = suite_file(folder, text)
    with pytest.raises(BadSuite) as raised:
        read_suite(path)
    return [line.removeprefix(f"{folder}/") for line in str(raised.value).splitlines()]


def line_of(text: str, part: str) -> int:
    """The line of a text on which a part stands, from 1."""
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("printed", "unit", "way", "low", "high"),
    [
        ("3.151", "G", "round", "3150500000", "3151500000"),
        ("3.151", "G", "truncate", "3151000000", "3152000000"),
        ("159", "G", "round", "158500000000", "159500000000"),
        ("-513", "M", "round", "-513500000", "-512500000"),
        ("−513", "M", "truncate", "-514000000", "-513000000"),
        ("-0", "M", "truncate", "-1000000", "0"),
        ("+0", "M", "truncate", "0", "1000000"),
        ("0", "", "round", "-0.5", "0.5"),
        ("1.20", "x", "round", "1.195", "1.205"),
        ("61,100,840", "", "round", "61100839.5", "61100840.5"),
        ("2e3", "", "round", "1500", "2500"),
        ("~4.5", "%", "round", "4.45", "4.55"),
    ],
)
def test_printed_digits_stand_for_what_rounds_or_is_cut_to_them(printed, unit, way, low, high):
    assert interval(printed, unit, way) == Interval(Decimal(low), Decimal(high))


@pytest.mark.parametrize("printed", ["", "abc", "1.2.3", "nan", "inf", "1e999", "9" * 50, "1/2"])
def test_what_is_no_number_is_refused(printed):
    with pytest.raises(BadSuite):
        interval(printed, "")


@pytest.mark.parametrize(
    ("printed", "way", "low", "high"),
    [
        ("300", "round", "250", "350"),
        ("300", "truncate", "300", "400"),
        ("940", "round", "935", "945"),
        ("1,000", "round", "500", "1500"),
        ("−1,200", "round", "-1250", "-1150"),
        ("+20", "round", "15", "25"),
        ("585", "round", "584.5", "585.5"),
        ("2.50", "round", "2.495", "2.505"),
        ("300.0", "round", "299.95", "300.05"),
        ("0", "round", "-0.5", "0.5"),
    ],
)
def test_zeros_that_are_no_digits_leave_room_for_what_was_rounded(printed, way, low, high):
    """Zeros after a decimal point are digits: nobody has to print them."""
    found = interval(printed, "", way, "rounded")
    assert found == Interval(Decimal(low), Decimal(high))


def test_a_suite_says_of_a_column_or_of_all_whether_zeros_are_digits(tmp_path):
    row = (
        '\n[[table.row]]\nid = "large"\nmacs = "1500"\nd_macs = { printed = "300", of = "macs" }\n'
    )
    single = '\n[[claim]]\nid = "one"\nwhere = "here"\nprinted = "20"\nunit = "%"\n'
    single += 'of = "t1.large.macs"\nkind = "ratio"\n'
    text = HEADER + TABLE + row + single

    def ends(said: str) -> dict[str, tuple[int, int]]:
        claims = read_suite(suite_file(tmp_path, said)).claims
        wanted = ("t1.large.macs", "t1.large.d_macs", "one")
        found = {claim.id.partition(".")[2]: claim for claim in claims}
        return {name: tuple(map(float, (found[name].low, found[name].high))) for name in wanted}

    assert ends(text) == {
        "t1.large.macs": (1499.5e9, 1500.5e9),
        "t1.large.d_macs": (299.5e6, 300.5e6),
        "one": (19.5, 20.5),
    }
    everywhere = text.replace('source = "nowhere"', 'source = "nowhere"\nzeros = "rounded"')
    assert ends(everywhere) == {
        "t1.large.macs": (1450e9, 1550e9),
        "t1.large.d_macs": (250e6, 350e6),
        "one": (15, 25),
    }
    but_one = everywhere.replace('unit = "G" }', 'unit = "G", zeros = "digits" }')
    assert ends(but_one)["t1.large.macs"] == (1499.5e9, 1500.5e9)
    assert ends(but_one)["t1.large.d_macs"] == (250e6, 350e6)
    alone = text.replace('printed = "20"', 'printed = "20"\nzeros = "rounded"')
    assert ends(alone)["one"] == (15, 25)
    assert ends(alone)["t1.large.macs"] == (1499.5e9, 1500.5e9)


def test_another_word_for_zeros_is_a_mistake_with_its_line(tmp_path):
    text = HEADER.replace('source = "nowhere"', 'source = "nowhere"\nzeros = "none"') + TABLE
    (said,) = mistakes(tmp_path, text)
    assert said.startswith(f"paper.toml:{line_of(text, 'zeros')}: zeros: ")
    assert "'none'" in said


def test_ends_of_an_interval_belong_to_it():
    assert interval("1.5", "").holds(Decimal("1.45"))
    assert interval("1.5", "").holds(Decimal("1.55"))
    assert not interval("1.5", "").holds(Decimal("1.5500001"))


RANGES = {"a": Interval(Decimal(1), Decimal(2)), "b": Interval(Decimal(-3), Decimal(4))}


@pytest.mark.parametrize(
    ("expression", "low", "high"),
    [
        ("a + b", 1 - 3, 2 + 4),
        ("a - b", 1 - 4, 2 + 3),
        ("a * b", 2 * -3, 2 * 4),
        ("b / a", -3, 4),
        ("-b", -4, 3),
        ("abs(b)", 0, 4),
        ("abs(a)", 1, 2),
        ("max(a, b)", 1, 4),
        ("min(a, b, 0)", -3, 0),
        ("2 * (a - 0.5)", 1, 3),
    ],
)
def test_arithmetic_over_ranges_covers_every_value(expression, low, high):
    assert interval_of(expression, RANGES) == Interval(Decimal(low), Decimal(high))


def test_arithmetic_over_values_is_exact():
    found = value_of("s.a.b / s.c - 1", {"s.a.b": Decimal(3), "s.c": Decimal(2)})
    assert found == Decimal("0.5")


def test_a_division_by_what_may_be_zero_is_refused():
    with pytest.raises(BadSuite, match="may be zero"):
        interval_of("a / b", RANGES)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')", "a if b else c", "a ** 9999999", "[a]", "lambda: a",
        "a.b()", "open('x')", "max(a, key=b)", "max()", "abs(a, b)", "'a'", "True", "a <", "",
        "a " + "+ a" * 400, "-" * 700 + "a", "(" * 500 + "a",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused_and_never_run(expression):
    with pytest.raises(BadSuite):
        refuse_no_arithmetic(expression)


def test_a_table_becomes_claims(tmp_path):
    suite = read_suite(suite_file(tmp_path, HEADER + TABLE))
    (claim,) = suite.claims
    assert claim.id == "paper.t1.small.macs"
    assert claim.where == "Table 1, small"
    assert (claim.low, claim.high) == (1_813_500_000, 1_814_500_000)
    assert claim.workload == Workload(model="resnet18", resolution=(224, 224))
    assert (claim.column, claim.convention) == ("paper.t1.macs", "full")


def test_a_derived_figure_has_a_twin_that_is_held_against_the_printed_ones(tmp_path):
    text = HEADER + TABLE + 'd_macs = { printed = "0", of = "macs - small.macs" }\n'
    derived, twin = read_suite(suite_file(tmp_path, text)).claims[1:]
    assert derived.expression == "paper.t1.small.macs - paper.t1.small.macs"
    assert (twin.id, twin.kind) == ("paper.t1.small.d_macs.printed", "arithmetic")


def test_names_are_of_the_row_the_table_the_suite_or_a_quantity(tmp_path):
    text = (
        HEADER
        + TABLE
        + 'd_macs = { printed = "0", of = "macs + small.macs + t1.small.macs + s5.small" }\n'
        + '[[quantity]]\nid = "s5.small"\nmetric = "macs"\n'
        + 'workload = { model = "resnet18" }\nstages = ["layer4"]\n'
    )
    suite = read_suite(suite_file(tmp_path, text))
    assert suite.claims[1].expression == " + ".join(
        [*["paper.t1.small.macs"] * 3, "paper.s5.small"]
    )
    assert suite.quantities[0].stages == ("layer4",)


def test_a_figure_that_follows_from_quantities_alone_has_no_twin(tmp_path):
    text = (
        HEADER
        + TABLE
        + 'd_macs = { printed = "0", of = "s5 - s5" }\n'
        + '[[quantity]]\nid = "s5"\nmetric = "macs"\nworkload = { model = "resnet18" }\n'
    )
    assert len(read_suite(suite_file(tmp_path, text)).claims) == 2


def test_own_size_and_pairs_and_fixed_options(tmp_path):
    text = HEADER + TABLE.replace('"resnet18" }', '"a", resolution = "own", fixed = ["tokens"] }')
    (claim,) = read_suite(suite_file(tmp_path, text)).claims
    assert (claim.workload.resolution, claim.fixed) == (None, ("tokens",))
    text = HEADER + TABLE.replace('"resnet18" }', '"a", resolution = [800, 1216] }')
    (claim,) = read_suite(suite_file(tmp_path, text)).claims
    assert claim.workload.resolution == (800, 1216)


# What is wrong, written over or after a good suite; the line it stands on; what is said of it.
WRONG = {
    "unknown field": ("[suite]", "[suite]\ntitel = 3", "titel", "titel: there is no such field"),
    "missing field": ('title = "A paper"', "", "[suite]", "title: this field is missing"),
    "wrong type": ('source = "nowhere"', "source = 3", "source", "expected str, got int"),
    "wrong type in a table": ('where = "Table 1"', "where = 1", "where = 1", "expected str"),
    "unknown column": ('macs = "1.814"', 'mac = "1.814"', "mac =", "has no column 'mac'; it has"),
    "digits without quotes": ('macs = "1.814"', "macs = 1.814", "macs = 1.814", "in quotes"),
    "no number": ('"1.814"', '"1.8l4"', "1.8l4", "'1.8l4' is not a number"),
    "impossible number": ('"1.814"', '"1e999"', "1e999", "is too long or too large"),
    "unknown unit": ('unit = "G" }', 'unit = "Q" }', 'macs = "1.814"', "unit: expected one of "),
    "unknown metric": ('metric = "macs", unit = "G"', 'metric = "mac"', "[table.columns]",
                       "columns.macs.metric: there is no 'mac'"),
    "unknown convention": ('macs = "full"', 'macs = "fool"', 'macs = "1.814"',
                           "'fool' is not a convention for macs; choose one of full, double"),
    "unknown kind": ('kind = "difference"', 'kind = "delta"', "[table.columns]",
                     "columns.d_macs.kind: there is no 'delta'"),
    "negative size": ('"resnet18" }', '"resnet18", resolution = -1 }', 'macs = "1.814"',
                      "sizes and batch sizes must be positive"),
    "zero batch": ('"resnet18" }', '"resnet18", batch_size = 0 }', 'macs = "1.814"', "positive"),
    "wrong mode": ('"resnet18" }', '"resnet18", mode = "test" }', "workload =", "workload.mode"),
    "unknown workload field": ('"resnet18" }', '"resnet18", size = 3 }', "workload =", "size"),
    "expectation without why": ('"1.814"', '{ printed = "1.814", expect = "close" }', "expect =",
                                "without a reason; add a `why`"),
    "by what, of a figure that holds": ('"1.814"', '{ printed = "1.814", by = "double" }', "by =",
                                        "has a `by`, which a claim that holds does not take"),
    "unknown expectation": ('"1.814"', '{ printed = "1.814", expect = "true" }', "expect =",
                            "expect: there is no"),
    "arithmetic without of": ('macs = "1.814"', 'd_macs = "3"', 'd_macs = "3"', "needs arithmetic"),
    "of that reads as itself": ('"1.814"', '{ printed = "1", of = "t1.small.macs" }', "of =",
                                "follows from itself"),
    "unknown name": ('"1.814"', '"1.814"\nd_macs = { printed = "3", of = "macs - large.macs" }',
                     "d_macs = { p", "there is no claim paper.t1.large.macs"),
    "follows from itself": ('"1.814"', '"1.814"\nd_macs = { printed = "3", of = "d_macs + 1" }',
                            "d_macs = { p", "follows from itself"),
    "code for arithmetic": ('"1.814"', '"1.8"\nd_macs = { printed = "3", of = "exit(1)" }',
                            "d_macs = { p", "is not arithmetic over claims"),
    "reserved id": ('id = "small"', 'id = "lambda"', 'macs = "1.814"', "reserved word"),
    "id that is no name": ('id = "small"', 'id = "a b"', 'macs = "1.814"',
                           "an id consists of letters"),
    "a list for a table": ('[[table.row]]\nid = "small"', "[table.row]", "[table.row]",
                           "row: expected [[row]] tables"),
    "unknown top level": (HEADER, HEADER + "[tables]\nx = 1\n", "[tables]",
                          "tables: there is no such field"),
    "search that is no list": (HEADER, HEADER + "[search]\ntokens = 8\n", "tokens = 8",
                               "expected a table with keys, found 8"),
    "size that is none": (HEADER, HEADER + "[search]\nresolution = [0]\n", "resolution =",
                          "search.resolution: expected positive whole numbers"),
    "mode that is none": (HEADER, HEADER + '[search]\nmode = ["test"]\n', "mode =",
                          "search.mode: expected 'eval' or"),
    "fit of nothing": (HEADER, HEADER + '[[fitted]]\nchoice = "c"\nclaims = ["t2.*"]\n'
                       'deduced_from = ["t1.*"]\n', "[[fitted]]", "no claim matches 't2.*'"),
    "no claims": (TABLE, "", "\n", "The suite holds no claim"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_sentence_with_file_line_and_field(tmp_path, case):
    good, bad, place, said = WRONG[case]
    text = HEADER + TABLE
    assert text.count(good) >= 1
    text = text.replace(good, bad, 1)
    (sentence,) = mistakes(tmp_path, text)
    assert sentence.startswith(f"paper.toml:{line_of(text, place)}: ")
    assert said in sentence


def test_all_mistakes_are_named_at_once(tmp_path):
    text = HEADER.replace('"A paper"', "7").replace("source", "sauce") + TABLE
    text = text.replace('"1.814"', '"?"') + '[[claim]]\nid = "x"\n'
    said = mistakes(tmp_path, text)
    assert [sentence.split(": ", 1)[1] for sentence in said] == [
        (
            "sauce: there is no such field; use one of title, source, source_kind, resolution, "
            "conventions, zeros, hardware, conditions."
        ),
        "title: expected str, got int.",
        "source: this field is missing.",
        "t1.small.macs: '?' is not a number as tables print it.",
        "where: this field is missing.",
        "printed: this field is missing.",
    ]


def test_an_id_given_twice_names_both_lines(tmp_path):
    text = HEADER + TABLE + TABLE.rsplit("\n\n", maxsplit=1)[-1]
    second = text.rindex("macs =")
    (sentence,) = mistakes(tmp_path, text)
    first = line_of(text, 'macs = "1.814"')
    line = text[:second].count("\n") + 1
    assert sentence == (
        f"paper.toml:{line}: The id paper.t1.small.macs is given twice, first on line {first}."
    )


def test_claims_that_follow_from_each_other_in_a_ring_are_refused(tmp_path):
    ring = "".join(
        f'[[claim]]\nid = "{a}"\nwhere = "text"\nprinted = "1"\n'
        f'kind = "ratio"\nof = "{b}.{b} / 2"\n'
        for a, b in (("a.a", "b"), ("b.b", "a"))
    )
    said = mistakes(tmp_path, HEADER + ring)
    assert "a.a follows from itself" in said[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.toml", b"[suite\n", "this is not a TOML file"),
        ("binary.toml", b"\xff\xfe\x00", "this is not a TOML file"),
        ("nested.toml", b"x = " + b"[" * 5000, "this is not a TOML file"),
        ("a b.toml", HEADER.encode() + TABLE.encode(), "is not a name"),
        ("empty.toml", b"", "title: this field is missing"),
    ],
)
def test_files_that_are_no_suite_are_refused_in_a_sentence(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadSuite) as raised:
        read_suite(path)
    assert said in str(raised.value)


def test_a_file_that_is_absent_or_a_folder_is_refused(tmp_path):
    with pytest.raises(BadSuite, match="cannot be read"):
        read_suite(tmp_path / "absent.toml")
    with pytest.raises(BadSuite, match="cannot be read"):
        read_suite(tmp_path)


def test_every_convention_that_a_suite_may_name_can_be_judged():
    assert set(CONVENTIONS["macs"]) == set(CONVENTIONS["flops"]) == set(MACS)
    assert set(CONVENTIONS["params"]) == set(PARAMETERS)


def test_the_kind_of_a_source_is_that_of_the_suite_unless_something_narrower_says_its_own(tmp_path):
    text = HEADER + 'source_kind = "readme"\n' + TABLE.replace(
        "d_macs = {", 'd_macs = { source_kind = "log",'
    ) + """
d_macs = { printed = "0", of = "macs - macs" }

[[table]]
id = "t2"
where = "Table 2"
source_kind = "table"
columns = { macs = { metric = "macs", unit = "G" } }

[[table.row]]
id = "small"
workload = { model = "resnet18" }
macs = "1.8"

[[claim]]
id = "text"
where = "Abstract"
source_kind = "abstract"
metric = "macs"
unit = "G"
printed = "1.8"
workload = { model = "resnet18" }
"""  # fmt: skip
    found = {each.id: each.source_kind for each in read_suite(suite_file(tmp_path, text)).claims}
    assert found == {
        "paper.t1.small.macs": "readme", "paper.t1.small.d_macs": "log",
        "paper.t1.small.d_macs.printed": "log", "paper.t2.small.macs": "table",
        "paper.text": "abstract",
    }  # fmt: skip
    plain = read_suite(suite_file(tmp_path, HEADER + TABLE))
    assert {each.source_kind for each in plain.claims} == {None}
    wrong = mistakes(tmp_path, text.replace('"abstract"', '"blog"'))
    line = line_of(text, 'source_kind = "abstract"')
    known = "abstract, text, table, readme, log, release, secondary"
    assert wrong == [f"paper.toml:{line}: source_kind: there is no 'blog'; use one of {known}."]
