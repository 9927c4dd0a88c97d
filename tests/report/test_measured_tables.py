"""Tables of measurements: conditions above, figures as exact as their intervals, doubts below."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest
from made_measurements import CPU, H200, failed, made, remembered

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Device, MeasuredMemory, Ratio, Telemetry
from vtbench.data.protocol import ProtocolId
from vtbench.measure.machine.limits import Held
from vtbench.measure.machine.nvml import Reading
from vtbench.measure.telemetry import processor_watcher as host
from vtbench.measure.telemetry import watching as telemetry
from vtbench.report.measured import (
    MeasuredRendering,
    labels,
    measured_document,
    measured_tables,
)
from vtbench.report.measured.columns import state
from vtbench.report.table import explained
from vtbench.report.units import bracketed, plain, plus_minus, share


def _document(records, ratios=(), **asked) -> str:
    return measured_document(records, ratios, MeasuredRendering(**asked))


def _rows(text) -> list[list[str]]:
    """The cells of the first table of a markdown document."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(
    ("value", "half", "said"),
    [
        (1234.5, 34, "1,230 ± 30"),
        (1234.5, 12, "1,234 ± 12"),  # half to even: 1234.5 is exact in binary
        (0.05123, 0.00017, "0.05123 ± 0.00017"),
        (987654.321, 0.0001, "987,654"),  # no interval shows more than six digits
        (20.0, 0.1, "20.00 ± 0.10"),
        (5.0, 40.0, "5.0 ± 40.0"),  # an interval wider than the value leaves two digits
        (20.0, None, "20.0"),
        (20.0, 0.0, "20.0000"),
        (None, 1.0, "—"),
    ],
)
def test_the_half_width_decides_how_many_digits_are_shown(value, half, said):
    assert plus_minus(value, half) == said


def test_brackets_have_the_digits_of_the_value():
    assert bracketed(51.84, 51.3, 52.4) == "51.8 [51.3, 52.4]"  # ±0.55: one decimal
    assert bracketed(0.7104, 0.70, 0.72, "×") == "0.710× [0.700, 0.720]"  # ±0.010: three
    assert bracketed(51.84, None, None) == "51.8"
    assert bracketed(51.84, 51.84, 51.84) == "51.8400"
    assert bracketed(None, 1.0, 2.0) == "—"


def test_plain_figures_have_three_digits_and_whole_numbers_stay_whole():
    assert [plain(v) for v in (1234.6, 12.345, 0.0012345, 0, None)] == [
        "1,235", "12.3", "0.00123", "0.00", "—",
    ]  # fmt: skip
    assert share(0.41249) == "41.2 %"


def test_what_all_rows_share_stands_above_and_what_differs_is_a_column():
    table = measured_tables([made(), made("deit_s", batch_size=32)])[0]
    assert table.conditions == (
        (
            "fp32 · NCHW · 224×224 · forward only, inference mode, input resident on the device · "
            "4 threads · AMD EPYC 7543 · torch 2.15.0 · protocol throughput/1 (steps back to back, "
            "the device's queue kept full; several inputs in turn)"
        ),
    )
    heads = [column.head for column in table.columns]
    assert heads == [
        "Model", "Batch", "images/s", "ms/step", "MACs (G)", "Params (M)", "State", "Ended by",
    ]  # fmt: skip
    assert table.rows[0] == (
        "resnet34", "64", "1,280 ± 6", "50.0 [49.8, 50.2]", "3.664", "21.798", "clean",
        "interval",
    )  # fmt: skip


def test_a_gpu_has_its_words_and_a_cpu_has_others():
    said = measured_tables([made(device=H200)])[0].conditions[0]
    assert said.startswith("fp32, TF32 off · NCHW · batch 64 · 224×224 · forward only, inference")
    assert "cuDNN's own benchmark on · NVIDIA H200" in said
    assert "thread" not in said
    cpu = measured_tables([made()])[0].conditions[0]
    assert "cuDNN" not in cpu
    assert "TF32" not in cpu


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"dtype": "bf16", "autocast": True}, "autocast to bf16"),
        ({"dtype": "tf32"}, "fp32 with TF32 products"),
        ({"layout": "channels_last"}, "channels last"),
        ({"backward": True, "mode": "train"}, "forward and backward, training mode"),
        ({"mode": "train"}, "forward only, training mode"),
        ({"compile": "max-autotune"}, "torch.compile, mode max-autotune"),
        ({"attention": "flash"}, "attention by the flash kernel"),
        ({"options": (("tokens", 8),)}, "tokens=8"),
        ({"isolated": False}, "in its caller's process"),
    ],
)
def test_every_condition_is_said(fields, said):
    assert said in measured_tables([made(device=H200, **fields)])[0].conditions[0]


