"""Sweeps that were measured in rounds: what tables say of their intervals, order and ratios."""

from __future__ import annotations

import json

from made_measurements import made

from vtbench.data.from_samples import ratios_of, ratios_to
from vtbench.data.launches import combined
from vtbench.data.measurement import Turn
from vtbench.report.measured import AUTO, MeasuredRendering, measured_document

EVEN = (1.0, 1.01, 0.99, 1.005, 0.995)


def along(model, rates, paces=EVEN, protocol="throughput"):
    """Cells of a model by its tokens: so many images a second, in five launches."""
    return combined(
        made(
            model,
            seconds=pace / rate,
            batch_size=1,
            protocol=protocol,
            turn=Turn(round=number, place=1),
            cell=f"{model}{tokens}{protocol}",
            options=(("tokens", tokens),),
        )
        for tokens, rate in rates.items()
        for number, pace in enumerate(paces, 1)
    )


def text(records, **asked):
    to = asked.get("relative_to")
    ratios = ratios_of(records) if to is None else ratios_to(records, to)
    words = measured_document(records, ratios, MeasuredRendering(by=AUTO, **asked))
    return " ".join(words.split()) if asked.get("format") is None else words


def test_a_point_against_the_trend_is_said_with_both_intervals():
    found = text(along("sf", {36: 14.0, 49: 11.8, 64: 12.3, 81: 10.0}))
    assert (
        "sf: tokens 49 is slower than 64, against the trend: 11.80 [11.69, 11.92] "
        "against 12.30 [12.18, 12.42] images/s."
    ) in found
    assert "not told apart" not in found


def test_neighbours_that_rounds_do_not_tell_apart_are_named():
    sure = along("sf", {36: 14.0, 81: 10.0})
    # 49 and 64 change places from round to round
    one = along("sf", {49: 12.0}, (1.0, 1.1, 0.9, 1.05, 0.95))
    other = along("sf", {64: 12.1}, (1.1, 1.0, 0.95, 0.9, 1.05))
    found = text([*sure, *one, *other])
    assert "sf: not told apart by tokens: 49 and 64." in found
    assert "against the trend" not in found


def test_what_wide_intervals_hide_common_rounds_tell_apart():
    """Each interval alone is ±40 %, but in every round 64 takes 3 % longer than 49."""
    rounds = (1.0, 1.5, 0.7, 1.2, 0.8)
    found = text(along("sf", {36: 14.0, 49: 12.3, 64: 11.9}, rounds))
    assert "not told apart" not in found
    assert "against the trend" not in found


def test_latency_is_slower_if_it_takes_longer():
    found = text(along("sf", {36: 14.0, 49: 10.0, 64: 12.3, 81: 9.0}, protocol="latency"))
    assert "sf: tokens 49 is slower than 64, against the trend: 100." in found
    assert "ms/step." in found


def test_records_of_one_process_are_not_judged():
    records = [
        made("sf", seconds=1 / rate, batch_size=1, options=(("tokens", tokens),))
        for tokens, rate in {36: 14.0, 49: 11.8, 64: 12.3, 81: 10.0}.items()
    ]
    found = text(records)
    assert "trend" not in found
    assert "launches" not in found


def test_the_number_of_launches_is_said():
    found = text(along("sf", {36: 14.0, 49: 12.0, 64: 11.0}))
    assert "Each figure is the geometric mean of 5 launches (fresh processes" in found
    fewer = [*along("sf", {36: 14.0, 49: 12.0}), *along("sf", {64: 11.0}, EVEN[:3])]
    assert "is the geometric mean of 3 to 5 launches" in text(fewer)
    single = text(along("sf", {36: 14.0, 49: 12.0, 64: 11.0}, EVEN[:1]))
    assert "Each figure is of one launch (a fresh process), so its interval speaks of" in single


def test_a_table_with_a_row_for_each_cell_says_it_too():
    found = text(along("sf", {36: 14.0, 49: 12.0}))
    assert "geometric mean of 5 launches" in found
    assert "14.00 ± 0.14" in found
    assert "sf (tokens=36) is 1.16667× [1.16667, 1.16667] as fast as sf (tokens=49)." in found


def test_speeds_relative_to_a_model_stand_in_a_table_of_their_own():
    rates = {36: 14.0, 49: 12.0, 64: 11.0}
    slower = {tokens: rate / 2 for tokens, rate in rates.items()}
    paces = tuple(pace * more for pace, more in zip(EVEN, (1, 1.02, 0.98, 1.01, 0.99), strict=True))
    records = [*along("sf", rates), *along("base", slower, paces)]
    found = text(records, relative_to="base")
    assert "Speed relative to base, by tokens" in found
    assert "sf 2.00 [1.96, 2.04] 2.00 [1.96, 2.04] 2.00 [1.96, 2.04]" in found
    assert "the mean of the ratios within 5 rounds that both took part in" in found
    data = json.loads(text(records, relative_to="base", format="json"))
    assert [(each["a"], each["b"], each["rounds"]) for each in data["ratios"]] == [
        ("sf (tokens=36)", "base (tokens=36)", 5),
        ("sf (tokens=49)", "base (tokens=49)", 5),
        ("sf (tokens=64)", "base (tokens=64)", 5),
    ]
    assert data["results"][0]["launches"][4]["turn"]["round"] == 5


def test_an_interval_that_says_nothing_is_not_printed_to_the_last_digit():
    rates = {36: 14.0, 49: 12.0, 64: 11.0}
    records = [*along("sf", rates, (1.0, 1.0)), *along("base", rates, (1.0, 1.8))]
    found = text(records, relative_to="base")
    assert "more than ±100 %" in found
    assert "sf ~1.3 ~1.3 ~1.3" in found  # sqrt(1.8) = 1.34
    assert "the ends are more than 4 times apart" in found


def test_ratios_stand_below_the_table_of_their_protocol():
    rates = {36: 14.0, 49: 12.0}
    records = [*along("sf", rates), *along("sf", rates, protocol="latency")]
    words = text(records)
    assert "Head to head" not in words
    throughput, latency = words.split("Latency ")
    for each in (throughput, latency):
        assert each.count("sf (tokens=36) is 1.16667×") == 1


def test_csv_has_the_number_of_launches():
    head, *lines = text(along("sf", {36: 14.0, 49: 12.0}), format="csv").splitlines()
    place = head.split(",").index("launches")
    assert [line.split(",")[place] for line in lines] == ["5", "5"]
