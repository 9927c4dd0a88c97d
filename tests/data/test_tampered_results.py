"""Records, measurements, forms, baselines and timm's files that were tampered with.

Each is read, and then everything is made of it that commands make: either a sentence says what is
wrong with it, or all of it is written.
"""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_measurements import made, remembered
from tampered import DEEP, EDGES, LONG, edited, mutated, outcome, places, replaced, tried

from vtbench.claims.baseline import judge_baseline, lines_of_baseline, read_baseline
from vtbench.claims.judge import judge
from vtbench.claims.suite import read_suite
from vtbench.data.closed_form import Checked, Formula
from vtbench.data.comparison import compare_records
from vtbench.data.distribution import Distribution, InputSet, VaryingOperator
from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.files import ResultFile, line_of, read_measurements, read_results
from vtbench.data.from_samples import ratios_of
from vtbench.data.measurement import MeasuredMemory, Roofline, StageShare, Telemetry
from vtbench.data.record import ByValues
from vtbench.data.timm_results import COLUMNS, read_timm_results
from vtbench.errors import UsageError, VtbenchError
from vtbench.report import CountsRendering, Rendering, counts_document
from vtbench.report.baseline import with_reasons
from vtbench.report.checking import check_document
from vtbench.report.formula import evaluated, formula_document
from vtbench.report.measured import AUTO, MeasuredRendering, measured_document
from vtbench.report.measured.charts import charts

FORMATS = ("table", "json", "csv", "markdown", "latex")
DRAWN = Distribution(
    over=InputSet(seeds=3),
    values=(5, 7, 9),
    varying=(VaryingOperator(op="aten.mm", min=5, max=9, min_calls=1, max_calls=2),),
)
TELEMETRY = Telemetry(
    verdict="throttled",
    samples=40,
    disturbances=(Disturbance(Kind.OTHER_LOAD, {"load": 1.5, "threads": 4, "waited": 0.2}),),
    sm_clock_mhz=1000.0, sm_clock_low_mhz=900.0, sm_clock_high_mhz=1100.0, power_w=300.0,
    temperature_c=40.0, other_processes=1, energy_per_image_j=0.2, cpu_load=1.5, cpu_wait=0.1,
)  # fmt: skip
ROOFLINE = Roofline(
    macs_per_second=1e12,
    bytes_per_second=1e11,
    ceiling_macs_per_second=2e12,
    ceiling_bytes_per_second=2e11,
    datasheet_macs_per_second=3e12,
    datasheet_bytes_per_second=3e11,
    bound="memory",
    stages=(StageShare(stage="a", seconds=0.01, macs=10**9, bytes=10**6, utilisation=0.5),),
)
TIMED = made(
    samples=12, telemetry=TELEMETRY, roofline=ROOFLINE, utilisation=0.4, activations=10**6,
    p90=0.051, warmup_steps=5, warmup_seconds=1.0, date="2026-01-01T00:00:00Z", session="s",
    memory=MeasuredMemory(weights=10**8, peak_resident=10**9, predicted=10**9, ratio=1.1),
    options=(("depth", 12), ("ratios", (1, 2.5))),
)  # fmt: skip
REMEMBERED = remembered(
    "deit_s", 49, 10**9, distribution=DRAWN,
    by_values=ByValues(operators=("aten.nonzero",), counted_on="one random input of seed 0"),
)  # fmt: skip
FORM = Formula(
    model="deit_t", options={"depth": 12, "ratios": (1, 2)}, macs="B*H*W/256", macs_unit="B*h*w",
    unit=(16, 16), conditions=("H a multiple of 16",), multiple_of={"H": 16}, at_least={"H": 16},
    fixed={"T": 5}, where=("T <= 77", "H/16 > 1"), degree={"B": 1, "H": 1, "W": 1},
    growth="linear", method="symbolic", seconds=1.5, key="k",
    checked_at=(Checked(sizes={"B": 1, "H": 224, "W": 224}, macs=196),),
)  # fmt: skip
SUITE = """
[suite]
title = "Small nets"
source = "a test"
hardware = "cpu"
[[table]]
id = "t"
where = "Table 1"
[table.columns]
macs = { metric = "macs", unit = "K" }
params = { metric = "params", unit = "K" }
speed = { metric = "throughput", unit = "img/s" }
peak = { metric = "memory", unit = "MB" }
[[table.row]]
id = "toy"
workload = { model = "toy", resolution = 16 }
macs = "52.112"
params = "1.0"
speed = "1280"
peak = "12"
"""


def line(result) -> dict:
    return json.loads(line_of(result))


def fields(value):
    return [path for path in places(value) if path]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept.jsonl"


