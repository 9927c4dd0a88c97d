"""The micro-cases: our count is the truth on every road, and the matrix says who else is right."""

import csv
import importlib
import io
import json
import pkgutil

import pytest
import torch

from vtbench.count import cases
from vtbench.count.cases.micro_case import Case, D, N, applied, image
from vtbench.count.count_module import CountSettings, count_module
from vtbench.count.operators import formulas, rules
from vtbench.count.operators.table import Rule
from vtbench.count.peers import counters
from vtbench.count.peers.conformance import conformance, selected
from vtbench.count.peers.tally import Tally
from vtbench.data.conformance import CaseResults, Conformance, Result
from vtbench.errors import BadOption, ModelError
from vtbench.report import Rendering
from vtbench.report.conformance import cell, conformance_document, matrix


def counted(case, **how):
    module, args, kwargs = cases.given(case)
    done = count_module(module, (args, kwargs), CountSettings(ops=case.ops(), **how))
    unknown = sorted({row.op for row in done.rows if row.status == "unknown"})
    return sum(row.macs for row in done.rows), unknown, done


@pytest.mark.parametrize("case", cases.CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("grad", [False, True], ids=["inference", "grad"])
@pytest.mark.parametrize("road", ["meta", "real"])
def test_our_count_is_the_truth_on_every_road(case, road, grad):
    """Exact and complete; or, where nothing can be known, an unknown operator."""
    if road == "meta" and case.needs_values:
        with pytest.raises(ModelError):
            counted(case, road="meta", grad=grad)
        return
    macs, unknown, _ = counted(case, road=road, grad=grad)
    if case.truth is None:
        assert unknown
    else:
        assert (macs, unknown) == (case.truth, [])


def test_there_are_many_cases_each_with_a_name_of_its_own():
    names = [case.name for case in cases.CASES]
    assert len(names) >= 100
    assert len(set(names)) == len(names)
    assert all(len(name) <= 24 for name in names)


def test_every_table_of_cases_is_among_them():
    for file in pkgutil.iter_modules(cases.__path__):
        module = importlib.import_module(f"vtbench.count.cases.{file.name}")
        for name in vars(module):
            if name.endswith("_CASES"):
                assert set(vars(module)[name]) <= set(cases.CASES), name


@torch.library.custom_op("vtbench_toy::gram", mutates_args=())
def gram(x: torch.Tensor) -> torch.Tensor:
    """The products of the rows of a matrix with each other: [n, k] -> [n, n]."""
    return x @ x.mT


@gram.register_fake
def _(x):
    return x.new_empty(x.shape[0], x.shape[0])


def test_an_operator_is_one_row_with_its_formula_and_one_micro_case(monkeypatch):
    case = Case("gram matrix", N * N * D, lambda: applied(torch.ops.vtbench_toy.gram, image(N, D)))
    assert not conformance(("torch",), (case,)).ours_is_right
    row = Rule("matmul", lambda args, kwargs, out: formulas.product(out.shape, args[0].shape[1]))
    monkeypatch.setitem(rules.TABLE, "vtbench_toy::gram", row)
    rules.built_in.cache_clear()
    assert conformance(("torch",), (case,)).ours_is_right
    rules.built_in.cache_clear()


def test_a_counter_is_one_row(monkeypatch):
    toy = counters.Peer("msgspec", lambda call: Tally(call.args[0].numel(), ()))
    monkeypatch.setattr(counters, "PEERS", (*counters.PEERS, toy))
    found = conformance(counters.parse("msgspec"), selected("mm in place"))
    assert found.cases[0].results["msgspec"] == Result(macs=196 * 100, right=False)


def test_a_case_is_the_same_every_time_and_leaves_the_random_state():
    case = next(case for case in cases.CASES if case.name == "linear")
    before = torch.get_rng_state()
    (_, (first,), _), (_, (second,), _) = cases.given(case), cases.given(case)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_modules_of_a_count_sum_to_the_truth():
    by_name = {case.name: case for case in cases.CASES}
    shared = counted(by_name["under three parents"], road="meta")[2]
    one = 196 * 384 * 384
    assert {row.module: row.macs for row in shared.rows if row.macs} == {
        "0.0": one, "1.0": one, "2.0": one
    }  # fmt: skip


def test_cases_are_chosen_by_a_part_of_their_name_or_a_pattern():
    assert [case.name for case in selected("TENSORDOT")] == ["tensordot"]
    assert {case.name for case in selected("LSTM*ways")} == {"LSTM, 2 layers, 2 ways"}
    assert selected(None) is cases.CASES
    with pytest.raises(BadOption, match="--cases: no case matches 'nonesuch'"):
        selected("nonesuch")


def test_a_counter_is_right_where_it_gives_the_truth_exactly():
    found = conformance(("torch",), selected("mm in place"))
    (only,) = found.cases
    assert only.truth == 196 * 384 * 100
    assert only.results["vtbench"] == Result(macs=only.truth, right=True, complete=True)
    assert only.results["torch"].right is (only.results["torch"].macs == only.truth)
    assert found.ours_is_right


def test_where_nothing_can_be_known_saying_so_is_right_and_a_number_is_not():
    found = conformance(("torch", "thop"), selected("numpy"))
    assert len(found.cases) == 2
    for case in found.cases:
        assert case.truth is None
        assert case.results["vtbench"].right
        assert case.results["vtbench"].complete is False
        assert not case.results["torch"].right
        assert cell(case, case.results["vtbench"]) == "≥"
        assert cell(case, case.results["thop"]) == "blind"


@pytest.mark.parametrize(
    ("truth", "macs", "error", "shown"),
    [
        (100, 100, None, "1"),
        (0, 0, None, "1"),
        (0, 7, None, "more"),
        (1000, 1003, None, "1.00"),
        (1000, 997, None, "1.00"),
        (100, 92, None, ".92"),
        (100, 36, None, ".36"),
        (1000, 5, None, ".005"),
        (100, 0, None, "0"),
        (100, 121, None, "1.21"),
        (100, 900, None, "9.00"),
        (1, 385, None, "385"),
        (100, None, "It raised KeyError: 'x'", "crash"),
        (100, None, "It takes images only.", "—"),
        (None, 5, None, "blind"),
    ],
)
def test_a_cell_is_the_ratio_to_the_truth(truth, macs, error, shown):
    case = CaseResults(name="x", truth=truth, results={})
    right = truth is not None and macs == truth
    assert (
        cell(case, Result(macs=macs, right=right, error=error, crashed=shown == "crash")) == shown
    )


def made():
    ours = Result(macs=100, right=True, complete=True)
    near = Result(macs=101, right=False)
    crash = Result(macs=None, right=False, error="It raised KeyError: 'x'", crashed=True)
    return Conformance(
        cases=(
            CaseResults(name="a", truth=100,
                        results={"vtbench": ours, "fvcore": near, "thop": crash}),
            CaseResults(name="b", truth=100,
                        results={"vtbench": ours, "fvcore": ours, "thop": crash}),
        ),
        versions={"vtbench": "1.0", "fvcore": "2.0", "thop": "3.0"},
        absent=("ptflops",),
    )  # fmt: skip


def test_the_matrix_sums_who_is_exact_and_who_is_near():
    table = matrix(made())
    assert table.rows[0] == ("a", "1", "1.01", "crash")
    assert table.rows[-2:] == (
        ("exact, of 2", "2", "1", "0"), ("within 2 %, of 2", "2", "2", "0")
    )  # fmt: skip
    assert "ptflops is not installed." in table.notes


def test_json_is_the_contract_and_csv_has_a_line_for_each_pair():
    document = json.loads(conformance_document(made(), Rendering(format="json")))
    assert document["results"][0]["name"] == "a"
    assert document["results"][0]["truth"] == 100
    for result in document["results"][0]["results"].values():
        assert {"macs", "right", "error"} <= set(result)
    text = conformance_document(made(), Rendering(format="csv"))
    lines = list(csv.reader(io.StringIO(text)))
    assert lines[0] == ["case", "truth", "counter", "macs", "right", "error"]
    assert lines[3] == ["a", "100", "thop", "", "false", "It raised KeyError: 'x'"]
    assert len(lines) == 1 + 2 * 3


def test_all_seven_counters_fit_a_page_of_80_cells():
    everyone = ("vtbench", "fvcore", "thop", "torch", "ptflops", "calflops", "torchinfo",
                "torchprofile")  # fmt: skip
    results = {
        name: Result(macs=None, right=False, error="It raised X: y", crashed=True)
        for name in everyone
    }
    found = Conformance(
        cases=tuple(CaseResults(name=c.name, truth=1, results=results) for c in cases.CASES),
        versions=dict.fromkeys(everyone, "1.2.3"),
    )
    text = conformance_document(found, Rendering())
    assert max(map(len, text.splitlines())) <= 80
    assert "Hidden to fit" not in text


# -- the command


def test_the_command_ends_with_0_where_we_are_right_on_all(vtbench):
    ended = vtbench("conformance", "--cases", "gru", "--counters", "torch", "--format", "json")
    assert ended.status == 0
    answer = json.loads(ended.out)
    truths = {case["name"]: case["truth"] for case in answer["results"]}
    assert truths == {
        "GRU": 20 * 2 * 3 * 48 * (32 + 48), "GRU cell": 2 * 3 * 48 * (32 + 48)
    }  # fmt: skip
    assert all(case["results"]["vtbench"]["right"] for case in answer["results"])


def test_the_command_ends_with_1_where_we_are_wrong_on_one(vtbench, monkeypatch):
    wrong = cases.Case("wrong", 1, cases.CASES[0].make)
    monkeypatch.setattr("vtbench.count.peers.conformance.CASES", (wrong,))
    ended = vtbench("conformance", "--counters", "torch")
    assert ended.status == 1
    assert "wrong" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--counters", "fvcor"),
            "torchprofile; got 'fvcor'",
        ),
        (("--counters", ","), "torchprofile; got no name"),
        (("--cases", "nonesuch"), "--cases: no case matches 'nonesuch'"),
        (("--output", "/nonesuch/x.json"), "is in a folder that does not exist"),
    ],
)
def test_bad_input_is_one_sentence(vtbench, arguments, said):
    ended = vtbench("conformance", *arguments)
    assert ended.status == 2
    assert ended.out == ""
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) == 1
