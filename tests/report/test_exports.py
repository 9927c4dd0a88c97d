"""Measurements for the tools of others, and timm's files of results read back."""

from __future__ import annotations

import csv
import io
import json

import pytest

from vtbench.data.measurement import Device, MeasuredMemory, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.timm_results import COLUMNS, read_timm_results
from vtbench.data.workload import Workload
from vtbench.errors import BadInput
from vtbench.report.exports import EXPORTS, bencher, github_action_benchmark, timm_csv, timm_name

H200 = Device(kind="cuda", name="NVIDIA H200", index=0)
CPU = Device(kind="cpu", name="EPYC", cores=8)

TIMM = (
    "model,infer_img_size,infer_samples_per_sec,infer_step_time,"
    "infer_batch_size,param_count,infer_gmacs,infer_macts\n"
    "resnet18,224,126.23,7.907,1,11.69,1.82,2.48\n"
    "mobilenetv3_large_150d,224,92.84,10.756,1,14.62,,\n"
)


def made(model="resnet18", *, device=H200, protocol="throughput", **fields) -> Measurement:
    """Batches of 4 at 10 ms [9, 12]: 400 images a second."""
    own = {k: fields.pop(k) for k in list(fields) if k in Workload.__struct_fields__}
    workload = {"resolution": (224, 224), "batch_size": 4, "device": device.kind} | own
    known = {
        "workload": Workload(model=model, **workload),
        "protocol": PROTOCOLS[protocol].id,
        "device": device,
        "samples": (0.010,) * 10,
        "median": 0.010,
        "low": 0.009,
        "high": 0.012,
        "images_per_second": 400.0,
        "macs": 4 * 1_814_073_344,
        "params": 11_689_512,
        "activations": 4 * 2_484_712,
        "telemetry": Telemetry(verdict="clean"),
    }
    return Measurement(**known | fields)


BROKEN = Measurement(
    workload=Workload(model="vit_h"), protocol=PROTOCOLS["throughput"].id, error="Out of memory."
)
NAME = "resnet18, 224×224, batch 4, fp32, throughput/1"


def test_github_action_benchmark_takes_a_list_in_which_smaller_is_better():
    found = json.loads(github_action_benchmark([made(), BROKEN]))
    assert found == [
        {"name": f"{NAME}, NVIDIA H200", "unit": "ms/step", "value": 10.0, "range": "± 1.5"},
        {"name": f"{NAME}, NVIDIA H200: macs", "unit": "MACs", "value": 4 * 1_814_073_344},
        {"name": f"{NAME}, NVIDIA H200: params", "unit": "parameters", "value": 11_689_512},
    ]


def test_bencher_metric_format_is_by_name_and_measure():
    memory = MeasuredMemory(peak_allocated=123)
    (found,) = json.loads(bencher([made(memory=memory)])).items()
    assert found == (
        NAME,
        {
            "latency": {"value": 1e7, "lower_value": 9e6, "upper_value": 1.2e7},
            "throughput": {
                "value": 400.0,
                "lower_value": pytest.approx(4 / 0.012),
                "upper_value": pytest.approx(4 / 0.009),
            },
            "macs": {"value": 4 * 1_814_073_344},
            "params": {"value": 11_689_512},
            "peak-allocated": {"value": 123},
        },
    )


def test_a_name_tells_every_condition():
    plain = made()
    names = {entry["name"] for entry in json.loads(github_action_benchmark([plain]))}
    for changed in (
        {"resolution": (160, 224)},
        {"batch_size": 8},
        {"dtype": "bf16"},
        {"autocast": True},
        {"layout": "channels_last"},
        {"compile": "default"},
        {"threads": 2},
        {"attention": "math"},
        {"cudnn_benchmark": False},
        {"backward": True},
        {"mode": "train"},
        {"options": (("num_classes", 10),)},
        {"protocol": "latency"},
        {"device": CPU},
    ):
        more = {entry["name"] for entry in json.loads(github_action_benchmark([made(**changed)]))}
        assert names.isdisjoint(more), changed
        names |= more


def test_two_of_one_name_are_refused():
    with pytest.raises(BadInput, match="There are two measurements of resnet18"):
        bencher([made(), made(device=CPU)])  # bencher has a testbed for the device
    assert len(json.loads(github_action_benchmark([made(), made(device=CPU)]))) == 6


@pytest.mark.parametrize("export", EXPORTS.values(), ids=EXPORTS)
def test_where_nothing_came_off_nothing_is_written(export):
    with pytest.raises(BadInput, match="every measurement failed"):
        export([BROKEN])


def test_timm_csv_has_timms_columns_units_and_order():
    slow = made("vt_r34", images_per_second=80.0, macs=None, activations=None)
    lines = list(csv.reader(io.StringIO(timm_csv([slow, made(), BROKEN]))))
    assert lines == [
        list(COLUMNS),
        # step 4 / 400 s = 10 ms; 11.69 M, 1.814 G and 2.485 M for one image
        ["resnet18", "224", "400.0", "10.0", "4", "11.69", "1.81", "2.48"],
        ["vt_r34", "224", "80.0", "50.0", "4", "11.69", "", ""],
    ]


