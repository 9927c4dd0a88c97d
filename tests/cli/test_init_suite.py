"""``vtbench init-suite``: an example that holds, and a table as one claim per cell."""

from __future__ import annotations

import csv
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from vtbench.claims.suite import read_suite

TABLE_1 = Path(__file__).parents[1] / "data" / "vt_v3_table1.csv"


def test_the_example_is_a_suite_whose_claims_hold(vtbench, tmp_path):
    path = tmp_path / "example.toml"
    assert vtbench("init-suite", str(path)).status == 0
    ended = vtbench("check", str(path))
    assert ended.status == 0, ended.out
    assert "Independent of every fit: 6 of 6 claims hold." in ended.out
    assert "package.module:function" in path.read_text()


def test_without_a_file_it_goes_to_standard_output(vtbench):
    ended = vtbench("init-suite")
    assert (ended.status, ended.out.startswith("# A suite:")) == (0, True)


def test_a_table_becomes_one_claim_per_cell(vtbench, tmp_path):
    """26 rows; of 26·3 + 21 + 20 + 21 figures, less A²'s two, the four marked deltas are out.

    The four figures with a star, which they are deltas of, are kept and said.
    """
    path = tmp_path / "t1.toml"
    ended = vtbench("init-suite", str(path), "--from", str(TABLE_1), "--model", "R-18=resnet18",
                    "--model", "R-34=resnet34", "--model", "VT-R-34 (ours)=vt_r34")  # fmt: skip
    assert ended.status == 0
    assert "no model is named for R-18 + SE" in ended.err
    suite = read_suite(path)
    claims = {claim.id: claim for claim in suite.claims}
    assert claims["t1.t1.vt_r_34.macs"].printed == "3.151"
    assert claims["t1.t1.vt_r_34.macs"].workload.model == "vt_r34"
    derived = claims["t1.t1.vt_r_34.d_macs"]
    assert (derived.unit, derived.kind) == ("M", "difference")
    assert derived.expression == "t1.t1.vt_r_34.macs - t1.t1.r_34.macs"
    assert claims["t1.t1.lr_r_18.params"].unknown == "not-implemented"
    assert claims["t1.t1.r_18.top_1_acc"].unknown == "weights"
    text = path.read_text()
    assert '# d_macs = "+2" # printed as +2*' in text
    printed = [claim for claim in suite.claims if not claim.id.endswith(".printed")]
    plain, deltas, marked = 3 * 25 - 2 + 4, 21 + 16 + 20, 4
    assert len(printed) == plain + deltas - marked
    assert "row 12 (R-50 + SE), column 4 (MACs (G)): '3.860*' has more than its figure" in ended.err


def test_the_drafted_suite_finds_what_the_audit_finds(vtbench, tmp_path):
    path = tmp_path / "t1.toml"
    vtbench("init-suite", str(path), "--from", str(TABLE_1))
    ended = vtbench("check", str(path), "--only", "*.printed", "--format", "csv")
    lines = csv.DictReader(ended.out.splitlines())
    failing = {line["id"] for line in lines if line["as_expected"] == "False"}
    assert failing == {"t1.t1.aa_r_34.d_macs.printed", "t1.t1.lr_r_18.d_params.printed"}


def test_names_of_models_need_no_option(vtbench, tmp_path):
    table, path = tmp_path / "t.csv", tmp_path / "t.toml"
    table.write_text(
        "Model,FLOPs,Params (M),img/s\nResNet-50,4.1G,25.6,1000\nDeiT-S,4.6G,22.1,900\n"
    )
    assert vtbench("init-suite", str(path), "--from", str(table)).err.count("\n") == 1
    assert vtbench("check", str(path)).status == 0
    claims = {claim.id: claim for claim in read_suite(path).claims}
    assert claims["t.t1.resnet_50.flops"].workload.model == "resnet50"
    assert claims["t.t1.resnet_50.flops"].convention == "full"
    assert claims["t.t1.deit_s.img_s"].unknown == "hardware"


def test_a_unit_that_nobody_says_is_asked_for_as_an_option(vtbench, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("Model,MACs,Params\nresnet18,1.814,11.69\n")
    ended = vtbench("init-suite", "--from", str(table))
    assert (ended.status, ended.out) == (2, "")
    assert "--unit 'MACs=G' --unit 'Params=G'" in ended.err
    said = vtbench("init-suite", "--from", str(table), "--unit", "MACs=G", "--unit", "Params=M")
    assert said.status == 0
    assert 'macs = { metric = "macs", unit = "G" }' in said.out


def test_on_a_terminal_it_asks(tmp_path):
    table, path = tmp_path / "t.csv", tmp_path / "t.toml"
    table.write_text("Model,MACs,Params (M)\nours,1.814,11.69\n")
    master, slave = pty.openpty()
    os.write(master, b"G\nresnet18\n")
    done = subprocess.run(
        [sys.executable, "-m", "vtbench", "init-suite", str(path), "--from", str(table)],
        stdin=slave, capture_output=True, text=True, check=False, timeout=120,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    os.close(master)
    os.close(slave)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "Unit of MACs" in done.stderr
    (macs, params) = read_suite(path).claims
    assert (macs.unit, macs.workload.model, params.unit) == ("G", "resnet18", "M")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "nowhere.csv"], "cannot be read"),
        (["--from", str(TABLE_1), "--unit", "Foo=G"], "the table has no 'Foo'"),
        (["--from", str(TABLE_1), "--unit", "MACs=Q"], "must be one of K, M, G"),
        (["--from", str(TABLE_1), "--unit", "MACs"], "--unit: expected NAME=VALUE, got 'MACs'"),
        (["--from", str(TABLE_1), "--model", "R-18=resnt18"], "Did you mean resnet18"),
        (
            ["--from", str(TABLE_1), "--table", "2"],
            "--table: expected a number from 1 to 1, the number of tables in",
        ),
        (["--unit", "MACs=G"], "give the table with --from"),
    ],
)
def test_mistakes_end_with_2_and_one_sentence(vtbench, arguments, said):
    ended = vtbench("init-suite", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_a_file_that_exists_is_kept(vtbench, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    ended = vtbench("init-suite", str(path))
    assert (ended.status, path.read_text()) == (2, "mine")
