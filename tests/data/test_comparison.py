"""Comparing files of measurements: what is a pair, what is refused, and what is said beside."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest

from vtbench.data.comparison import compare_records, failing
from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.files import line_of
from vtbench.data.measurement import Device, MeasuredMemory, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption
from vtbench.report.measurements_compared import ComparisonRendering, compared_table
from vtbench.stats import Gate

H200 = Device(kind="cuda", name="NVIDIA H200", index=0)
A100 = Device(kind="cuda", name="NVIDIA A100", index=0)
STEADY = (0.0100, 0.0101, 0.0099) * 20
"""Sixty samples around 10 ms, ±1 %."""


def record(model="toy", *, slower=1.0, protocol="latency", **fields) -> Measurement:
    """A measurement whose steps take ``slower`` times 10 ms; workload fields go to the workload."""
    own = {
        k: fields.pop(k) for k in list(fields) if k in Workload.__struct_fields__ and k != "device"
    }
    device = fields.pop("device", H200)
    samples = tuple(s * slower for s in STEADY)
    known = {
        "workload": Workload(model=model, resolution=(32, 32), device=device.kind, **own),
        "protocol": PROTOCOLS[protocol].id,
        "device": device,
        "environment": {"torch": "2.7.0", "driver": "570.1"},
        "samples": samples,
        "median": 0.01 * slower,
        "macs": 1000,
        "params": 50,
        "telemetry": Telemetry(verdict="clean"),
    }
    return Measurement(**known | fields)


def one(base, new, *across):
    (found,) = compare_records([base], [new], across)
    return found


def test_the_ratio_is_one_of_speeds_with_its_interval_the_right_way_round():
    found = one(record(), record(slower=2.0))
    assert found.verdict == "slower"
    assert found.ratio == pytest.approx(1 / 2)
    assert found.low <= found.ratio <= found.high
    assert (found.base_seconds, found.new_seconds) == (0.01, 0.02)
    assert one(record(slower=2.0), record()).verdict == "faster"
    assert one(record(slower=2.0), record()).ratio == pytest.approx(2)


def test_the_same_samples_are_the_same_and_nothing_is_said():
    found = one(record(), record())
    assert (found.verdict, found.ratio) == ("same", pytest.approx(1))
    assert (found.differs, found.counts, found.warnings) == ({}, {}, ())
    assert not failing([found], unclear=True)


def test_a_change_below_the_smallest_that_matters_is_none():
    found = compare_records([record()], [record(slower=1.02)], (), Gate(smallest=0.05))
    assert [each.verdict for each in found] == ["same"]


def test_samples_that_scatter_too_much_cannot_tell():
    wild = tuple(0.01 * (1 + k % 7) for k in range(12))
    found = one(record(samples=wild), record(samples=tuple(s * 1.05 for s in reversed(wild))))
    assert found.verdict == "cannot tell"
    assert not failing([found])
    assert failing([found], unclear=True)


def test_of_one_session_the_samples_are_pairs():
    """A drift that both arms share hides a change of 5 % from all but the pairs."""
    drift = tuple(0.01 * (1 + k / 10) for k in range(40))
    a, b = record(samples=drift), record(samples=tuple(s * 1.05 for s in drift))
    assert one(a, b).verdict == "cannot tell"
    paired = [msgspec.structs.replace(each, session="s") for each in (a, b)]
    assert one(*paired).verdict == "slower"
    assert one(*paired).ratio == pytest.approx(1 / 1.05)


def test_another_identity_is_refused_and_the_keys_are_named():
    with pytest.raises(BadInput) as refused:
        compare_records([record()], [record(device=A100, dtype="bf16")])
    said = str(refused.value)
    assert "device: NVIDIA H200 against NVIDIA A100; dtype: fp32 against bf16" in said
    assert "--across device,dtype" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"resolution": (64, 48)}, "resolution: 32x32 against 64x48"),
        ({"batch_size": 8}, "batch_size: 1 against 8"),
        ({"options": (("tokens", 8),)}, "options: none against tokens=8"),
        ({"layout": "channels_last"}, "layout: nchw against channels_last"),
        ({"autocast": True}, "autocast: off against on"),
        ({"compile": "default"}, "compile: none against default"),
        ({"threads": 2}, "threads: none against 2"),
        ({"attention": "math"}, "attention: none against math"),
        ({"cudnn_benchmark": False}, "cudnn_benchmark: on against off"),
        ({"mode": "train"}, "mode: eval against train"),
    ],
)
def test_every_condition_is_part_of_the_identity(changed, said):
    new = record()
    new = msgspec.structs.replace(new, workload=msgspec.structs.replace(new.workload, **changed))
    with pytest.raises(BadInput, match="Nothing can be compared") as refused:
        compare_records([record()], [new])
    assert said in str(refused.value)
    key = said.partition(":")[0]
    assert one(record(), new, key).across == (key,)


def test_protocols_are_never_mixed():
    with pytest.raises(BadInput, match="protocol: latency/1 against throughput/1"):
        compare_records([record()], [record(protocol="throughput")])


def test_a_combination_that_no_file_shares_is_said_so():
    base = [record("a"), record("b", dtype="bf16")]
    new = [record("a", dtype="bf16"), record("b")]
    with pytest.raises(BadInput, match="every value occurs in both files, but no combination"):
        compare_records(base, new)


def test_an_identity_may_differ_on_purpose():
    found = one(record(), record(slower=0.5, dtype="bf16"), "dtype")
    assert found.verdict == "faster"
    assert found.differs == {"dtype": ("fp32", "bf16")}
    assert found.across == ("dtype",)


def test_across_batch_sizes_the_speed_is_per_image():
    found = one(record(), record(slower=2.0, batch_size=4), "batch_size")
    assert found.ratio == pytest.approx(4 / 2)


def test_what_cannot_be_paired_one_to_one_is_refused():
    both = [record(), record(dtype="bf16")]
    with pytest.raises(BadInput, match="several measurements of toy in the base file match one"):
        compare_records(both, [record()], ["dtype"])


def test_another_environment_is_reported_and_may_be_the_axis():
    other = {"torch": "2.8.0", "driver": "570.1"}
    found = one(record(), record(environment=other, commit="abc"), "torch")
    assert found.differs == {"torch": ("2.7.0", "2.8.0"), "commit": (None, "abc")}
    assert found.across == ("torch",)
    assert found.verdict == "same"


def test_an_axis_that_nobody_knows_is_refused_with_those_that_there_are():
    with pytest.raises(BadOption, match=r"no such key.*dtype.*commit, driver, isolated, torch"):
        compare_records([record()], [record()], ["troch"])


def test_what_only_one_side_has_is_listed_with_the_nearest():
    base = [record("a"), record("b"), record("c")]
    new = [record("a"), record("b", dtype="bf16"), record("d")]
    found = compare_records(base, new)
    assert [(each.workload.model, each.verdict) for each in found] == [
        ("a", "same"),
        ("b", "not compared"),
        ("d", "not compared"),
        ("b", "not compared"),
        ("c", "not compared"),
    ]
    assert found[1].reason == (
        "It is only in the new file; the nearest in the other differs in dtype: bf16 here, "
        "fp32 there."
    )
    assert found[2].reason == "It is only in the new file."
    assert not failing(found)


def test_the_last_of_several_measurements_of_one_identity_counts():
    found = compare_records([record(slower=3.0), record()], [record()])
    assert [each.verdict for each in found] == ["same"]


def test_what_can_no_longer_be_run_fails():
    broken = Measurement(
        workload=record().workload, protocol=record().protocol, error="Out of memory."
    )
    (found,) = compare_records([record()], [broken, record("other")])[:1]
    assert (found.verdict, found.reason) == (
        "fails",
        "The base could be measured, and the new one cannot: Out of memory.",
    )
    assert failing([found])
    (found,) = compare_records([broken, record("other")], [record()])[:1]
    assert (found.verdict, found.ratio) == ("not compared", None)


def test_macs_and_parameters_that_differ_are_reported():
    found = one(record(), record(macs=1001, params=None))
    assert found.counts == {"macs": (1000, 1001)}
    assert found.verdict == "same"


def test_a_protocol_without_time_compares_what_it_counts():
    bare = {"samples": (), "median": None, "protocol": "memory", "telemetry": None}

    def peak(size, **fields):
        memory = MeasuredMemory(weights=40, peak_allocated=size)
        return record(**bare, memory=memory, **fields)

    assert one(peak(10_000), peak(10_000)).verdict == "same"
    assert one(peak(10_000), peak(10_200)).verdict == "same"  # 2 %, and 3 % is the smallest
    assert one(peak(10_000), peak(10_400)).verdict == "changed"
    assert one(peak(10_000), peak(10_400)).counts == {"peak_allocated": (10_000, 10_400)}
    assert one(peak(10_000), peak(10_000, macs=999)).verdict == "changed"
    assert one(peak(10_000), peak(10_000)).warnings == ()


@pytest.mark.parametrize(
    ("telemetry", "said"),
    [
        (
            Telemetry(verdict="throttled", disturbances=(Disturbance(Kind.HEAT, {"times": 9}),)),
            (
                "The device was throttled while the new one was measured: "
                "The processor slowed down 9 times because of heat."
            ),
        ),
        (
            Telemetry(
                verdict="unwatched",
                disturbances=(Disturbance(Kind.NVML_UNUSABLE, {"error": "no driver"}),),
            ),
            (
                "The device was not watched while the new one was measured: "
                "NVML cannot be used: no driver."
            ),
        ),
        (None, "The device was not watched while the new one was measured."),
    ],
)
def test_a_device_that_was_throttled_or_not_watched_is_said(telemetry, said):
    found = one(record(), record(telemetry=telemetry))
    assert [each.sentence for each in found.warnings] == [said]


def test_beside_others_that_had_the_cores_slower_stands_and_the_same_does_not():
    waited = Telemetry(
        verdict="throttled",
        disturbances=(Disturbance(Kind.STEAL, {"cores": 2.0}),),
        cpu_load=2.0,
        cpu_wait=0.3,
    )
    found = one(record(), record(telemetry=waited))
    assert found.verdict == "cannot tell"
    assert found.reason.startswith("Other processes used the cores for 30% of the time")
    assert one(record(), record(telemetry=waited, slower=1.2)).verdict == "slower"
    a_little = msgspec.structs.replace(waited, cpu_wait=0.05)
    assert one(record(), record(telemetry=a_little)).verdict == "same"
    own_threads = msgspec.structs.replace(waited, verdict="clean")  # they wait for each other
    assert one(record(), record(telemetry=own_threads)).verdict == "same"


@pytest.fixture
def files(tmp_path):
    def write(base, new):
        paths = []
        for name, records in (("base", base), ("new", new)):
            path = tmp_path / f"{name}.jsonl"
            path.write_text("".join(map(line_of, records)), encoding="utf-8")
            paths.append(str(path))
        return paths

    return write


def test_the_command_prints_what_it_found(vtbench, files, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    base, new = files(
        [record("a"), record("b")],
        [record("a", slower=2.0, macs=2000), record("b", environment={"torch": "2.8.0"})],
    )
    ended = vtbench("compare", base, new)
    assert ended.status == 1
    lines = ended.out.splitlines()
    assert "latency/1 · NVIDIA H200 · fp32 · batch 1 · 32×32" in lines
    assert any(line.startswith("a ") and "slower" in line for line in lines)
    assert any(line.startswith("b ") and "same" in line for line in lines)
    assert "a: The counts differ: macs 1,000 → 2,000 (+1.000 K)." in lines
    assert "b: These differ too: torch 2.7.0 → 2.8.0, driver 570.1 → —." in lines


def test_a_note_names_the_row_that_it_is_about():
    base = [record("a", batch_size=n) for n in (1, 8)] + [record("a", protocol="throughput")]
    new = [record("a", macs=2000), *base[1:]]
    table = compared_table(compare_records(base, new), ComparisonRendering())
    said = "a (batch size 1), latency/1: The counts differ: macs 1,000 → 2,000 (+1.000 K)."
    assert said in table.notes
    alike = compared_table(compare_records(base[:2], new[:2]), ComparisonRendering())
    assert "a (batch size 1): The counts differ: macs 1,000 → 2,000 (+1.000 K)." in alike.notes


def test_the_json_is_as_promised(vtbench, files):
    ended = vtbench("compare", *files([record()], [record(slower=2)]), "--format", "json")
    (found,) = json.loads(ended.out)["results"]
    assert found["workload"]["model"] == "toy"
    assert found["verdict"] == "slower"
    assert found["ratio"] == pytest.approx(0.5)
    assert found["low"] <= 0.5 <= found["high"]
    assert found["differs"] == {}
    assert ended.status == 1


@pytest.mark.parametrize("shape", ["markdown", "csv", "latex"])
def test_every_shape_holds_the_verdict(vtbench, files, shape):
    ended = vtbench("compare", *files([record()], [record()]), "--format", shape)
    assert ended.status == 0
    assert "same" in ended.out


def test_the_csv_has_a_line_for_each_pair_with_figures_in_full(vtbench, files):
    ended = vtbench("compare", *files([record()], [record(slower=2)]), "--format", "csv")
    (line,) = csv.DictReader(io.StringIO(ended.out))
    assert (line["model"], line["height"], line["width"]) == ("toy", "32", "32")
    assert (line["protocol"], line["device"]) == ("latency/1", "NVIDIA H200")
    assert (line["verdict"], line["base_seconds"], line["new_macs"]) == ("slower", "0.01", "1000")
    assert float(line["low"]) <= float(line["ratio"]) <= float(line["high"])


def test_unclear_fails_where_it_is_asked_to(vtbench, files):
    wild = tuple(0.01 * (1 + k % 7) for k in range(12))
    paths = files([record(samples=wild)], [record(samples=tuple(s * 1.05 for s in wild))])
    assert vtbench("compare", *paths).status == 0
    assert vtbench("compare", *paths, "--fail-on-unknown").status == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Expected two files of measurements, BASE and NEW, got 0"),
        (
            ("a.jsonl", "missing.jsonl"),
            "missing.jsonl cannot be read: no such file or directory.\n",
        ),
        (("a.jsonl", "picture.png"), "picture.png cannot be read: it is not text.\n"),
        (
            ("a.jsonl", "a.jsonl", "--smallest", "three"),
            "expected a share such as 3% or 0.03, got 'three'",
        ),
        (
            ("a.jsonl", "a.jsonl", "--smallest", "300%"),
            "expected a share such as 3% or 0.03, got '300%'",
        ),
    ],
)
def test_what_cannot_be_carried_out_is_said(vtbench, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jsonl").write_text(line_of(record()))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    ended = vtbench("compare", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


def test_an_empty_file_is_said_so(vtbench, files):
    ended = vtbench("compare", *files([], [record()]))
    assert (ended.status, "The base file holds no measurements." in ended.err) == (2, True)


def test_where_every_pair_failed_nothing_was_compared(vtbench, files):
    broken = Measurement(
        workload=Workload(model="x"), protocol=PROTOCOLS["latency"].id, error="No."
    )
    ended = vtbench("compare", *files([broken], [broken]))
    assert (ended.status, "Nothing could be compared" in ended.err) == (2, True)


def test_on_a_narrow_page_conditions_give_way_before_models_and_verdicts(
    vtbench, files, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    counted = record("resnet34", protocol="macs", device=Device(kind="cpu", name="cpu"))
    base, new = files(
        [record("resnet34"), counted],
        [record("resnet34"), record("deit_s", batch_size=8, threads=1)],
    )
    lines = vtbench("compare", base, new).out.splitlines()
    assert any(line.startswith("resnet34 ") and line.endswith("same") for line in lines)
    assert sum(line.endswith("not compared") for line in lines) == 2
    assert "Hidden to fit 80 columns: Device, Base ms, New ms." in lines
