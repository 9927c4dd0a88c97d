"""``vtbench macs``: what is typed, what is printed, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import sys

import pytest
from rich.cells import cell_len

from vtbench import errors
from vtbench.claims import printed_figures
from vtbench.cli import counting
from vtbench.measure.workers import in_turn

RESNET18_CONVS = (
    3 * 64 * 7 * 7 * 112 * 112
    + 4 * (64 * 64 * 3 * 3 * 56 * 56)
    + sum(
        (c // 2 * c * 9 + 3 * c * c * 9 + c // 2 * c) * s * s
        for c, s in ((128, 28), (256, 14), (512, 7))
    )
)
RESNET18 = RESNET18_CONVS + 512 * 1000
"""Its convolutions, term for term, and its classifier."""


@pytest.fixture
def counted(monkeypatch, make_record):
    """Counting replaced by records made by hand; yields the workloads that were asked for."""
    asked = []

    def count_one(workload, *, settings):
        asked.append((workload, settings))
        if workload.model == "resnet50":
            raise errors.ModelError("resnet50 could not be built: it is tired.")
        if workload.model == "resnet101":
            raise ZeroDivisionError("a bug")
        unknown = workload.model == "swin_t"
        return make_record(workload.model, workload=workload, unknown=unknown)

    monkeypatch.setattr(counting, "count_one", count_one)
    monkeypatch.setattr(counting, "in_processes", lambda task, todo, _: in_turn(task, todo))
    return asked


def test_one_model_prints_its_certificate_and_nothing_else(vtbench):
    ended = vtbench("macs", "resnet18")
    assert ended.status == 0
    assert f"{RESNET18:,}" in ended.out
    assert ended.err == ""


def test_json_has_one_result_per_model(vtbench):
    ended = vtbench("macs", "resnet18", "resnet34", "--format", "json", "--by", "stage")
    data = json.loads(ended.out)["results"]
    assert [each["workload"]["model"] for each in data] == ["resnet18", "resnet34"]
    assert data[0]["macs"] == RESNET18
    assert all(sum(row["macs"] for row in each["by"]) == each["macs"] for each in data)


def test_models_come_from_arguments_options_files_and_patterns_each_once(
    vtbench, counted, tmp_path
):
    listed = tmp_path / "models.txt"
    listed.write_text("# mine\n\nvit_s  # small\nresnet18\n")
    vtbench("macs", "resnet18", "--models", "deit_t, vit_b", "--model-list", str(listed), "swin_*")
    assert [workload.model for workload, _ in counted] == [
        "resnet18", "swin_t", "swin_s", "swin_b", "deit_t", "vit_b", "vit_s",
    ]  # fmt: skip


def test_a_model_list_may_come_from_standard_input(vtbench, counted, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("deit_t\n# none\nvit_s\n"))
    vtbench("macs", "--model-list", "-")
    assert [workload.model for workload, _ in counted] == ["deit_t", "vit_s"]


def test_every_option_reaches_the_workload(vtbench, counted):
    ended = vtbench(
        "macs", "deit_t", "vit_s", "--img-size", "192x320", "--batch-size", "4", "--train",
        "--backward", "-o", "num_classes=10", "-o", "vit_s:depth=2", "-o", "vit_*:num_classes=7",
        "-o", "global_pool=avg", "-o", "qkv_bias=false", "-o", "mlp_ratio=2.5",
        "-o", "widths=[1, 2]", "--counters", "thop,fvcore", "--ops", "my.formulas",
    )  # fmt: skip
    assert ended.status == 0
    (first, settings), (second, _) = counted
    assert first.resolution == (192, 320)
    assert first.batch_size == 4
    assert (first.mode, first.backward) == ("train", True)
    shared = {"global_pool": "avg", "mlp_ratio": 2.5, "qkv_bias": False, "widths": (1, 2)}
    assert dict(first.options) == shared | {"num_classes": 10}
    assert dict(second.options) == shared | {"num_classes": 7, "depth": 2}
    assert settings == {"counters": ("thop", "fvcore"), "ops": "my.formulas"}


def test_inputs_have_a_name_a_shape_and_a_type(vtbench, counted):
    vtbench("macs", "deit_t", "--input", "ids=1x128:int64", "--input", "mask=1,128")
    first, second = counted[0][0].inputs
    assert (first.name, first.shape, first.dtype) == ("ids", (1, 128), "int64")
    assert (second.name, second.shape, second.dtype) == ("mask", (1, 128), "float32")


def test_one_that_fails_is_a_row_and_loses_nothing_of_the_others(vtbench, counted):
    ended = vtbench("macs", "resnet18", "resnet50", "nosuchmodel", "resnet101", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(ended.out)))
    assert ended.status == 1
    assert [line["model"] for line in lines] == ["resnet18", "resnet50", "nosuchmodel", "resnet101"]
    assert lines[0]["error"] == ""
    assert lines[1]["error"] == "resnet50 could not be built: it is tired."
    assert "nosuchmodel" in lines[2]["error"]
    assert "ZeroDivisionError: a bug" in lines[3]["error"]
    assert ended.err.count("\n") == 3


def test_when_all_fail_nothing_is_printed_and_the_status_is_2(vtbench, counted):
    ended = vtbench("macs", "resnet50", "nosuchmodel")
    assert (ended.status, ended.out) == (2, "")
    assert all(line.startswith("vtbench: ") for line in ended.err.splitlines())


def test_strict_ends_with_1_when_an_operator_is_unknown(vtbench, counted):
    assert vtbench("macs", "swin_t").status == 0
    strict = vtbench("macs", "swin_t", "resnet18", "--fail-on-unknown")
    assert strict.status == 1
    assert "≥" in strict.out
    assert strict.err == "vtbench: --fail-on-unknown: there are unknown operators in swin_t.\n"
    assert vtbench("macs", "resnet18", "--fail-on-unknown").status == 0


def test_the_base_of_a_comparison_is_counted_where_it_was_not_asked_for(vtbench, counted):
    data = json.loads(vtbench("macs", "vit_s", "--relative-to", "deit_t", "--format", "json").out)
    data = data["results"]
    assert [each["workload"]["model"] for each in data] == ["deit_t", "vit_s"]
    assert data[1]["relative"]["to"] == "deit_t"
    data = json.loads(
        vtbench("macs", "vit_s", "deit_t", "--relative-to", "deit_t", "--format", "json").out
    )["results"]
    assert [each["workload"]["model"] for each in data] == ["vit_s", "deit_t"]


def test_a_depth_alone_asks_for_the_module_tree(vtbench, counted):
    assert "by module, depth 2" in vtbench("macs", "vit_s", "--depth", "2").out


BAD = [
    ((), "No model was named"),
    (("nosuchmodel_xyz",), "There is no model 'nosuchmodel_xyz'"),
    (("resnet8",), "Did you mean resnet18"),
    (("deit_t", "--resolution", "0"), "--resolution: expected a positive size, got '0'"),
    (("deit_t", "--resolution", "-224"), "--resolution: expected a positive size, got '-224'"),
    (("deit_t", "--resolution", "big"), "expected a size such as 224 or 192x320, got 'big'"),
    (
        ("deit_t", "--resolution", "192,,320"),
        "--resolution: expected a value on each side of a comma, got '192,,320'",
    ),
    (("deit_t", "--resolution", "1x2x3"), "--resolution: expected a size such as 224 or 192x320"),
    (
        ("deit_t", "--resolution", "9" * 5000),
        "--resolution: expected a size such as 224 or 192x320",
    ),
    (("deit_t", "--batch-size", "0"), "--batch-size: expected a positive integer, got '0'"),
    (("deit_t", "--batch-size", "many"), "--batch-size: expected a positive integer, got 'many'"),
    (("deit_t", "-o", "depth"), "-o: expected key=value or model:key=value"),
    (("deit_t", "-o", "=3"), "-o: expected key=value or model:key=value"),
    (("deit_t", "-o", "depth=2**40"), "-o depth: expected a Python literal or a word"),
    (("deit_t", "-o", "depth=__import__('os')"), "expected a Python literal or a word"),
    (("deit_t", "-o", "depth={1: 2}"), "expected a number, a word, None or a flat list"),
    (("deit_t", "-o", "depth=" + "[" * 3000), "lacks the closing ]"),
    (("deit_t", "-o", "vit_s:depth=3"), "which is not among the models that you named"),
    (("deit_t", "--input", "x"), "--input: expected NAME=SHAPE[:DTYPE]"),
    (("deit_t", "--input", "x=1x0"), "expected sizes of at least 1, got 'x=1x0'"),
    (("deit_t", "--input", "x=1x2:float31"), "expected a type among float32"),
    (("deit_t", "--input", "x=1", "--input", "x=2"), "'x' is given twice"),
    (("deit_t", "--counters", "magic"), "torchprofile; got 'magic'"),
    (("deit_t", "--counters", ","), "torchprofile; got no name"),
    (("deit_t", "--by", "colour"), "'colour' is not one of"),
    (("deit_t", "--depth", "0"), "--depth: expected a positive integer, got 0"),
    (("deit_t", "--jobs", "0"), "--jobs: expected a positive integer, got 0"),
    (("deit_t", "--format", "xml"), "'xml' is not one of"),
    (("deit_t", "--no-such-option"), "No such option"),
    (("deit_t", "--relative-to", "nosuchmodel_xyz"), "There is no model"),
    (("deit_t", "--model-list", "/no/such/file"), "cannot be read: no such file"),
    (("deit_t", "--output", "/no/such/folder/x.csv"), "a folder that does not exist"),
    (("deit_t", "--output", "."), "is a folder"),
    (("deit_t", "--output", "x.xlsx"), ".txt, got 'x.xlsx'; rename it, or give --format"),
]


@pytest.mark.parametrize(("arguments", "sentence"), BAD, ids=lambda value: str(value)[:40])
def test_bad_input_is_one_sentence_on_stderr_and_status_2(vtbench, counted, arguments, sentence):
    ended = vtbench("macs", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert sentence in ended.err
    assert ended.err.startswith("vtbench: ")
    assert ended.err.count("\n") == 1
    assert "Traceback" not in ended.err
    assert counted == [], "nothing was counted in vain"


def test_bad_input_of_a_model_is_one_sentence_too(vtbench):
    for arguments in (("deit_t", "--resolution", "225"), ("deit_t", "-o", "no_such_option=3")):
        ended = vtbench("macs", *arguments)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.startswith("vtbench: deit_t ")
        assert ended.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    vtbench, counted, tmp_path, monkeypatch
):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    ended = vtbench("macs", "deit_t", "--output", str(tmp_path / "x.csv"))
    assert (ended.status, counted) == (2, [])
    assert "permission denied" in ended.err


def test_traceback_shows_where_an_error_was_raised(vtbench, counted):
    ended = vtbench("macs", "resnet101", "--traceback")
    assert ended.status == 2
    assert 'raise ZeroDivisionError("a bug")' in ended.err
    ended = vtbench("macs", "nosuchmodel_xyz", "--relative-to", "nosuchmodel_abc", "--traceback")
    assert "Traceback (most recent call last)" in ended.err


def test_output_is_written_whole_and_stdout_stays_empty(vtbench, counted, tmp_path):
    target = tmp_path / "out.json"
    target.write_text("old")
    ended = vtbench("macs", "resnet18", "--output", str(target))
    assert (ended.status, ended.out) == (0, "")
    assert ended.err == f"vtbench: wrote {target}\n"
    assert json.loads(target.read_text())["results"][0]["workload"]["model"] == "resnet18"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"], "no temporary file is left"


def test_an_output_through_a_link_keeps_the_link(vtbench, counted, tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    link.symlink_to(real)
    vtbench("macs", "resnet18", "--output", str(link))
    assert link.is_symlink()
    assert real.read_text().startswith("model,")


def test_an_output_that_is_a_device_is_not_replaced(vtbench, counted):
    assert vtbench("macs", "resnet18", "--output", os.devnull).status == 0
    assert not os.path.isfile(os.devnull)  # noqa: PTH113  # os.devnull is a string
    ended = vtbench("macs", "resnet18", "--output", "/dev/full")
    assert ended.status == 2
    assert "no space left" in ended.err


def test_the_format_follows_the_name_of_the_output_unless_it_is_given(vtbench, counted, tmp_path):
    begins = {"a.csv": "model,", "a.md": "### ", "a.tex": "% needs", "a.json": "{", "a.txt": "res"}
    for name, start in begins.items():
        vtbench("macs", "resnet18", "--output", str(tmp_path / name))
        assert (tmp_path / name).read_text().startswith(start)
    vtbench("macs", "resnet18", "--format", "csv", "--output", str(tmp_path / "a.json"))
    assert (tmp_path / "a.json").read_text().startswith("model,")


def test_what_models_print_does_not_reach_the_document(process, tmp_path):
    (tmp_path / "noisy_net.py").write_text(
        "import os, torch\n"
        "def make():\n"
        "    print('built')\n"
        "    os.write(1, b'raw')\n"
        "    return torch.nn.Linear(4, 5), torch.zeros(2, 4)\n"
    )
    ended = process("-m", "vtbench", "macs", "noisy_net:make", "--format", "json", cwd=tmp_path)
    assert json.loads(ended.out)["results"][0]["macs"] == 2 * 4 * 5
    assert "built" in ended.err
    assert "raw" in ended.err


def test_cite_does_not_spoil_csv(vtbench, counted):
    ended = vtbench("macs", "resnet18", "--format", "csv", "--cite")
    assert len(list(csv.reader(io.StringIO(ended.out)))) == 2
    assert "@misc{" in ended.err


@pytest.mark.parametrize("columns", [80, 60])
def test_pages_fit_the_terminal(vtbench, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    ended = vtbench("macs", "resnet18", "swin_t", "--relative-to", "resnet18", "--by", "stage")
    assert max(map(cell_len, ended.out.splitlines())) <= columns


def test_an_interrupt_writes_the_rows_that_are_done(vtbench, counted, monkeypatch, tmp_path):
    whole = counting.count_one

    def interrupted(workload, *, settings):
        if workload.model == "vit_b":
            raise KeyboardInterrupt
        return whole(workload, settings=settings)

    monkeypatch.setattr(counting, "count_one", interrupted)
    target = tmp_path / "part.csv"
    ended = vtbench("macs", "vit_s", "vit_b", "vit_l", "--output", str(target))
    assert ended.status == 130
    assert ended.err.endswith("vtbench: The command was interrupted.\n")
    assert [line["model"] for line in csv.DictReader(target.open())] == ["vit_s"]
    ended = vtbench("macs", "vit_b")
    assert (ended.status, ended.out, ended.err) == (
        130,
        "",
        "vtbench: The command was interrupted.\n",
    )


CRASHING = """\
import ctypes, torch