def test_an_option_that_only_one_model_has_is_a_column():
    rows = _rows(_document([made(), made("vt_r34", options=(("tokens", 8),))], format="markdown"))
    assert rows[0][:2] == ["Model", "tokens"]
    assert [row[1] for row in rows[2:4]] == ["—", "8"]


def test_protocols_never_share_a_table():
    records = [made(protocol="latency"), made(), remembered("vt_r34", 8, 10**9)]
    tables = measured_tables(records)
    assert [table.title for table in tables] == ["Throughput", "Latency", "Memory"]
    assert [len(table.rows) for table in tables] == [1, 1, 1]
    assert measured_tables([made(protocol="latency-cold")])[0].title == "Latency, latency-cold"


def test_percentiles_stand_where_there_are_samples_enough():
    enough = made(protocol="latency", p90=0.0512, p99=0.0534)
    rows = _rows(_document([enough, made("vt_r34", protocol="latency", p90=0.06)],
                           format="markdown"))  # fmt: skip
    assert rows[0][:4] == ["Model", "ms/step", "p90 (ms)", "p99 (ms)"]
    assert [row[2:4] for row in rows[2:4]] == [["51.2", "53.4"], ["60.0", "—"]]
    table = measured_tables([enough, made("vt_r34", protocol="latency", p90=0.06)])[0]
    assert "p99 needs at least 662 steps." in table.notes
    assert not any("p90" in note for note in table.notes)


def test_a_failure_is_a_row_with_its_reason_below():
    table = measured_tables([made(), failed()])[0]
    assert table.rows[1] == ("vit_h", "failed", "—", "—", "—", "—", "—")
    assert "vit_h: It ran out of memory at a batch of 64." in table.notes
    alone = measured_tables([failed()])[0]
    assert alone.rows == (("vit_h", "failed"),)


def test_what_failed_has_a_batch_too():
    table = measured_tables([made(), failed(batch_size=512)])[0]
    assert [row[1] for row in table.rows] == ["64", "512"]


def test_machines_that_were_not_quiet_are_named_with_their_reason():
    busy = Telemetry(
        verdict="throttled", disturbances=(Disturbance(Kind.HOST_FULL, {"load": 1.3, "cores": 2}),)
    )
    unseen = Telemetry(
        verdict="unwatched", disturbances=(Disturbance(Kind.NVML_UNUSABLE, {"error": "none"}),)
    )
    notes = measured_tables([made(telemetry=busy), made("a", telemetry=unseen), made("b")])[0].notes
    assert "resnet34: busy. Other processes kept 1.3 of the host's 2 cores busy." in notes
    assert "a: unwatched. NVML cannot be used: none." in notes
    both = measured_tables([made(telemetry=unseen), made("a", telemetry=unseen)])[0].notes
    assert "All rows: unwatched. NVML cannot be used: none." in both


def _processor(**change) -> Telemetry:
    """What is said of two seconds of a processor, whose own work was 4 s of two cores."""
    idle = {"busy": 0.0, "own": 0.0, "steal": 0.0, "held": Held(), "overheated": 0}
    worked = {**idle, "busy": 4.0, "own": 4.0, **change}
    ends = (host.Usage(at=0.0, **idle), host.Usage(at=2.0, **worked))
    return host.judged(*ends, threads=2)


def _card(reasons=0, others=0) -> Telemetry:
    """What is said of a GPU whose clock these bits hold down, beside other processes."""
    readings = [Reading(at=k / 10, reasons=reasons) for k in range(6)]
    return telemetry.judged(readings, (telemetry.End(at=0.0), telemetry.End(at=0.5)), None, others)


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (_processor(busy=8.0), "busy"),  # (8 - 4) / 2 s = 2 cores of others
        (_processor(steal=2.0), "busy"),
        (_processor(overheated=3), "throttled"),
        (_processor(held=Held(times=2, seconds=1.0)), "throttled"),
        (_processor(busy=8.0, overheated=3), "throttled"),
        (_card(others=1), "busy"),
        (_card(others=2), "busy"),
        (_card(reasons=4, others=2), "throttled"),  # 4: the power cap
        (_card(reasons=4), "throttled"),
    ],
)
def test_work_of_others_is_called_busy_and_heat_and_power_throttled(seen, said):
    assert seen.verdict == "throttled"  # as records say of both
    assert state(seen) == said


def test_a_state_that_is_not_throttled_is_the_verdict():
    assert state(Telemetry(verdict="clean")) == "clean"
    assert state(
        Telemetry(
            verdict="unwatched", disturbances=(Disturbance(Kind.GPU_SHARED, {"processes": 1}),)
        )
    ) == ("unwatched")


