"""Launches of a cell as one measurement, and ratios by common rounds."""

import math

import msgspec
import pytest
from made_measurements import CLEAN, made

from vtbench.data.comparison import compare_records
from vtbench.data.files import line_of, read_measurements
from vtbench.data.from_samples import ratios_of, ratios_to
from vtbench.data.launches import combined, rate_interval
from vtbench.data.measurement import Telemetry, Turn
from vtbench.errors import BadOption


def launch(model, number, seconds, *, host="h1", cell=None, **fields):
    """One line of a file: a launch whose samples all lie near ``seconds``."""
    return made(
        model,
        seconds=seconds,
        environment={"torch": "2.15.0", "host": host},
        turn=Turn(round=number, place=1),
        cell=cell or f"{model}{fields.get('resolution', '')}",
        session=f"{model}{number}{host}",
        **fields,
    )


def launches(model, seconds, **fields):
    return [launch(model, k, each, **fields) for k, each in enumerate(seconds, 1)]


def test_launches_of_a_cell_are_one_measurement_with_the_interval_between_them():
    (one,) = combined(launches("a", [0.05, 0.06, 0.055]))
    logs = [math.log(each) for each in (0.05, 0.06, 0.055)]
    mean = sum(logs) / 3
    spread = math.sqrt(sum((each - mean) ** 2 for each in logs) / 2)
    half = 4.302653 * spread / math.sqrt(3)
    assert one.median == pytest.approx(math.exp(mean))
    assert one.low == pytest.approx(math.exp(mean - half), rel=1e-6)
    assert one.high == pytest.approx(math.exp(mean + half), rel=1e-6)
    assert one.images_per_second == pytest.approx(64 / math.exp(mean))
    assert rate_interval(one).low == pytest.approx(64 / one.high)
    assert [each.turn.round for each in one.launches] == [1, 2, 3]
    assert [each.median for each in one.launches] == [0.05, 0.06, 0.055]
    assert one.launches[1].low == pytest.approx(0.06 * 0.995)  # within that launch
    assert len(one.samples) == 3 * 20
    assert (one.turn, one.session, one.stopped_by) == (None, None, "launches")


def test_a_single_launch_keeps_its_own_interval_and_is_said_to_be_one():
    (one,) = combined(launches("a", [0.05]))
    assert (one.median, one.low) == (0.05, pytest.approx(0.05 * 0.995))
    assert len(one.launches) == 1
    assert rate_interval(one) is None


def test_what_is_no_launch_stays_as_it_is():
    plain = [made("a"), made("a"), made("b")]
    assert combined(plain) == plain


def test_cells_stand_as_their_sweep_was_asked_for_whatever_the_order_of_the_rounds():
    def row(model, place, cell):
        return msgspec.structs.replace(
            launch(model, 1, 0.05, cell=cell), turn=Turn(round=1, place=1, row=place)
        )

    one = [row("c", 3, "1"), row("a", 1, "2"), made("plain"), row("b", 2, "3")]
    other = [row("z", 2, "4"), row("y", 1, "5")]
    names = [each.workload.model for each in combined([*one, *other])]
    assert names == ["a", "b", "plain", "c", "y", "z"]


def test_a_launch_that_failed_is_kept_beside_those_that_came_off_and_a_newer_one_replaces_it():
    lines = launches("a", [0.05, 0.06, 0.055])
    broken = msgspec.structs.replace(lines[1], samples=(), median=None, error="It died.")
    (one,) = combined([lines[0], broken, lines[2]])
    assert one.error is None
    assert [each.error for each in one.launches] == [None, "It died.", None]
    assert len(one.samples) == 2 * 20
    (again,) = combined([lines[0], broken, lines[2], lines[1]])
    assert [each.error for each in again.launches] == [None, None, None]
    (all_failed,) = combined([broken])
    assert all_failed.error == "It died."


