"""``vtbench report``: tables and figures from kept records and from files of measurements."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from made_measurements import failed, lines, made, remembered, swept

REPORTS = Path(__file__).parents[2] / "reports"


@pytest.fixture
def speed(tmp_path):
    """Three models measured in one session."""
    seconds = {"resnet18": 0.02, "resnet34": 0.04, "vt_r34": 0.041}
    records = [made(name, seconds=each, session="s") for name, each in seconds.items()]
    path = tmp_path / "speed.jsonl"
    path.write_text(lines(records))
    return path


@pytest.fixture
def sweep(tmp_path):
    """Times over sizes, and memory over tokens."""
    path = tmp_path / "sweep.jsonl"
    memory = [remembered("vt_r34", tokens, 10**7 * tokens) for tokens in (8, 16, 32)]
    path.write_text(lines([*swept(), *memory, failed("deit_s", resolution=(1024, 1024))]))
    return path


def test_a_file_of_measurements_gives_tables_with_ratios(vtbench, speed):
    ended = vtbench("report", str(speed))
    assert ended.status == 0
    assert ended.out.startswith("Throughput\nfp32 · NCHW · batch 64")
    # 0.04 s over 0.02 s, at equal batches
    assert "resnet18 is 2.0" in ended.out
    assert "as fast as resnet34." in ended.out


def test_several_files_are_one_document(vtbench, speed, sweep):
    data = json.loads(vtbench("report", str(speed), str(sweep), "--format", "json").out)
    assert len(data["results"]) == 3 + 5 + 3 + 1
    assert len(data["ratios"]) == 3


def test_sweeps_are_wide_unless_rows_are_asked_for(vtbench, sweep):
    out = vtbench("report", str(sweep)).out
    assert "Throughput, images/s, by size" in out
    assert re.search(r"Peak memory, [MG]B, by tokens", out)
    rows = vtbench("report", str(sweep), "--across", "rows", "--protocol", "throughput").out
    assert rows.startswith("Throughput\n")
    assert rows.count("deit_s") >= 6


def test_a_figure_is_drawn_beside_the_tables(vtbench, sweep, tmp_path):
    figure = tmp_path / "a.svg"
    ended = vtbench("report", str(sweep), "--protocol", "memory", "--plot", str(figure))
    assert ended.status == 0
    assert ended.err == f"vtbench: wrote {figure}\n"
    assert ">Tokens (log scale)</text>" in figure.read_text()
    pdf = tmp_path / "a.pdf"
    ended = vtbench("report", str(sweep), "--protocol", "throughput", "--plot", str(pdf))
    assert ended.status == 0
    assert pdf.read_bytes().startswith(b"%PDF")


def test_a_page_of_a_folder_shows_its_figures(vtbench, sweep, tmp_path):
    folder = tmp_path / "reports"
    (folder / "measured").mkdir(parents=True)
    sweep.rename(folder / "measured" / "sweep.jsonl")
    assert vtbench("report", str(folder)).status == 0
    page = (folder / "measured" / "sweep.md").read_text()
    assert "\n![Throughput by size](sweep-throughput.svg)\n" in page
    drawn = (folder / "measured" / "sweep-throughput.svg").read_text()
    assert ">384</text>" in drawn
    assert ">1,024</text>" not in drawn  # that run failed, which the figure says
    assert "Not drawn, because the run failed" in drawn
    assert vtbench("report", str(folder), "--check").status == 0


def test_accuracies_against_costs(vtbench, speed, tmp_path):
    figure = tmp_path / "a.png"
    ended = vtbench("report", str(speed), "--pareto", "--accuracy", "vt_v3.t1.*.top1",
                    "--plot", str(figure))  # fmt: skip
    assert ended.status == 0
    assert ended.out.startswith("Printed accuracy, and what was measured here")
    assert figure.stat().st_size > 0
    points = json.loads(vtbench("report", str(speed), "--pareto", "--across", "macs",
                                "--format", "json").out)["results"]  # fmt: skip
    assert {point["quantity"] for point in points} == {"macs"}


def test_every_key_of_a_point_is_in_the_contract(vtbench, speed):
    point = json.loads(vtbench("report", str(speed), "--pareto", "--format", "json").out)
    contract = (REPORTS.parent / "docs" / "json.md").read_text()
    section = contract.partition("## `vtbench report")[2].partition("\n## ")[0]
    assert all(f"`{key}`" in section for key in point["results"][0])


def test_a_folder_takes_every_shape(vtbench, sweep, tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    assert vtbench("report", str(sweep), "--output", str(folder)).status == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "sweep-memory.svg", "sweep-throughput.svg", "sweep.csv", "sweep.md", "sweep.tex",
    ]  # fmt: skip
    assert (folder / "sweep.md").read_text().startswith("### Throughput, images/s, by size")


def test_the_name_of_the_output_says_its_format(vtbench, speed, tmp_path):
    assert vtbench("report", str(speed), "--output", str(tmp_path / "a.tex")).status == 0
    assert (tmp_path / "a.tex").read_text().startswith("% needs")
    exported = vtbench("report", str(speed), "--format", "bencher").out
    assert "resnet18" in exported


def test_results_of_timm_are_read_too(vtbench, tmp_path):
    path = tmp_path / "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv"
    path.write_text(
        "model,infer_img_size,infer_samples_per_sec,infer_step_time,infer_batch_size,"
        "param_count,infer_gmacs,infer_macts\nresnet18,224,5000.0,51.2,256,11.69,1.82,2.48\n"
    )
    out = vtbench("report", str(path)).out
    assert "timm:resnet18" in out
    assert "protocol timm-import/1" in out
    assert "unwatched" in out


@pytest.fixture
def folder(tmp_path, sweep):
    """A folder of reports with measurements in it, and with records of counts."""
    made_folder = tmp_path / "reports"
    (made_folder / "measured").mkdir(parents=True)
    shutil.copy(REPORTS / "records.jsonl", made_folder)
    shutil.copy(sweep, made_folder / "measured")
    return made_folder


def test_measurements_in_a_folder_have_tables_and_figures_beside_them(vtbench, folder):
    assert vtbench("report", str(folder)).status == 0
    assert sorted(path.name for path in (folder / "measured").iterdir()) == [
        "sweep-memory.svg", "sweep-throughput.svg", "sweep.jsonl", "sweep.md",
    ]  # fmt: skip
    assert vtbench("report", str(folder), "--check").status == 0
    figure = folder / "measured" / "sweep-memory.svg"
    figure.write_text(figure.read_text().replace("drawn from ", "drawn by "))
    (folder / "measured" / "sweep.md").write_text("old")
    (folder / "check.csv").unlink()
    ended = vtbench("report", str(folder), "--check")
    assert ended.status == 1
    assert "sweep-memory.svg is stale" in ended.err
    assert "sweep.md is stale" in ended.err
    assert "check.csv is missing" in ended.err


def test_new_measurements_make_a_figure_stale(vtbench, folder):
    (folder / "records.jsonl").unlink()  # measurements alone are a folder of reports too
    assert vtbench("report", str(folder)).status == 0
    with (folder / "measured" / "sweep.jsonl").open("a") as file:
        file.write(lines([made("deit_s", resolution=(448, 448), seconds=0.2)]))
    ended = vtbench("report", str(folder), "--check")
    assert ended.status == 1
    assert "sweep-throughput.svg is stale" in ended.err
    assert "sweep-memory.svg" not in ended.err


def test_the_committed_reports_are_up_to_date(vtbench):
    assert vtbench("report", str(REPORTS), "--check").err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{file}", "--across", "tokens"), "not differ in 'tokens'"),
        (("{file}", "--show", "speed"), "expected one of throughput, time"),
        (("{file}", "--protocol", "graph"), "has the protocol 'graph'; the files hold throughput"),
        (("{file}", "--relative-to", "swin_t"), "'swin_t' is not among"),
        (("{file}", "--accuracy", "*"), "--accuracy chooses the accuracies"),
        (("{file}", "--output", "a.xlsx"), ".txt, got 'a.xlsx'; rename it, or give --format"),
        (
            ("{file}", "--plot", "a.gif"),
            "--plot: expected a file name that ends in .pdf, .png or .svg, got 'a.gif'",
        ),
        (("{file}", "--pareto", "--format", "bencher"), "has no format bencher"),
        (("{file}", "--check"), "--check compares a folder"),
        (("{file}", "{folder}"), "Expected one folder, or files"),
        (("{folder}", "--across", "tokens"), "A folder takes no option but --check"),
        (
            ("{file}", "--output", "{folder}", "--format", "csv"),
            "is a folder, into which every format is written",
        ),
        (("{empty}",), "There are no measurements"),
        (("{newer}",), "use the version of vtbench that wrote it"),
        (("{folder}/none.jsonl",), "cannot be read"),
        (("{folder}",), "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(vtbench, speed, tmp_path, arguments, said):
    places = {name: tmp_path / name for name in ("folder", "empty", "newer")}
    places["folder"].mkdir()
    places["empty"].write_text("\n")
    places["newer"].write_text('{"schema": "vtbench-measurement/99"}\n')
    ended = vtbench("report", *(text.format(file=speed, **places) for text in arguments))
    assert ended.status == 2
    assert said in ended.err
    assert ended.out == ""


def test_reports_need_no_torch(process, speed):
    code = (
        "import sys\nfrom vtbench.cli import main\n"
        f"try: main(['report', {str(speed)!r}, '--pareto'])\n"
        "except SystemExit as end: assert not end.code\n"
        "print([n for n in ('torch', 'timm', 'matplotlib') if n in sys.modules])"
    )
    assert process("-c", code).out.endswith("[]\n")