def test_the_column_of_states_and_the_note_say_the_same():
    busy = Telemetry(
        verdict="throttled", disturbances=(Disturbance(Kind.HOST_FULL, {"load": 1.3, "cores": 2}),)
    )
    table = measured_tables([made(telemetry=busy)])[0]
    heads = [column.head for column in table.columns]
    assert table.rows[0][heads.index("State")] == "busy"
    assert "resnet34: busy. Other processes kept 1.3 of the host's 2 cores busy." in table.notes


def test_a_rate_with_a_wide_interval_has_its_ends_in_brackets():
    # 10 images in 4 s; the median of 3 s lies in [1.5, 9] s: 2.5 · 3/9 and 2.5 · 3/1.5
    wide = made(batch_size=10, images_per_second=2.5, median=3.0, low=1.5, high=9.0)
    table = measured_tables([wide])[0]
    assert table.rows[0][1] == "2.5 [0.8, 5.0]"
    assert "images/s is all images divided by the total time; its interval is the inverse." in (
        explained(table).notes
    )
    near = made(batch_size=64, spread=0.2)  # ±10 %: turned round a little more than that
    assert measured_tables([near])[0].rows[0][1] == "1,280 [1,160, 1,420]"
    assert measured_tables([made(spread=0.19)])[0].rows[0][1] == "1,280 ± 120"


def test_more_threads_than_cores_are_said():
    few = Device(kind="cpu", name="A processor", cores=2)
    records = [made("a", device=few, threads=999), made("b", device=few, threads=2), made("c")]
    notes = [note for note in measured_tables(records)[0].notes if "threads share" in note]
    (note,) = notes
    assert note == (
        "a: 999 threads share 2 cores and wait for each other; leave --threads out, or give at "
        "most the number of cores."
    )
    alike = [made(name, device=few, threads=3) for name in "ab"]
    assert any(note.startswith("All rows: 3") for note in measured_tables(alike)[0].notes)


def test_an_interval_that_stayed_wide_is_said():
    notes = measured_tables([made(stopped_by="max_time", spread=0.046)])[0].notes
    # from -2.3 % to +2.3 %: half of 0.046
    assert "resnet34: --max-time ended the sampling at ±2.3 % of the median (20 samples)." in notes


def test_ratios_are_sentences_with_their_interval():
    ratios = [
        Ratio(a="vt_r34", b="resnet34", ratio=0.71, low=0.70, high=0.72),
        Ratio(a="deit_s", b="resnet34", ratio=1.002, low=0.99, high=1.01),
    ]
    notes = measured_tables([made(), made("vt_r34"), made("deit_s")], ratios)[0].notes
    assert notes[0] == "vt_r34 is 0.710× [0.700, 0.720] as fast as resnet34."
    assert notes[1] == (
        "deit_s is 1.002× [0.990, 1.010] as fast as resnet34; it is not known which is faster."
    )


def test_a_ratio_of_fewer_than_six_samples_decides_nothing():
    ratios = [Ratio(a="a", b="b", ratio=1.4, low=1.1, high=1.7)]
    table = measured_tables([made("a", samples=5), made("b", samples=6)], ratios)[0]
    assert table.notes[0] == (
        "a is 1.4× [1.1, 1.7] as fast as b; fewer than 6 samples cannot tell which is faster."
    )
    assert explained(table).notes[1] == (
        "ms/step is the median with its 95 % interval; with fewer than 6 samples, the range "
        "from least to greatest."
    )
    table = measured_tables([made("a", samples=6), made("b", samples=6)], ratios)[0]
    assert table.notes[0] == "a is 1.4× [1.1, 1.7] as fast as b."
    assert explained(table).notes[1] == "ms/step is the median with its 95 % interval."


def test_a_ratio_is_turned_round_to_the_model_that_was_asked_for():
    ratio = Ratio(a="vt_r34", b="resnet34", ratio=0.5, low=0.4, high=0.625)
    data = json.loads(_document([made()], [ratio], format="json", relative_to="vt_r34"))
    assert data["ratios"] == [
        {
            "a": "resnet34",
            "b": "vt_r34",
            "ratio": 2.0,
            "low": 1 / 0.625,
            "high": 1 / 0.4,
            "protocol": None,
            "rounds": None,
        }
    ]


def test_ratios_are_said_of_the_first_model_and_the_json_has_all():
    ratios = [
        Ratio(a="a", b="b", ratio=0.5, low=0.4, high=0.625),
        Ratio(a="a", b="c", ratio=0.8, low=0.5, high=1.25),
        Ratio(a="b", b="c", ratio=1.6, low=1.5, high=1.7),
    ]
    records = [made("a"), made("b"), made("c")]
    notes = measured_document(records, ratios)
    assert "a is 0.50× [0.40, 0.62] as fast as b." in notes
    assert "a is 0.80× [0.50, 1.25] as fast as c; it is not known which is faster." in notes
    assert "b is" not in notes
    assert len(json.loads(_document(records, ratios, format="json"))["ratios"]) == 3