def everything_of_measurements(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    found = read_measurements(file)
    compare_records([TIMED, REMEMBERED], found)
    for across, shape in itertools.product((AUTO, None), FORMATS):
        measured_document(found, ratios_of(found), MeasuredRendering(format=shape, by=across))
    for shape in ("github-action-benchmark", "bencher", "timm-csv"):
        outcome(UsageError, measured_document, found, [], MeasuredRendering(format=shape))
    charts(found)


def everything_of_records(file: Path, text: str, suite) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    found = read_results([file], ("records", "measurements"))
    verdicts = judge([suite], found.records, found.measurements)
    good = [record for record in found.records.values() if record.error is None]
    for shape in FORMATS:
        check_document(verdicts, Rendering(format=shape))
        if good:
            counts_document(good, CountsRendering(format=shape))


def everything_of_forms(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    forms = read_results([file], ("forms",)).forms
    for shape in FORMATS:
        formula_document(forms, None, Rendering(format=shape))
        rows = evaluated(
            forms, [{"B": 1, "H": 224, "W": 224, "T": 5}, {"B": 2, "H": 3, "W": 5, "T": 5}]
        )
        formula_document(forms, rows, Rendering(format=shape))


def everything_of_a_baseline(file: Path, text: str, record) -> None:
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    baseline = read_baseline(file)
    judged = with_reasons(judge_baseline(baseline, {record.workload: record}, "2.6"))
    for shape in (*FORMATS, "junit"):
        check_document(judged, Rendering(format=shape))


@pytest.fixture
def targets(file, tmp_path, make_record):
    """Name -> a line, what it is put into, and what is made of a file."""
    path = tmp_path / "small.toml"
    path.write_text(SUITE)
    suite = read_suite(path)
    record = make_record(
        unknown=True, counters=True, distribution=DRAWN, memory_distribution=DRAWN,
        by_values=REMEMBERED.by_values,
    )  # fmt: skip
    head, net, *modules = lines_of_baseline({record.workload: record}, "2.6").splitlines()
    other = made("toy", samples=12, resolution=(16, 16))
    return {
        "measurement": (line(TIMED), "@\n", lambda t: everything_of_measurements(file, t)),
        "peak": (line(REMEMBERED), "@\n", lambda t: everything_of_measurements(file, t)),
        "record": (
            line(record),
            "@\n" + line_of(other),
            lambda t: everything_of_records(file, t, suite),
        ),
        "speed": (
            line(other),
            line_of(record) + "@\n",
            lambda t: everything_of_records(file, t, suite),
        ),
        "form": (line(FORM), line_of(FORM) + "@\n", lambda t: everything_of_forms(file, t)),
        "net": (
            json.loads(net),
            "\n".join([head, "@", *modules]),
            lambda t: everything_of_a_baseline(file, t, record),
        ),
        "module": (
            json.loads(modules[0]),
            f"{head}\n{net}\n@",
            lambda t: everything_of_a_baseline(file, t, record),
        ),
    }


TARGETS = ("measurement", "peak", "record", "speed", "form", "net", "module")


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_sound_is_written_in_every_format(targets, name):
    value, around, use = targets[name]
    use(around.replace("@", json.dumps(value)))


@pytest.mark.parametrize("name", TARGETS)
def test_a_line_that_was_tampered_with_is_refused_in_a_sentence_or_written(targets, name):
    value, around, use = targets[name]

    @tried(60)
    @given(text=mutated(value))
    def tampered(text):
        outcome(VtbenchError, use, around.replace("@", text))

    tampered()


@pytest.mark.skipif(not LONG, reason="VTBENCH_FUZZ is not set")
@pytest.mark.parametrize("name", TARGETS)
def test_every_value_of_a_tampered_line_may_be_anything(targets, name):
    value, around, use = targets[name]
    for path, text in itertools.product(fields(value), EDGES):
        outcome(VtbenchError, use, around.replace("@", replaced(value, path, text)))


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (("median",), "0", r"Expected `float` >= 1e-12 - at `\$\.median`"),
        (("median",), "1e300", r"the number 1e300 is out of bounds, which are 1e-30 and 1e24"),
        (("samples", 0), "-0.5", r"Expected `float` >= 1e-12 - at `\$\.samples\[0\]`"),
        (("samples", 0), "true", r"Expected `float`, got `bool`"),
        (("samples", 0), "1e-320", "the number 1e-320 is out of bounds"),
        (("workload", "batch_size"), "0", "Expected `int` >= 1"),
        (("workload", "threads"), "7" * 40, "the number 777777777777777777777777... is out"),
        (("macs",), "-1", "Expected `int` >= 0"),
        (("macs",), "0.5e999999999", "the number 0.5e999999999 is out of bounds"),
        (("device", "memory"), "NaN", "JSON is malformed"),
        (("session",), "[" * DEEP + "]" * DEEP, "it is nested too deeply"),
        (("unheard_of",), "[" * DEEP + "]" * DEEP, "it is nested too deeply"),
        (
            ("telemetry", "disturbances", 0, "values"),
            '{"load": "x"}',
            "Expected the values of a disturbance other_load, got",
        ),
    ],
)
def test_a_number_out_of_bounds_is_named_with_its_field_and_line(file, path, text, said):
    file.write_text(line_of(TIMED) + replaced(line(TIMED), path, text) + "\n")
    with pytest.raises(UsageError, match=rf"kept\.jsonl:2: this is not a measurement: .*{said}"):
        read_measurements(file)
    with pytest.raises(UsageError, match=said):
        ResultFile(file, ["measurements"])