class Crashing(torch.nn.Linear):
    def forward(self, x):
        ctypes.string_at(0)  # as compiled code of a model may
        return super().forward(x)

def crashing(): return Crashing(4, 5), torch.zeros(1, 4)
def sound(): return torch.nn.Linear(4, 5), torch.zeros(1, 4)
"""


def test_a_model_of_ones_own_that_ends_its_process_takes_its_row_and_no_other(
    vtbench, monkeypatch, tmp_path
):
    (tmp_path / "of_my_own.py").write_text(CRASHING)
    monkeypatch.chdir(tmp_path)
    ended = vtbench("macs", "of_my_own:crashing", "of_my_own:sound", "--format", "csv")
    assert ended.status == 1
    rows = {row["model"]: row for row in csv.DictReader(io.StringIO(ended.out))}
    assert rows["of_my_own:sound"]["macs"] == str(4 * 5)
    assert rows["of_my_own:crashing"]["error"].endswith("died (SIGSEGV).")


def test_a_reader_that_leaves_early_is_no_error(process):
    code = (
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-m', 'vtbench', 'models', 'timm:*'],"
        " stdout=subprocess.PIPE, stderr=subprocess.PIPE)\n"
        "p.stdout.readline(); p.stdout.close()\n"
        "err = p.stderr.read(); p.wait(); print(p.returncode, err)\n"
    )
    assert process("-c", code).out == "0 b''\n"


def test_output_survives_a_terminal_that_knows_only_ascii(process):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = process("-m", "vtbench", "models", "resnet18", env=environment)
    assert ended.status == 0
    assert "resnet18" in ended.out


def test_a_missing_package_fails_its_model_and_no_other(vtbench, counted, monkeypatch):
    from vtbench import models

    def resolve(name):
        if name.startswith("transformers:"):
            raise errors.MissingPackage("It needs transformers.")

    monkeypatch.setattr(models, "resolve", resolve)
    ended = vtbench("macs", "resnet18", "transformers:ViTModel", "--format", "json")
    assert ended.status == 1
    assert [each["error"] for each in json.loads(ended.out)["results"]] == [
        None,
        "It needs transformers.",
    ]


def test_model_lists_that_cannot_be_read_say_why(vtbench, counted, tmp_path, monkeypatch):
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    assert (
        "expected a text file in UTF-8"
        in vtbench("macs", "--model-list", str(tmp_path / "binary")).err
    )
    assert "is a directory" in vtbench("macs", "--model-list", str(tmp_path)).err
    monkeypatch.setattr(sys, "stdin", None)
    assert "standard input is closed" in vtbench("macs", "--model-list", "-").err
    assert counted == []


def test_a_suite_with_mistakes_costs_no_count(vtbench, counted, monkeypatch, tmp_path):
    """Printed figures are looked up after the count, which may have taken long."""
    (tmp_path / "broken.toml").write_text("papers = [", encoding="utf-8")
    monkeypatch.setattr(printed_figures, "shipped", lambda: {"broken": tmp_path / "broken.toml"})
    assert vtbench("macs", "resnet18").status == 0


def test_values_between_commas_are_so_many_workloads_side_by_side_by_model(vtbench):
    ended = vtbench("macs", "vt_r18", "resnet18", "-o", "vt_r18:tokens=8,16", "--format", "csv")
    lines = [line.split(",") for line in ended.out.splitlines()]
    place = lines[0].index("macs")
    assert [(line[0], int(line[place])) for line in lines[1:]] == [
        ("vt_r18", 1_517_389_312),
        ("vt_r18", 1_586_670_592),
        ("resnet18", 1_814_073_344),
    ]
    table = vtbench("macs", "vt_r18", "-o", "tokens=8,16").out
    assert "tokens" in table.splitlines()[3]