def test_names_of_the_catalogue_become_timms_where_timm_builds_the_model():
    assert timm_name("deit_s") == "deit_small_patch16_224"
    assert timm_name("timm:convnext_tiny") == "convnext_tiny"
    assert timm_name("vt_r34") == "vt_r34"


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (
            [made(), made("b", protocol="compiled")],
            "the protocol, and there are several values: compiled/1 and",
        ),
        (
            [made(), made("b", device=CPU)],
            "the device, and there are several values: EPYC and NVIDIA H200",
        ),
        (
            [made(), made("b", dtype="bf16")],
            "the dtype, and there are several values: bf16 and fp32",
        ),
        ([made(), made("b", threads=4)], "the threads, and there are several values: 4 and None"),
        ([made(resolution=(160, 224))], "are for inference on square images with default options"),
        ([made(options=(("num_classes", 10),))], "num_classes=10"),
        ([made(backward=True)], "forward and backward"),
    ],
)
def test_what_timms_columns_cannot_say_is_refused(records, said):
    with pytest.raises(BadInput, match="timm's columns cannot hold") as refused:
        timm_csv(records)
    assert said in str(refused.value)


@pytest.fixture
def results(tmp_path):
    def write(name, text=TIMM):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_timms_results_are_read_with_their_provenance(results):
    name = "benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv"
    first, second = read_timm_results(results(name))
    assert first.workload == Workload(
        model="timm:resnet18", resolution=(224, 224), compile="default"
    )
    assert first.device == Device(kind="cpu", name="i9_10940x")
    assert str(first.protocol) == "timm-import/1"
    assert first.environment == {
        "torch": "2.4.0",
        "source": name,
        "printed_infer_step_time": "7.907",
        "printed_param_count": "11.69",
        "printed_infer_gmacs": "1.82",
        "printed_infer_macts": "2.48",
    }
    assert first.images_per_second == 126.23
    assert first.samples == ()
    assert first.telemetry.verdict == "unwatched"
    assert (first.macs, first.params) == (None, None)  # rounded figures are no counts
    assert "printed_infer_gmacs" not in second.environment


@pytest.mark.parametrize(
    ("name", "workload", "environment"),
    [
        (
            "benchmark-infer-amp-nhwc-pt113-cu117-rtx3090.csv",
            {"dtype": "fp16", "autocast": True, "layout": "channels_last"},
            {"torch": "1.13", "cuda": "11.7"},
        ),
        (
            "benchmark-infer-amp_bf16-nchw-pt291-cu130-pro6000maxq-dynamo.csv",
            {"dtype": "bf16", "autocast": True, "compile": "default"},
            {"torch": "2.9.1", "cuda": "13.0"},
        ),
        (
            "benchmark-infer-bf16-nchw-pt291-cu130-pro6000maxq.csv",
            {"dtype": "bf16"},
            {"torch": "2.9.1", "cuda": "13.0"},
        ),
        (
            "benchmark-infer-fp32-nchw-pt210-cu121-a100.csv",
            {"dtype": "tf32"},
            {"torch": "2.1.0", "cuda": "12.1"},
        ),
    ],
)
def test_a_files_name_says_how_it_was_measured(results, name, workload, environment):
    first = read_timm_results(results(name))[0]
    assert first.workload == Workload(
        model="timm:resnet18", resolution=(224, 224), device="cuda", **workload
    )
    assert environment.items() <= first.environment.items()


def test_what_was_written_as_timm_does_is_read_back(results):
    path = results("benchmark-infer-fp32-nchw-pt270-cpu-epyc.csv", timm_csv([made(device=CPU)]))
    (found,) = read_timm_results(path)
    assert (found.workload.model, found.images_per_second) == ("timm:resnet18", 400.0)
    assert timm_csv([found]).splitlines()[1].startswith("resnet18,224,400.0,10.0,4,")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mine.csv", TIMM, "'mine.csv' does not say how the results were measured"),
        ("benchmark-train-amp-nchw-pt112-cu113-x.csv", TIMM, "does not say how"),
        ("benchmark-infer-amp-nchw-pt112-cu113-x.csv", "model,top1\na,1\n", "'infer_img_size'"),
        (
            "benchmark-infer-amp-nchw-pt112-cu113-x.csv",
            TIMM.replace("92.84", "fast"),
            ".csv:3: a figure of 'mobilenetv3_large_150d' is wrong: Expected `float`",
        ),
    ],
)
def test_files_that_are_no_results_of_timm_are_refused(results, name, text, said):
    with pytest.raises(BadInput) as refused:
        read_timm_results(results(name, text))
    assert said in str(refused.value)
