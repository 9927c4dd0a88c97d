"""Sweeps as wide tables and charts: axes, growth, and printed accuracies against costs."""

from __future__ import annotations

import itertools
import json

import msgspec
import pytest
from made_measurements import failed, made, remembered, swept

from vtbench.claims.suite.files import find
from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Telemetry
from vtbench.errors import BadInput, BadOption
from vtbench.report.measured import (
    AUTO,
    MeasuredRendering,
    WideLayout,
    measured_document,
    wide_tables,
)
from vtbench.report.measured.accuracy import (
    front,
    one_protocol,
    pareto_chart,
    points,
)
from vtbench.report.measured.charts import chart_of, charts, refuse_figure
from vtbench.report.measured.fronts import pareto_document, pareto_table
from vtbench.report.measured.quantities import QUANTITIES


def _tables(records, **layout):
    return wide_tables(records, (), WideLayout(**layout))


def test_models_stand_down_and_the_longest_axis_across():
    table, grown, macs = _tables([*swept(), *swept("resnet34", sizes=(192, 224))])
    assert table.title == "Throughput, images/s, by size"
    heads = [column.head for column in table.columns]
    assert heads == ["Model", "192×192", "224×224", "256×256", "320×320", "384×384"]
    # 64 images in 0.04 s at 224; pixels to the 1.1: 0.04 · (384/224)^2.2 = 0.13096 s
    assert table.rows[0] == ("deit_s", "2,246", "1,600", "1,193", "730", "489")
    assert table.rows[1][1:] == ("2,246", "1,600", "—", "—", "—")
    assert "batch 64" in table.conditions[0]
    assert "224" not in table.conditions[0]
    assert macs.title == "MACs per image, G, by size"
    assert macs.rows[0][2] == "4.599"
    assert grown.title == "Growth with pixels"
    assert grown.rows == (
        ("deit_s", "time", "1.100 [1.100, 1.100]", "5"),
        ("deit_s", "macs", "1.100 [1.100, 1.100]", "5"),
    )


def test_other_axes_are_columns_of_the_rows():
    records = [remembered("vt_r34", t, 10**8 * t, resolution=(s, s)) for t in (8, 16, 32)
               for s in (224, 256)]  # fmt: skip
    table, grown = _tables(records)
    assert [column.head for column in table.columns] == ["Model", "Size", "8", "16", "32"]
    assert table.rows == (
        ("vt_r34", "224×224", "0.800", "1.600", "3.200"),
        ("vt_r34", "256×256", "0.800", "1.600", "3.200"),
    )
    assert grown.rows[0] == ("vt_r34", "224×224", "memory", "1.000 [1.000, 1.000]", "3")
    table = _tables(records, by="resolution")[0]
    assert [column.head for column in table.columns] == ["Model", "tokens", "224×224", "256×256"]


def test_what_was_measured_twice_counts_as_it_was_last():
    records = [*swept(), made("deit_s", resolution=(224, 224), seconds=0.064)]
    table = _tables(records)[0]
    assert table.rows[0][2] == "1,000"  # 64 / 0.064
    assert "1 cell was measured more than once; the last one is shown." in table.notes


def test_failures_and_doubts_name_their_cell():
    unseen = Telemetry(verdict="unwatched", disturbances=(Disturbance(Kind.NOT_STARTED),))
    records = [*swept(telemetry=unseen), failed("deit_s", "Too large.", resolution=(512, 512))]
    table = _tables(records)[0]
    assert table.rows[0][-1] == "failed"
    assert "deit_s at size 512×512: Too large." in table.notes
    assert "All rows: unwatched. Telemetry was not started." in table.notes
    busy = [
        Telemetry(verdict="throttled", disturbances=(Disturbance(Kind.HEAT, {"times": k}),))
        for k in (2, 3)
    ]
    records = [*swept(sizes=(192, 224), telemetry=busy[0]),
               *swept(sizes=(256, 320), telemetry=busy[1]), *swept(sizes=(384,))]  # fmt: skip
    assert (
        "deit_s at size 192×192, deit_s at size 224×224, deit_s at size 256×256 and 1 more: "
        "throttled. The processor slowed down 2 times because of heat. "
        "(The figures are for the first row.)"
    ) in _tables(records)[0].notes
    wide = _tables([*swept(stopped_by="max_time", spread=0.06)])[0]
    # three are named, two of the five are counted; half of ±0.06 / 2 is ±3 %
    assert "2 more rows ended in the same way, at up to ±3.0 %." in wide.notes


