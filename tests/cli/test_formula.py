"""``vtbench formula`` as a user meets it: documents, ranges, resuming, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import sys

import pytest
import sympy

from vtbench.cli.deriving import key_with
from vtbench.cli.formula import Question, answer
from vtbench.cli.written import Written
from vtbench.data.closed_form import Checked, Formula
from vtbench.data.symbol_values import parse_at, parse_symbols, points_of
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption
from vtbench.report.document import Rendering
from vtbench.report.formula import crossing_table, evaluated, formula_tables

CONTRACT = {
    "model", "macs", "macs_unit", "unit", "conditions", "degree", "growth", "method",
    "checked_at", "error",
}  # fmt: skip


@pytest.fixture
def block(tmp_path, monkeypatch):
    """A file with a block of the user's own."""
    (tmp_path / "own_blocks.py").write_text(
        "import torch\nfrom torch import nn\n\n"
        "def mlp(C: int = 64, N: int = 10, ratio: int = 4):\n"
        "    layers = nn.Sequential(nn.Linear(C, ratio * C), nn.Linear(ratio * C, C))\n"
        "    return layers, torch.empty(2, N, C)\n"
    )
    monkeypatch.chdir(tmp_path)
    yield "own_blocks:mlp"
    sys.modules.pop("own_blocks", None)


def test_the_json_is_the_contract_and_its_form_is_exact(vtbench):
    ended = vtbench("formula", "resnet18", "--format", "json")
    assert ended.status == 0
    (found,) = json.loads(ended.out)["results"]
    assert found.keys() >= CONTRACT
    assert (found["method"], found["error"]) == ("symbolic", None)
    assert found["degree"] == {"B": 1, "H": 1, "W": 1}
    assert found["unit"] == [32, 32]
    form = sympy.sympify(found["macs"])
    for proof in found["checked_at"]:
        assert form.subs({letter: proof[letter] for letter in "BHW"}) == proof["macs"]


def test_a_table_says_form_conditions_growth_and_proof_within_eighty_columns(vtbench):
    ended = vtbench("formula", "resnet18")
    assert ended.status == 0
    for said in ("37011456*B*h*w + 512000*B", "linear in pixels", "every size", "B=1, H=224"):
        assert said in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80


def test_a_range_is_evaluated_exactly_and_may_be_drawn(vtbench, tmp_path):
    figure = tmp_path / "sizes.svg"
    ended = vtbench("formula", "resnet18", "--at", "B=2,H=97:225:64,W=333", "--format", "csv",
                    "--plot", str(figure))  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    assert [row["H"] for row in rows] == ["97", "161", "225"]
    from vtbench.count.count_workload import count_workload
    from vtbench.data.workload import Workload

    for row in rows:
        size = (int(row["H"]), int(row["W"]))
        counted = count_workload(Workload(model="resnet18", resolution=size, batch_size=2)).macs
        assert int(row["resnet18"]) == counted
    assert figure.read_text().lstrip().startswith("<?xml")


def test_a_block_of_the_users_own_has_its_widths_as_symbols(vtbench, block):
    ended = vtbench("formula", block, "--symbol", "C=64", "--symbol", "N=10", "--format", "json")
    (found,) = json.loads(ended.out)["results"]
    C, N = sympy.symbols("C N")
    form = sympy.sympify(found["macs"], locals={"C": C, "N": N})
    assert form == 2 * (2 * 4 * C**2 * N)  # 2 images, two layers of C x 4C
    assert found["growth"] == "quadratic in C, linear in N"
    evaluated_at = vtbench("formula", block, "--symbol", "C=64", "--symbol", "N=10",
                           "--at", "C=8,N=1:2", "--format", "csv")  # fmt: skip
    assert evaluated_at.out.splitlines() == [f"C,N,{block}", f"8,1,{16 * 64}", f"8,2,{32 * 64}"]


def test_lines_are_kept_and_a_second_run_goes_on(vtbench, tmp_path, block):
    lines = tmp_path / "forms.jsonl"
    key = key_with(())(Workload(model="resnet18"))
    kept = Formula(model="resnet18", macs="7*B", degree={"B": 1}, method="symbolic", key=key)
    failed = Formula(model=block, error="it had failed.")
    import msgspec

    lines.write_bytes(b"\n".join(map(msgspec.json.encode, (kept, failed))) + b'\n{"model": "cut o')
    ended = vtbench("formula", "resnet18", block, "--save", str(lines), "--format", "csv")
    assert ended.status == 0
    assert next(csv.DictReader(io.StringIO(ended.out)))["macs"] == "7*B"
    written = lines.read_text().splitlines()
    assert len(written) == 3  # two from before, one new; the unfinished line was cut off
    assert json.loads(written[2])["model"] == block
    assert json.loads(written[2])["error"] is None


