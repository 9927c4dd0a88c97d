"""Claims about memory, tokens and other arithmetic, on records and measurements made by hand."""

import msgspec
import pytest

from tests.claims.test_judge import judged, net, row, suite
from vtbench.claims.judge import judge
from vtbench.claims.judge.conventions import measured
from vtbench.data.measurement import Device, MeasuredMemory, Measurement
from vtbench.data.protocol import ProtocolId
from vtbench.data.record import Memory, Record
from vtbench.data.workload import Workload
from vtbench.errors import BadSuite


def holding(weights, activations):
    """A record of a net with so many bytes of weights and of live tensors at the peak."""
    work, record = net("net", 1_000_000)
    memory = Memory(weights=weights, activations_peak=activations, peak_at="a (op)")
    return work, msgspec.structs.replace(record, memory=memory)


def claim(printed, unit="MB", extra=""):
    return (f'[[claim]]\nid = "c"\nwhere = "text"\nmetric = "memory"\nprinted = "{printed}"\n'
            f'unit = "{unit}"\nworkload = {{ model = "net" }}\n{extra}')  # fmt: skip


@pytest.mark.parametrize(
    ("convention", "printed", "unit"),
    [("predicted", "10.0", "MB"), ("weights", "4.0", "MB"), ("activations", "5859", "KiB")],
)
def test_predicted_memory_is_counted(tmp_path, convention, printed, unit):
    body = claim(printed, unit, f'convention = "{convention}"\n')
    verdict = judged(tmp_path, body, holding(4_000_000, 6_000_000))["s.c"]
    # 4 and 6 million bytes; 6,000,000 / 1024 = 5859.4
    assert (verdict.verdict, verdict.reproduced_by) == ("holds", None)


def peak(name, **fields):
    kind = "cuda" if "A100" in name or "V100" in name else "cpu"
    work = Workload(model="net", resolution=(224, 224), device=kind)
    return Measurement(
        workload=work,
        protocol=ProtocolId(name="memory", version=1),
        device=Device(kind=kind, name=name),
        memory=MeasuredMemory(**fields),
    )


MEASURED = 'convention = "allocated"\nhardware = "A100"\n'


@pytest.mark.parametrize(
    ("name", "bytes_", "verdict", "unknown"),
    [
        ("NVIDIA A100-SXM4-80GB", 100_000_000, "holds", None),
        ("NVIDIA A100-SXM4-80GB", 150_000_000, "fails", None),
        ("Tesla V100-SXM2-16GB", 100_000_000, "unknown", "hardware"),
    ],
)
def test_a_measured_peak_is_judged_on_the_printed_device_alone(
    tmp_path, name, bytes_, verdict, unknown
):
    read = suite(tmp_path, claim("100", extra=MEASURED))
    (found,) = judge([read], {}, [peak(name, peak_allocated=bytes_)])
    assert (found.verdict, found.unknown, found.measured) == (verdict, unknown, bytes_)
    assert found.measured_on == name


def test_a_peak_of_another_kind_is_none(tmp_path):
    read = suite(tmp_path, claim("100", extra=MEASURED))
    (found,) = judge([read], {}, [peak("NVIDIA A100-SXM4-80GB", peak_reserved=100_000_000)])
    assert found.unknown == "not-measured"


def test_tokens_are_the_positions_of_one_linear_layer():
    # 2 calls of a layer of 8 x 4 weights on 49 tokens: 2 * 49 * 32 MACs
    rows = (row(op="aten.linear.default", module="b.fc", kind="linear", macs=3136, calls=2),
            row(op="aten.linear.default", module="c", kind="linear", macs=7))  # fmt: skip
    record = Record(workload=Workload(model="net"), rows=rows, module_weights={"b.fc": 32, "c": 2})
    assert measured(record, "tokens", "full", ("b.fc",)) == 49
    assert measured(record, "tokens", "full", ("c",)) is None  # 7 MACs of 2 weights
    assert measured(record, "tokens", "full") is None  # of two layers


def test_elements_are_of_one_class():
    rows = (row(op="aten.grid_sampler_2d.default", module="s", status="zero",
                kind="interpolation", elements_in=9, elements_out=50),
            row(op="aten.gelu.default", module="s", status="zero", kind="activation",
                elements_in=3, elements_out=3))  # fmt: skip
    record = Record(workload=Workload(model="net"), rows=rows)
    assert measured(record, "elements", "interpolation", ("s",)) == 50
    assert measured(record, "elements", "activation") == 3


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (claim("4", "M"), "memory is printed in bytes, KB"),
        (claim("4", extra='stages = ["a"]\n'), "memory is of a whole model"),
        (claim("4", extra='convention = "allocated"\n'), "needs the hardware that the paper names"),
        (claim("4", extra='convention = "full"\n'), "'full' is not a convention for memory"),
        (
            claim("4").replace('"memory"', '"macs"'),
            "MB is a unit of memory; give the metric memory",
        ),
    ],
)
def test_a_wrong_claim_about_memory_is_refused(tmp_path, body, said):
    with pytest.raises(BadSuite, match=said):
        suite(tmp_path, body)