def test_what_looks_like_a_number_in_a_text_is_none(file):
    kept = msgspec.structs.replace(
        TIMED, session="9" * 50 + ' 1e-999 \\" 1e999', date="0.00000000001"
    )
    file.write_text(line_of(kept))
    assert read_measurements(file) == [kept]


@pytest.mark.parametrize("exact", [0, 10**24 - 1, 2**64 + 1])
def test_numbers_within_bounds_stay_exact(file, exact):
    kept = msgspec.structs.replace(TIMED, macs=exact, samples=(1e-12, 0.05, 1e9))
    file.write_text(line_of(kept))
    assert read_measurements(file) == [kept]


@tried(60)
@given(
    macs=st.integers(0, 10**24 - 1),
    samples=st.lists(st.floats(1e-12, 1e9), max_size=4).map(tuple),
    session=st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
)
def test_what_is_written_is_read_again(tmp_path_factory, macs, samples, session):
    file = tmp_path_factory.getbasetemp() / "round.jsonl"
    kept = msgspec.structs.replace(TIMED, macs=macs, samples=samples, session=session)
    form = msgspec.structs.replace(FORM, error=session, macs=str(macs))
    file.write_text(line_of(kept) + line_of(form), encoding="utf-8")
    found = read_results([file])
    assert (found.measurements, found.forms) == ([kept], [form])
    assert all(math.isfinite(each) for each in found.measurements[0].samples)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"where": ["T"]}, "The condition 'T' is not a comparison"),
        ({"where": ["1 < T < 5"]}, "is not a comparison"),
        ({"where": ["T <= import"]}, "cannot be read"),
        ({"where": ["1/(H - 224) < 3"]}, "divides by zero at B=1, H=224"),
        ({"where": ["Mod(H, 0) = 1"]}, "divides by zero"),
        ({"multiple_of": {"H": 0}}, "Expected `int` >= 1"),
        ({"macs": "9" * 5_000}, "cannot be read"),
        ({"macs": "9" * 900 + "*" + "9" * 900}, "more than 1,000 digits"),
        ({"macs": "H/0"}, "divides by zero"),
        ({"unit": [0, 0]}, "Expected `int` >= 1"),
    ],
)
def test_a_form_that_has_no_value_is_refused(file, changed, said):
    with pytest.raises(UsageError, match=said):
        everything_of_forms(file, json.dumps({**line(FORM), **changed}) + "\n")


ROW = {
    "model": "vit_b", "infer_img_size": "224", "infer_samples_per_sec": "1000.5",
    "infer_step_time": "25.1", "infer_batch_size": "256", "param_count": "86.57",
    "infer_gmacs": "17.58", "infer_macts": "23.9",
}  # fmt: skip
NAME = "benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv"


def timm_file(folder, row) -> Path:
    path = folder / NAME
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(row[c] for c in COLUMNS) + "\n")
    return path


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(("infer_samples_per_sec", t) for t in ("nan", "inf", "-1", "0", "1e-320", "1e308", "x")),
        *(("infer_img_size", t) for t in ("0", "-3", "1_000", "9" * 40, "9" * 5_000, "2.5", "")),
        *(("infer_batch_size", t) for t in ("0", "-1", "9" * 40, "true")),
    ],
)
def test_a_figure_of_timm_that_is_out_of_bounds_is_refused(tmp_path, column, text):
    path = timm_file(tmp_path, ROW | {column: text})
    with pytest.raises(UsageError, match=rf"{NAME}:2: .*{column}"):
        read_timm_results(path)


def test_files_of_timm_that_were_tampered_with_are_refused_or_written(tmp_path):
    whole = timm_file(tmp_path, ROW).read_text()
    (sound,) = read_timm_results(tmp_path / NAME)
    assert (sound.workload.batch_size, sound.images_per_second) == (256, 1000.5)

    def use(text):
        path = tmp_path / NAME
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        if found := read_timm_results(path):
            for shape in (*FORMATS, "timm-csv"):
                measured_document(found, [], MeasuredRendering(format=shape, by=AUTO))

    @tried(60)
    @given(text=edited(whole))
    def tampered(text):
        outcome(UsageError, use, text)

    tampered()
