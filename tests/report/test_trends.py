"""A line is drawn through measured points only where their intervals carry it."""

from __future__ import annotations

import msgspec
import pytest
from made_measurements import failed, made, swept

from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Telemetry
from vtbench.report.measured.charts import chart_of
from vtbench.report.measured.columns import Value
from vtbench.report.measured.trends import At, trend_note, trend_of


def _at(*values) -> list[At]:
    """Points at 1, 2, 3, ...: a number is exact, a pair is its middle with these ends."""
    found = []
    for place, each in enumerate(values, start=1):
        low, high = each if isinstance(each, tuple) else (None, None)
        value = each if low is None else (low + high) / 2
        found.append(At(str(place), Value(value, low, high), f"{value:g}"))
    return found


@pytest.mark.parametrize(
    ("values", "carried"),
    [
        ([], True),
        ([(1, 2)], True),
        ([(1, 2), (3, 4), (5, 6)], True),
        ([(5, 6), (3, 4), (1, 2)], True),
        ([(1, 2), (1.5, 4), (5, 6)], False),  # the first two overlap
        ([(1, 2), (2, 4)], False),  # ends that touch decide nothing
        ([(1, 2), (5, 6), (3, 4)], False),  # the last step goes back
        ([1, 2, 3], True),
        ([1, 3, 2], False),
        ([1, 1, 2], True),  # exact and level
    ],
)
def test_a_trend_needs_every_step_decided_and_one_way(values, carried):
    assert trend_of(_at(*values)).carried == carried


def test_the_sentence_names_the_points_that_speak_against_a_trend():
    trend = trend_of(_at((23, 24), (16, 17), (11, 12), (12.2, 12.4)))
    assert trend_note("sparseformer_t", trend, "throughput", "tokens") == (
        "sparseformer_t has no trend: its throughput is 12.3 at tokens 4, more than the 11.5 at 3."
    )
    trend = trend_of(_at((1, 3), (2, 4), (3, 5), (4, 6), (5, 7)))
    assert trend_note("a", trend, "time", "batch") == (
        "a has no trend: the intervals at batch 1 and 2, and at 2 and 3, and of 2 more pairs "
        "overlap."
    )


def test_a_line_without_a_trend_is_thin_and_said():
    records = [*swept(), *swept("resnet34", power=0.0)]  # one falls surely, one is all alike
    chart = chart_of(records, "resolution", None)
    assert [line.trend for line in chart.lines] == [True, False]
    assert chart.notes[0].startswith("Thin grey segments")
    assert chart.notes[1].startswith("resnet34 has no trend: the intervals at size 192×192 and")


def test_counts_are_exact_and_have_neither_bars_nor_doubts():
    records = list(swept(protocol="macs", sizes=(192, 256, 224)))
    records.append(msgspec.structs.replace(swept(protocol="macs", sizes=(320,))[0], macs=64))
    chart = chart_of(records, "resolution", None)
    (line,) = chart.lines
    assert line.trend  # the last count is smaller than all others, and it is true
    assert all(mark.low is None and mark.high is None for mark in line.marks)
    assert chart.notes == ()


def test_a_disturbed_measurement_is_hollow_and_named():
    busy = Telemetry(
        verdict="throttled",
        disturbances=(Disturbance(Kind.OTHER_LOAD, {"load": 1.5, "threads": 4}),),
    )
    records = swept()
    records[1] = msgspec.structs.replace(records[1], telemetry=busy)
    records[2] = msgspec.structs.replace(records[2], telemetry=Telemetry(verdict="unwatched"))
    chart = chart_of(records, "resolution", None)
    assert [mark.disturbed for mark in chart.lines[0].marks] == [False, True, False, False, False]
    assert chart.notes == (
        "Hollow markers: the device was busy meanwhile (deit_s at size 224×224).",
        "The device was not watched during 1 of 5 of the measurements.",
    )
    counted = chart_of(records, "resolution", "macs")
    assert not any(mark.disturbed for mark in counted.lines[0].marks)
    assert counted.notes == ()


def test_what_is_not_drawn_is_named():
    records = [*swept(), failed("deit_s", resolution=(512, 512))]
    records.append(msgspec.structs.replace(made("deit_s", resolution=(96, 96)), macs=None))
    notes = " ".join(chart_of(records, "resolution", "macs").notes)
    assert "Not drawn, because the number of MACs is not known: deit_s at size 96×96." in notes
    assert "Not drawn, because the run failed: deit_s at size 512×512." in notes


def test_a_model_that_lacks_the_axis_is_a_level():
    tokens = [made("vt_r34", seconds=0.01 * t, options=(("tokens", t),)) for t in (8, 16, 32)]
    chart = chart_of([*tokens, made("deit_s"), made("vt_r34", seconds=0.5)], "tokens", None)
    assert [line.name for line in chart.lines] == ["vt_r34"]
    assert [level.name for level in chart.levels] == ["vt_r34, default tokens", "deit_s"]
    level = chart.levels[1]
    assert level.low < level.y == 64 / 0.05 < level.high
