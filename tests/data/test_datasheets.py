"""Peaks of GPUs: which board a name tells, and figures that agree with each other."""

from __future__ import annotations

import pytest

from vtbench.data.datasheets import DEVICES, KINDS, PRECISIONS, boards_in, device_of

NAMES = {
    "Tesla V100-SXM2-16GB": "V100 SXM2",
    "Tesla V100-PCIE-32GB": "V100 PCIe",
    "Tesla V100S-PCIE-32GB": "V100 PCIe (V100S)",
    "Tesla T4": "T4",
    "NVIDIA A100-SXM4-40GB": "A100 40GB",
    "NVIDIA A100-PCIE-40GB": "A100 40GB",
    "NVIDIA A100-SXM4-80GB": "A100 80GB SXM",
    "NVIDIA A100 80GB PCIe": "A100 80GB PCIe",
    "NVIDIA A10": "A10",
    "NVIDIA L4": "L4",
    "NVIDIA L40S": "L40S",
    "NVIDIA GeForce RTX 2080 Ti": "RTX 2080 Ti",
    "GeForce RTX 3090": "RTX 3090",
    "NVIDIA GeForce RTX 4090": "RTX 4090",
    "NVIDIA RTX A6000": "RTX A6000",
    "NVIDIA H100 80GB HBM3": "H100 SXM",
    "NVIDIA H100 PCIe": "H100 PCIe",
    "NVIDIA H200": "H200",
    "NVIDIA B200": "B200",
}


@pytest.mark.parametrize(("driver", "name"), NAMES.items())
def test_the_name_of_the_driver_tells_the_board(driver, name):
    assert device_of(driver).name == name


@pytest.mark.parametrize(
    "driver",
    [
        "NVIDIA A10G",
        "NVIDIA L40",
        "NVIDIA H100 NVL",
        "NVIDIA GeForce RTX 4090 Laptop GPU",
        "NVIDIA GeForce RTX 4090 D",
        "NVIDIA GeForce RTX 3090 Ti",
        "NVIDIA A100",
        "",
    ],
)
def test_a_name_that_is_only_near_tells_none(driver):
    assert device_of(driver) is None


def test_texts_name_a_kind_and_how_many():
    def found(text):
        boards, count = boards_in(text)
        return boards[0].kind, count

    assert found("NVIDIA RTX 3090") == ("RTX 3090", 1)
    assert found("4xV100") == ("V100", 4)
    assert found("8 V100s") == ("V100", 8)
    assert found("on 8 GPUs (A100)") == ("A100", 8)
    assert found("Images/s on A100-SXM4-80GB") == ("A100", 1)
    assert found("L40S") == ("L40S", 1)
    assert [board.name for board in boards_in("A100")[0]] == [
        "A100 40GB",
        "A100 80GB PCIe",
        "A100 80GB SXM",
    ]
    for text in ("A1000", "A10G", "RTX 3090 Ti", "V100 or A100", "L40", "a GPU", "T400"):
        assert boards_in(text) is None, text


def test_every_kind_is_known_by_its_own_name():
    for kind in KINDS:
        boards, count = boards_in(kind)
        assert {board.kind for board in boards} == {kind}
        assert count == 1


def test_fewer_bits_are_never_slower():
    for device in DEVICES:
        known = [device.peak(each) for each in PRECISIONS if device.peak(each) is not None]
        assert known == sorted(known), device.name
        assert device.limit * 1e12 >= known[-1]


def test_figures_agree_with_what_the_chips_are():
    """Cores x 2 operations x clock, and for memory pins x rate / 8, from the same documents."""

    def board(name):
        return next(device for device in DEVICES if device.name == name)

    assert board("A100 40GB").fp32 == pytest.approx(6912 * 2 * 1.41e-3, rel=0.01)
    assert board("A100 40GB").fp16 == pytest.approx(432 * 256 * 2 * 1.41e-3, rel=0.01)
    assert board("H100 SXM").fp16 == pytest.approx(528 * 512 * 2 * 1.83e-3, rel=0.01)
    assert board("V100 SXM2").fp16 == pytest.approx(640 * 64 * 2 * 1.53e-3, rel=0.01)
    assert board("RTX 2080 Ti").fp32 == pytest.approx(4352 * 2 * 1.635e-3, rel=0.01)
    assert board("RTX 2080 Ti").fp16 == pytest.approx(544 * 64 * 2 * 1.635e-3 / 2, rel=0.01)
    assert board("RTX 2080 Ti").bandwidth == 352 * 14 / 8
    assert board("RTX 3090").fp32 == pytest.approx(10496 * 2 * 1.695e-3, rel=0.01)
    assert board("RTX 3090").bandwidth == 384 * 19.5 / 8
    assert board("RTX 4090").fp32 == pytest.approx(16384 * 2 * 2.52e-3, rel=0.01)
    assert board("RTX 4090").bandwidth == 384 * 21 / 8
    assert board("T4").bandwidth == 256 * 10 / 8
    assert board("RTX A6000").bandwidth == 384 * 16 / 8


def test_peaks_are_operations_per_second_and_none_where_there_is_no_such_arithmetic():
    h200 = device_of("NVIDIA H200")
    assert h200.peak("bf16") == 989.5e12
    assert h200.peak("fp32") == 67e12
    assert device_of("Tesla T4").peak("bf16") is None
    assert device_of("Tesla V100-SXM2-32GB").peak("tf32") is None