def test_cells_with_wide_intervals_are_marked_and_not_fitted():
    def at(size, **fields):
        seconds = 0.04 * (size / 224) ** 2
        return made("deit_s", resolution=(size, size), seconds=seconds, **fields)

    good = [at(size) for size in (192, 224, 256)]
    # ±30 % of the median, and three times as slow as the other three would have it
    wild = made("deit_s", resolution=(384, 384), seconds=0.04 * 3 * (384 / 224) ** 2, spread=0.6)
    table, grown = _tables([*good, wild])[:2]
    # 64 / 0.04 · (224/192)² = 2177.8; 64 / (0.12 · (384/224)²) = 181.5, from 140 to 259
    assert table.rows[0][1:] == ("2,178", "1,600", "1,225", "~180")
    legend = "~: the interval is wider than ±10 %; such cells are left out of fitted growth."
    assert legend in table.notes
    assert grown.rows[0] == ("deit_s", "time", "1.000 [1.000, 1.000]", "3")
    assert not any(note.startswith("~") for note in _tables(good)[0].notes)
    batches = [made(batch_size=n, spread=0.6) for n in (1, 2, 4)]
    assert "~: the interval is wider than ±10 %." in _tables(batches)[0].notes


def test_protocols_have_tables_of_their_own_and_one_without_the_axis_has_rows():
    records = [*swept(), made(protocol="latency", batch_size=1)]
    assert [table.title for table in _tables(records)] == [
        "Throughput, images/s, by size",
        "Growth with pixels",
        "MACs per image, G, by size",
        "Latency",
    ]


def test_macs_that_were_counted_apart_stand_once():
    records = [*swept(), *swept(protocol="macs")]
    titles = [table.title for table in _tables(records)]
    assert titles.count("MACs per image, G, by size") == 1


def test_the_growth_of_counts_is_said_once():
    timed = [*swept(), *swept(protocol="latency")]
    quantities = [[row[1] for row in t.rows] for t in _tables(timed) if t.title[:6] == "Growth"]
    assert quantities == [["time", "macs"], ["time"]]
    titles = [table.title for table in _tables(timed)]
    assert titles.count("MACs per image, G, by size") == 1
    tables = _tables([*timed, *swept(protocol="macs")])
    grown = {before.title: table.rows for before, table in itertools.pairwise(tables)
             if table.title[:6] == "Growth"}  # fmt: skip
    assert [[row[1] for row in rows] for rows in grown.values()] == [["time"], ["time"], ["macs"]]
    assert list(grown)[-1] == "MACs per image, G, by size"
    # a model that was only timed is in no other table
    alone = _tables([*timed, *swept("resnet34"), *swept(protocol="macs")])
    assert ("resnet34", "macs", "1.100 [1.100, 1.100]", "5") in alone[1].rows


def test_a_quantity_can_be_chosen():
    table = _tables(swept(), show="time")[0]
    assert table.title == "Time, ms/step, by size"
    assert table.rows[0][2] == "40.0"
    with pytest.raises(BadOption, match="--show: expected one of throughput, time"):
        _tables(swept(), show="speed")


def test_an_axis_that_is_none_is_refused_with_those_that_are():
    with pytest.raises(BadOption, match="not differ in 'tokens'; they differ in resolution"):
        _tables(swept(), by="tokens")


def test_wide_tables_are_broken_to_fit_the_page():
    sizes = tuple(range(192, 513, 32))  # eleven
    text = measured_document(swept(sizes=sizes), (), MeasuredRendering(by=AUTO, width=60))
    assert max(map(len, text.splitlines())) <= 60
    assert text.count("Throughput, images/s, by size") == 2
    assert "Hidden to fit" not in text
    markdown = measured_document(
        swept(sizes=sizes), (), MeasuredRendering(format="markdown", by=AUTO)
    )
    assert markdown.count("### Throughput") == 1


def test_batches_have_no_power():
    tables = _tables([made(batch_size=n) for n in (1, 2, 4, 8)])
    assert [table.title for table in tables] == ["Throughput, images/s, by batch"]


def test_a_chart_along_sizes_has_a_line_per_model():
    chart = chart_of([*swept(), *swept("resnet34", power=1.0)], None, None)
    assert chart.title == "Throughput by size"
    assert (chart.x.label, chart.x.unit) == ("Height = width", "pixels")
    assert chart.x.ticks == (192.0, 224.0, 256.0, 320.0, 384.0)
    assert [line.name for line in chart.lines] == ["deit_s", "resnet34"]
    mark = chart.lines[0].marks[1]
    # the median's interval is ±0.5 % of it, and a speed is one over a time
    assert (mark.x, mark.y) == (224.0, pytest.approx(1600.0))
    assert (mark.low, mark.high) == (pytest.approx(1600 / 1.005), pytest.approx(1600 / 0.995))
    assert "throughput/1" in chart.conditions