def test_the_most_disturbed_launch_says_what_was_seen():
    lines = launches("a", [0.05, 0.06])
    held = Telemetry(verdict="throttled", energy_per_image_j=3.0)
    calm = msgspec.structs.replace(CLEAN, energy_per_image_j=1.0)
    pair = [
        msgspec.structs.replace(line, telemetry=t)
        for line, t in zip(lines, (calm, held), strict=True)
    ]
    (one,) = combined(pair)
    assert one.telemetry.verdict == "throttled"
    assert one.telemetry.energy_per_image_j == pytest.approx(2.0)
    assert [each.verdict for each in one.launches] == ["clean", "throttled"]


def test_the_same_round_on_two_hosts_is_two_launches_and_pairs_with_neither_other():
    here, there = launches("a", [0.05, 0.06]), launches("a", [0.07, 0.08], host="h2")
    (one,) = combined([*here, *there])
    assert len(one.launches) == 4
    other = combined(launches("b", [0.1, 0.12], host="h2"))
    (ratio,) = ratios_of([one, *other])
    assert ratio.rounds == 2  # those of h2
    assert ratio.ratio == pytest.approx(math.sqrt(0.1 * 0.12 / 0.07 / 0.08))


def test_ratios_come_from_common_rounds_so_that_a_round_cancels():
    paces = [1.0, 1.4, 0.9, 1.2]
    a = combined(launches("a", [0.05 * pace for pace in paces]))
    b = combined(launches("b", [0.10 * pace for pace in paces[:3]]))
    (ratio,) = ratios_of([*a, *b])
    assert (ratio.a, ratio.b, ratio.rounds) == ("a", "b", 3)
    assert ratio.protocol == "throughput/1"
    assert (ratio.ratio, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))
    assert ratios_of([*a, *combined(launches("b", [0.1]))]) == []  # one round has no interval


def test_a_model_with_several_sizes_is_held_against_at_the_same_size():
    paces, sizes = [1.0, 1.3], [(192, 192), (224, 224)]
    records = combined(
        line
        for model, seconds in (("a", 0.05), ("b", 0.1))
        for size in sizes
        for line in launches(model, [seconds * size[0] * p for p in paces], resolution=size)
    )
    found = ratios_to(records, "b")
    assert [(each.a, each.b) for each in found] == [
        ("a (resolution 192)", "b (resolution 192)"),
        ("a (resolution 224)", "b (resolution 224)"),
    ]
    assert all(each.ratio == pytest.approx(2.0) for each in found)
    with pytest.raises(BadOption, match="b has several workloads, and a ratio needs one"):
        ratios_to([record for record in records if record.workload.model == "b"], "b")


def test_a_model_with_several_values_of_an_option_that_others_lack_is_refused():
    records = combined(
        [
            *launches("a", [0.05, 0.06]),
            *launches("b", [0.05, 0.06], options=(("k", 1),), cell="b1"),
            *launches("b", [0.05, 0.06], options=(("k", 2),), cell="b2"),
        ]
    )
    with pytest.raises(BadOption, match="several workloads"):
        ratios_to(records, "b")
    assert [each.b for each in ratios_to(records, "a")] == ["a", "a"]


def test_a_file_keeps_every_launch_and_is_read_as_cells(tmp_path):
    path = tmp_path / "s.jsonl"
    lines = launches("a", [0.05, 0.06])
    path.write_text("".join(line_of(line) for line in [*lines, made("old")]))
    one, old = read_measurements(path)
    assert len(one.launches) == 2
    assert one.launches[0].turn == Turn(round=1, place=1, seed=0)
    assert (old.workload.model, old.launches) == ("old", ())
    turn = {"round": 2, "place": 1, "row": 1, "seed": 0}
    assert one.to_dict()["launches"][1]["turn"] == turn


def test_two_sweeps_are_compared_by_how_their_launches_differ():
    base = combined(launches("a", [0.100, 0.101, 0.099, 0.100, 0.1005]))
    new = combined(launches("a", [0.110, 0.111, 0.109, 0.110, 0.1105]))
    (found,) = compare_records(base, new)
    assert found.verdict == "slower"
    assert found.ratio == pytest.approx(0.10009975 / 0.11009979, rel=1e-4)
    wide = combined(launches("a", [0.08, 0.14, 0.10, 0.12, 0.11]))
    (unsure,) = compare_records(base, wide)
    assert unsure.verdict == "cannot tell"