def test_one_that_fails_loses_nothing_of_the_others(vtbench):
    ended = vtbench("formula", "resnet18", "no_such_model", "--format", "json")
    assert ended.status == 1
    good, bad = json.loads(ended.out)["results"]
    assert good["macs"]
    assert good["error"] is None
    assert bad["macs"] is None
    assert "no_such_model" in bad["error"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("no_such_model",),
        (),
        ("resnet18", "--at", "H=0"),
        ("resnet18", "--at", "H"),
        ("resnet18", "--at", "C=3"),
        ("resnet18", "--at", "H=9:3"),
        ("resnet18", "--at", "H=1:1000000,W=1:1000000"),
        ("resnet18", "--plot", "x.png"),
        ("resnet18", "--max-time", "0"),
        ("resnet18", "--symbol", "C"),
        ("resnet18", "--symbol", "C=7:2"),
        ("resnet18", "--output", "/no/such/folder/x.json"),
        ("resnet18", "--save", "/no/such/folder/x.jsonl"),
        ("resnet18", "--at", "H=3,W=3", "--plot", "/no/such/folder/x.png"),
        ("resnet18", "-o", "no_such_option=1"),
    ],
)
def test_bad_input_is_one_sentence_and_status_two(vtbench, arguments):
    ended = vtbench("formula", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) == 1


def test_errors_and_help_import_no_torch(process):
    script = (
        "import sys\nfrom vtbench.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    for arguments in (("--help",), ("no_such_model",), ("resnet18", "--at", "H=0")):
        ended = process("-c", script, "formula", *arguments)
        assert ended.status == 0, ended.err


# ranges and tables, without any model


def test_ranges_include_their_end_and_squares_are_the_default():
    sized = points_of(parse_at(["H=192:256:32"]))
    assert sized == [{"B": 1, "H": n, "W": n} for n in (192, 224, 256)]
    assert points_of(parse_at(["H=192,256"]))[1] == {"B": 1, "H": 256, "W": 256}
    crossed = points_of(parse_at(["H=1:2,W=5", "B=3"]))
    assert crossed == [{"B": 3, "H": 1, "W": 5}, {"B": 3, "H": 2, "W": 5}]
    with pytest.raises(BadInput):
        parse_at(["H=1,H=2"])


def test_symbols_have_an_example_and_a_multiple():
    (symbol,) = parse_symbols(["C=384:6"])
    assert (symbol.name, symbol.example, symbol.multiple) == ("C", 384, 6)
    with pytest.raises(BadOption):
        parse_symbols(["C=1", "C=2"])


def _form(model, macs, **fields):
    degree = fields.pop("degree", {"B": 1, "H": 1, "W": 1})
    return Formula(model=model, macs=macs, macs_unit=macs, unit=(1, 1), degree=degree,
                   growth="linear in pixels", method="symbolic", **fields)  # fmt: skip


def test_two_models_cross_where_their_counts_change_order():
    linear = _form("linear", "1000*B*H*W")
    squared = _form("squared", "B*H**2*W**2", multiple_of={"H": 2, "W": 2})
    # 1000·n² and n⁴ meet at n = 31.6, and the second takes even sizes alone
    table = crossing_table([linear, squared])
    assert table.rows == (("linear", "squared", "32", "squared", "linear"),)


def test_models_that_never_cross_say_which_is_cheaper():
    table = crossing_table([_form("small", "B*H*W"), _form("large", "2*B*H*W")])
    assert [cell for cell in table.rows[0] if cell in ("small", "large")] == [
        "small", "large", "small", "small",
    ]  # fmt: skip


def test_a_size_outside_the_conditions_has_no_value():
    rows = evaluated([_form("even", "B*H*W", multiple_of={"H": 2})], [{"B": 1, "H": 3, "W": 4}])
    assert rows == [({"B": 1, "H": 3, "W": 4}, (None,))]


def test_sizes_outside_the_conditions_are_named_and_all_of_them_are_refused(capsys):
    form = _form("text", "B*T", where=("T <= 77",), conditions=("T <= 77",))

    def asked(*sizes):
        points = [{"B": 1, "T": size} for size in sizes]
        return answer(
            [form],
            Question(
                points=points,
                written=Written(path=None, rendering=Rendering(format="csv")),
                plot=None,
            ),
        )

    assert asked(64, 80, 96) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == ["1,64,64", "1,80,", "1,96,"]
    assert err == (
        "vtbench: text has no value at B=1, T=80 and 1 more; its formula holds for T <= 77.\n"
    )
    assert asked(80) == 2
    assert capsys.readouterr().out == ""


def test_a_form_that_was_not_traced_says_why():
    form = _form("odd", "B*H", reason="it reads its size as a number.",
                 checked_at=(Checked(sizes={"B": 3}, macs=5),))  # fmt: skip
    (table,) = formula_tables([form])
    text = " ".join(row[1] for row in table.rows)
    assert "not traced, because it reads its size" in text