def test_a_speed_is_never_below_nothing():
    open_above = [made("a", low=0.01, high=10.0), made("b")]
    marks = chart_of(open_above, "macs", "throughput").lines[0].marks
    assert marks[0].low == pytest.approx(1280 * 0.05 / 10)
    assert marks[0].high == pytest.approx(1280 * 0.05 / 0.01)


def test_lines_of_one_model_say_what_their_numbers_are():
    sizes, batches = ((192, 192), (256, 256)), (1, 2)
    records = [made(resolution=size, batch_size=n) for n in batches for size in sizes]
    chart = chart_of(records, "resolution", None)
    assert [line.name for line in chart.lines] == ["resnet34, batch 1", "resnet34, batch 2"]


def test_a_chart_against_macs_names_its_points():
    chart = chart_of([made(), made("deit_s", macs=64 * 4_598_882_304)], None, None)
    assert chart.kind == "points"
    assert chart.title == "Time against MACs"
    names = {mark.name: mark.x for mark in chart.lines[0].marks}
    assert names == {"resnet34": 3_663_761_408, "deit_s": 4_598_882_304}
    joined = chart_of(swept(), "macs", None)
    assert joined.kind == "lines"
    assert len(joined.lines[0].marks) == 5


def test_figures_mix_no_protocols_and_need_numbers():
    mixed = [made(), made(protocol="latency")]
    with pytest.raises(BadOption, match=r"several protocols \(throughput, latency\)"):
        chart_of(mixed, None, None)
    words = [made(layout=name) for name in ("nchw", "channels_last")]
    with pytest.raises(BadOption, match="'layout' are words"):
        chart_of(words, "layout", None)
    with pytest.raises(BadInput, match="nothing to draw"):
        chart_of([failed()], None, None)
    with pytest.raises(BadOption, match="no energy to draw"):
        chart_of(swept(), None, "energy")
    timed = chart_of(swept(), None, "time").y
    assert (timed.label, timed.unit) == ("Time", "ms/step")


def test_without_an_axis_counts_have_rows_and_two_values_are_a_line():
    counts = [made(name, protocol="macs") for name in ("a", "b")]
    rows = chart_of(counts, None, None)
    assert (rows.kind, rows.y.names) == ("rows", ("a", "b"))
    assert [(mark.x, mark.y) for mark in rows.lines[0].marks] == [
        (3_663_761_408, 1.0),
        (3_663_761_408, 0.0),
    ]
    pair = chart_of(swept(protocol="macs", sizes=(192, 224)), None, None)
    assert (pair.kind, pair.x.ticks) == ("lines", (192.0, 224.0))
    assert chart_of(swept(), "rows", None).kind == "rows"


def test_what_cannot_be_drawn_is_refused_by_the_workloads_alone():
    planned = [
        msgspec.structs.replace(made(f"m{i}", resolution=(size, size)), macs=None)
        for i in range(13)
        for size in (192, 224, 256)
    ]
    with pytest.raises(BadInput, match="would have 13"):
        refuse_figure(planned, None)
    refuse_figure(planned[:36], None)
    refuse_figure(planned, "rows")
    with pytest.raises(BadOption, match="do not differ in 'tokens'"):
        refuse_figure(planned, "tokens")


def test_every_protocol_with_something_to_show_has_a_chart():
    found = charts([*swept(), remembered("vt_r34", 8, 10**9), made(protocol="latency")])
    assert list(found) == ["throughput"]
    assert charts([made(n, protocol="latency") for n in "abc"])["latency"].kind == "points"


def test_a_front_is_what_nobody_beats_in_both():
    # (cost, gain): b is dearer and worse than a; d ties with c in cost and is worse
    costs, gains = [1.0, 2.0, 3.0, 3.0], [70.0, 69.0, 75.0, 74.0]
    assert front(costs, gains, more_is_better=False) == [True, False, True, False]
    # as speeds: a is slowest; c is fastest and best
    assert front(costs, gains, more_is_better=True) == [False, False, True, False]
    assert front([1.0, 1.0], [5.0, 5.0], more_is_better=True) == [True, True]


def _printed():
    return [
        made("resnet18", seconds=0.02),
        made("vt_r18", seconds=0.025, options=(("reading", "literal"), ("tokens", 8))),
        made("resnet34", seconds=0.04),
        made("swin_t", seconds=0.05),
    ]