def test_labels_say_what_tells_records_apart():
    records = [made(), made(batch_size=1), made("deit_s")]
    assert labels(records) == ["resnet34 (batch size 64)", "resnet34 (batch size 1)", "deit_s"]
    again = [made(), made(environment={"torch": "2.16.0"})]
    assert labels(again) == ["resnet34, torch 2.15.0", "resnet34, torch 2.16.0"]


def test_the_exports_of_others_are_formats_too():
    text = _document([made()], format="timm-csv")
    assert text.splitlines()[0].startswith("model,infer_img_size,infer_samples_per_sec")
    assert text.splitlines()[1].startswith("resnet34,224,1280.0,50.0,64,")  # 64 / 0.05 s


def test_memory_has_columns_of_its_own():
    rows = _rows(_document([remembered("vt_r34", 8, 1_204_000_000)], format="markdown"))
    # predicted: 5 MB less; 1204 / 1199 = 1.004
    assert rows[0] == [
        "Model", "Weights (MB)", "Peak resident (GB)", "Predicted (GB)", "Ratio", "Params (M)",
    ]  # fmt: skip
    assert rows[2] == ["vt\\_r34", "80.0", "1.20", "1.20", "1.004×", "21.798"]


def test_the_caption_of_memory_says_in_whose_process_once():
    own = measured_tables([remembered("vt_r34", 8, 10**9)])[0].conditions[0]
    assert own.count("process") == 1
    assert " · in a process of its own · protocol memory/1 (one step after a warm-up step" in own
    live = measured_tables([remembered("vt_r34", 8, 10**9, isolated=False)])[0].conditions[0]
    assert live.count("process") == 1
    assert " · in its caller's process · protocol memory/1" in live
    assert "process" not in measured_tables([made()])[0].conditions[0]


def test_counts_name_no_device():
    table = measured_tables([made(protocol="macs", activations=640)])[0]
    assert table.conditions == (
        (
            "batch 64 · 224×224 · forward · protocol macs/1 "
            "(multiply-accumulates counted on shapes; one FMA is one)"
        ),
    )
    assert table.rows == (("resnet34", "3.664", "21.798", "10"),)  # 640 / 64
    assert "MACs are for one image." in explained(table).notes


def test_predicted_memory_has_the_weights_in_it_and_is_not_called_the_peak_of_activations():
    table = measured_tables([made(protocol="macs", memory=MeasuredMemory(predicted=53_800_000))])[0]
    assert [column.head for column in table.columns] == [
        "Model", "MACs (G)", "Params (M)", "Predicted mem. (MB)",
    ]  # fmt: skip
    assert table.rows[0][3] == "53.8"


def test_macs_that_do_not_divide_by_the_batch_are_those_of_the_step():
    table = measured_tables([made(protocol="macs", macs=1_000_000_001, batch_size=2)])[0]
    assert table.rows[0][1] == "1.000 G a step"


@pytest.mark.parametrize("width", [80, 60])
def test_terminal_tables_keep_to_the_page(width):
    records = [made(utilisation=0.41), made("vt_r34", options=(("tokens", 8),), batch_size=1)]
    text = _document(records, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert f"Hidden to fit {width} columns: " in text


def test_csv_has_every_scalar_of_every_record():
    lines = list(csv.DictReader(io.StringIO(_document([made(), failed()], format="csv"))))
    assert [line["model"] for line in lines] == ["resnet34", "vit_h"]
    first = lines[0]
    assert float(first["median"]) == 0.05
    assert first["samples"] == "20"
    assert first["protocol"] == "throughput/1"
    assert first["device_name"] == CPU.name
    assert first["telemetry_verdict"] == "clean"
    assert first["environment_torch"] == "2.15.0"
    assert first["cudnn_benchmark"] == "true"
    assert lines[1]["error"] == "It ran out of memory at a batch of 64."
    assert lines[1]["median"] == ""


def test_json_is_the_records_and_the_ratios():
    data = json.loads(_document([made()], format="json"))
    assert list(data) == ["schema", "vtbench", "results", "ratios"]
    assert data["schema"] == "vtbench.measurements/1"
    assert data["results"][0]["workload"]["model"] == "resnet34"
    assert len(data["results"][0]["samples"]) == 20


def test_latex_says_protocol_and_conditions_in_its_caption():
    text = _document([made()], format="latex")
    caption = next(line for line in text.splitlines() if line.startswith("\\caption"))
    assert "batch 64" in caption
    assert "protocol throughput/1" in caption
    assert "1,280 $\\pm$ 6" in text


def test_a_protocol_of_another_version_is_not_explained():
    other = msgspec.structs.replace(made(), protocol=ProtocolId(name="throughput", version=9))
    assert measured_tables([other])[0].conditions[0].endswith(" · protocol throughput/9")
