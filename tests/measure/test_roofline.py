"""The roofline: shares of ceilings, and what binds, on numbers that are worked out by hand."""

from __future__ import annotations

import pytest

from vtbench.data.stages import OTHER, StageWork
from vtbench.data.workload import Workload
from vtbench.measure.ceilings.roofline import (
    Ceilings,
    bound,
    roofline,
    stage_shares,
    utilisation,
    widths,
)

FP32 = Workload(model="net")
CEILINGS = Ceilings(macs_per_second=1e9, bytes_per_second=1e8)


def work(macs, weights=0, written=0, stage="net"):
    return StageWork(stage=stage, macs=macs, weights=weights, written=written)


@pytest.mark.parametrize(
    ("dtype", "autocast", "expected"),
    [
        ("fp32", False, (4, 4)),
        ("tf32", False, (4, 4)),
        ("bf32", False, (4, 4)),
        ("bf16", False, (2, 2)),
        ("fp16", False, (2, 2)),
        ("fp64", False, (8, 8)),
        ("bf16", True, (4, 2)),
    ],
)
def test_an_element_has_the_width_of_its_precision(dtype, autocast, expected):
    assert widths(Workload(model="net", dtype=dtype, autocast=autocast)) == expected


def test_rates_are_work_over_time():
    found = roofline(work(10**8, 1000, 500), 0.2, FP32, CEILINGS, Ceilings(macs_per_second=3e9))
    assert found.macs_per_second == 10**8 / 0.2
    assert found.bytes_per_second == (1000 * 4 + 2 * 500 * 4) / 0.2
    assert found.ceiling_macs_per_second == 1e9
    assert found.ceiling_bytes_per_second == 1e8
    assert found.datasheet_macs_per_second == 3e9
    assert found.datasheet_bytes_per_second is None
    assert found.bound == "arithmetic"


def test_the_nearer_ceiling_binds():
    assert bound(0.5e9, 0.4e8, CEILINGS) == "arithmetic"  # 50 % and 40 %
    assert bound(0.5e9, 0.6e8, CEILINGS) == "memory"  # 50 % and 60 %
    assert bound(0.3e9, 0.33e8, CEILINGS) == "neither"  # both below a third
    assert bound(0.34e9, 0.0, CEILINGS) == "arithmetic"
    assert bound(1e9, 1e8, Ceilings(macs_per_second=1e9)) is None


def test_utilisation_beyond_the_ceiling_is_said_and_not_cut():
    assert utilisation(10**9, 0.8, CEILINGS) == 1.25
    assert utilisation(10**9, 0.8, Ceilings()) is None
    assert utilisation(0, 0.0, CEILINGS) is None


def test_stages_come_in_the_order_of_the_model_and_time_outside_them_last():
    stages = (work(4 * 10**8, 10, 20, "stem"), work(10**8, 1, 2, "head"), work(5, stage="aux"))
    found = stage_shares(stages, {OTHER: 0.1, "head": 0.5, "stem": 0.8}, FP32, CEILINGS)
    assert [each.stage for each in found] == ["stem", "head", OTHER]
    stem, head, rest = found
    assert (stem.seconds, stem.macs, stem.bytes) == (0.8, 4 * 10**8, 10 * 4 + 2 * 20 * 4)
    assert (stem.utilisation, head.utilisation) == (0.5, 0.2)
    assert (rest.macs, rest.bytes, rest.utilisation) == (0, 0, 0.0)


def test_work_outside_of_stages_is_held_against_the_time_outside_them():
    stages = (work(10**8, stage="stem"), work(10**7, stage=OTHER))
    found = stage_shares(stages, {"stem": 0.2, OTHER: 0.1}, FP32, CEILINGS)
    assert [(each.stage, each.utilisation) for each in found] == [("stem", 0.5), (OTHER, 0.1)]