def test_printed_accuracies_stand_beside_measured_costs():
    records, quantity = one_protocol(_printed(), None)
    groups = points(records, find(["vt_v3"]), "vt_v3.t1.*.top1", quantity)
    data = json.loads(pareto_document(groups, quantity, records, MeasuredRendering(format="json")))
    found = {p["name"]: (p["printed"], p["value"], p["front"]) for p in data["results"]}
    # VT-R-18 of table 1 is slower and better than R-18, faster and better than R-34
    assert found == {
        "resnet18": (69.76, 64 / 0.02, True),
        "vt_r18": (74.29, 64 / 0.025, True),
        "resnet34": (73.32, 64 / 0.04, False),
    }
    chart = pareto_chart(groups, quantity, records)
    assert chart.lines[0].name == "vt_v3, Table 1"
    # from the better and slower one straight down to the worse and faster one
    assert chart.lines[0].front == ((2560.0, 74.29), (2560.0, 69.76), (3200.0, 69.76))
    text = pareto_document(groups, quantity, records, MeasuredRendering())
    assert "Accuracies are taken from the papers; they were not measured here." in text


def test_a_front_says_its_conditions_its_intervals_and_who_is_left_out():
    busy = Telemetry(
        verdict="throttled",
        disturbances=(Disturbance(Kind.STEAL, {"cores": 1.3}),),
    )
    records = [
        made("resnet18", batch_size=10, images_per_second=2.5, median=3.0, low=1.5, high=9.0),
        made("resnet34", batch_size=10, telemetry=busy),
        made("swin_t", batch_size=10),  # of which that table prints nothing
        failed("vit_h", batch_size=10),
    ]
    quantity = QUANTITIES["throughput"]
    groups = points(records, find(["vt_v3"]), "vt_v3.t1.*.top1", quantity)
    table = pareto_table(groups, quantity, records)
    assert table.conditions[0].startswith("fp32 · NCHW · batch 10 · 224×224 · forward only")
    # 2.5 · 3/9 and 2.5 · 3/1.5; 10 / 0.05 s
    assert [row[:3] for row in table.rows] == [
        ("resnet34", "73.32", "200.0 ± 1.0"), ("resnet18", "69.76", "2.5 [0.8, 5.0]"),
    ]  # fmt: skip
    why = "no accuracy is printed for this size and these options"
    assert f"Not shown: swin_t, because {why}." in table.notes
    assert "vit_h: It ran out of memory at a batch of 64." in table.notes
    assert (
        "resnet34: busy. The host of this virtual machine took 1.3 cores away (steal)."
        in table.notes
    )
    found = json.loads(pareto_document(groups, quantity, records, MeasuredRendering(format="json")))
    assert found["left_out"] == [
        {"name": "swin_t", "why": why},
        {"name": "vit_h", "why": "It ran out of memory at a batch of 64."},
    ]
    exact = pareto_table(groups, QUANTITIES["macs"], records)
    assert not any("busy" in note for note in exact.notes)  # which changes no count


def test_conditions_in_which_a_front_differs_are_columns():
    records = [made("resnet18", batch_size=1), made("resnet34")]
    quantity = QUANTITIES["throughput"]
    groups = points(records, find(["vt_v3"]), "vt_v3.t1.*.top1", quantity)
    table = pareto_table(groups, quantity, records)
    assert [column.head for column in table.columns][:2] == ["Model", "Batch"]
    assert [row[1] for row in table.rows] == ["64", "1"]


def test_options_by_default_need_not_be_spelled_out():
    groups = points([made("vt_r18")], find(["vt_v3"]), "vt_v3.t1.*.top1", QUANTITIES["macs"])
    assert [point.accuracy for point in groups[0]] == [74.29]
    other = made("vt_r18", options=(("tokens", 64),))
    with pytest.raises(BadOption, match="No suite has a printed accuracy"):
        points([other], find(["vt_v3"]), "vt_v3.t1.*.top1", QUANTITIES["macs"])


def test_accuracies_of_other_sizes_are_not_taken():
    small = [made("resnet18", resolution=(160, 160))]
    with pytest.raises(BadOption, match="at their sizes and options"):
        points(small, find(["vt_v3"]), "*.top1", QUANTITIES["macs"])


def test_a_front_of_macs_takes_any_protocol_and_of_times_one():
    both = [made("resnet18"), made("resnet18", protocol="latency")]
    with pytest.raises(BadOption, match="choose one with --protocol"):
        one_protocol(both, None)
    assert len(one_protocol(both, "macs")[0]) == 1
