"""Claims about speed: what a suite may say, and verdicts, on measurements made by hand."""

import json
import os
import re
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import speed_models
from made_measurements import CLEAN, CPU, H200, failed, lines, made
from speed_models import SUITE

from vtbench.claims.audit.throughputs import implied
from vtbench.claims.judge import judge, wanted
from vtbench.claims.judge.speed_orders import column_orders
from vtbench.claims.judge.speed_sessions import COARSE, FINE, MOST, is_kept, sessions_of
from vtbench.claims.judge.timings import Timings, is_printed, timed_of
from vtbench.claims.suite import Claim, read_suite
from vtbench.claims.suite.speed import Conditions
from vtbench.data.disturbance import Disturbance, Kind
from vtbench.data.measurement import Device, Telemetry, Turn
from vtbench.errors import BadSuite
from vtbench.report.verdicts import command, verdict_object

V100 = Device(kind="cuda", name="Tesla V100-SXM2-16GB", index=0)
THROTTLED = Telemetry(verdict="throttled", disturbances=(Disturbance(Kind.HEAT, {"times": 9}),))


def net(name, device, *, size=8, protocol="throughput", session="s1", **fields):
    return made(
        f"speed_models:{name}", device=device, batch_size=size, resolution=(32, 32), macs=None,
        protocol=protocol, session=session, **fields,
    )  # fmt: skip


def pair(device, small, wide, *, spread=0.001, **fields):
    """Both nets in one session: seconds for 8 images of each."""
    return [
        net("small", device, seconds=small, spread=spread, **fields),
        net("wide", device, seconds=wide, spread=spread, **fields),
    ]


@pytest.fixture
def suite(tmp_path):
    def read(change=lambda text: text):
        path = tmp_path / "nets.toml"
        path.write_text(change(SUITE), encoding="utf-8")
        return read_suite(path)

    return read


@pytest.fixture
def judged(suite):
    def verdicts(records, change=lambda text: text):
        return {v.claim.id.removeprefix("nets."): v for v in judge([suite(change)], {}, records)}

    return verdicts


def test_nothing_is_counted_for_a_speed_and_nothing_judged_without_a_measurement(suite, judged):
    assert wanted([suite()]) == []
    verdict = judged([])["ratio"]
    assert (verdict.verdict, verdict.unknown, verdict.as_expected) == (
        "unknown", "not-measured", True,
    )  # fmt: skip
    assert "`vtbench check --measure` measures it" in verdict.reason


# 8 images in 0.040 s and in 0.080 s are 200 and 100 a second; 2.0 is printed, 1.95 to 2.05


@pytest.mark.parametrize(
    ("small", "wide", "spread", "verdict", "unknown"),
    [
        (0.040, 0.080, 0.001, "holds", None),
        (0.040, 0.0815, 0.001, "holds", None),  # 2.0375
        (0.040, 0.084, 0.001, "fails", None),  # 2.1: a ratio is never close
        (0.040, 0.076, 0.001, "fails", None),  # 1.9
        (0.040, 0.040, 0.001, "fails", None),
    ],
)
def test_a_ratio_on_the_printed_device_is_judged_by_its_interval(
    judged, small, wide, spread, verdict, unknown
):
    found = judged(pair(V100, small, wide, spread=spread))["ratio"]
    assert (found.verdict, found.unknown) == (verdict, unknown)
    assert float(found.measured) == pytest.approx(wide / small, rel=1e-9)
    assert found.as_expected == (verdict == "holds")
    assert found.deviation == pytest.approx(wide / small / 2 - 1)
    assert found.measured_on == "Tesla V100-SXM2-16GB"


def uneven(record, spread):
    """The record with samples that go up and down, apart from those of its partner."""
    taken = [record.median * (1 + spread * (-1) ** (k // 2)) for k in range(20)]
    return msgspec.structs.replace(record, samples=tuple(taken))


def test_an_interval_wider_than_the_printed_one_is_unknown_unless_it_misses_it(judged):
    small, wide = pair(V100, 0.040, 0.080)
    found = judged([small, uneven(wide, 0.2)])["ratio"]
    assert (found.verdict, found.unknown) == ("unknown", "not-measured")
    assert found.measured_range.high - found.measured_range.low > Decimal("0.1")
    assert "wider than the printed interval" in found.reason
    apart = msgspec.structs.replace(wide, samples=tuple(4 * s for s in wide.samples))
    missed = judged([small, uneven(msgspec.structs.replace(apart, median=0.32), 0.1)])["ratio"]
    assert missed.measured_range.high - missed.measured_range.low > Decimal("0.1")
    assert missed.verdict == "fails"


@pytest.mark.parametrize(
    ("small", "wide", "direction"),
    [(0.040, 0.060, "agrees"), (0.040, 0.030, "disagrees"), (0.040, 0.0400001, "open")],
)
def test_elsewhere_a_ratio_is_unknown_with_its_direction(judged, small, wide, direction):
    a, b = pair(H200, small, wide)
    found = judged([a, uneven(b, 0.01)])
    for name in ("ratio", "gain"):
        verdict = found[name]
        assert (verdict.verdict, verdict.unknown) == ("unknown", "hardware")
        assert verdict.direction == direction
        assert verdict.deviation is None
        assert verdict.as_expected
        assert verdict.measured_range.low < verdict.measured < verdict.measured_range.high
        assert "It is printed for V100; NVIDIA H200 measured" in verdict.reason


def in_rounds(name, seconds, paces):
    """The launches of a net in a sweep, one line each."""
    return [
        net(
            name, V100, seconds=seconds * pace, session=f"{name}{number}", cell=name,
            turn=Turn(round=number, place=1),
        )
        for number, pace in enumerate(paces, 1)
    ]  # fmt: skip


def test_a_ratio_is_judged_by_the_common_rounds_of_a_sweep(judged):
    """Rounds differ by 60 %, but in each the second takes twice as long."""
    paces = (1.0, 1.6, 1.1, 1.3)
    lines_kept = [*in_rounds("small", 0.040, paces), *in_rounds("wide", 0.080, paces[:3])]
    found = judged(lines_kept)["ratio"]
    assert (found.verdict, found.unknown) == ("holds", None)
    assert float(found.measured) == pytest.approx(2.0)
    assert float(found.measured_range.low) == pytest.approx(2.0)
    unlike = [*in_rounds("small", 0.040, paces), *in_rounds("wide", 0.080, (1.6, 1.0, 1.3, 1.1))]
    assert judged(unlike)["ratio"].unknown == "not-measured"
    one = [*in_rounds("small", 0.040, paces), *in_rounds("wide", 0.080, paces[:1])]
    assert judged(one)["ratio"].unknown == "not-measured"  # one round has no interval


def test_a_gain_in_per_cent_is_worked_out_from_the_ratio_of_one_session(judged):
    found = judged(pair(V100, 0.040, 0.080))["gain"]
    assert float(found.measured) == pytest.approx(100 * 0.080 / 0.040 - 100)
    assert (found.verdict, found.direction) == ("holds", "agrees")


def test_two_sessions_give_no_ratio(judged):
    small, _ = pair(V100, 0.040, 0.080, session="s1")
    _, wide = pair(V100, 0.040, 0.080, session="s2")
    found = judged([small, wide])["ratio"]
    assert (found.verdict, found.unknown) == ("unknown", "not-measured")
    assert "not measured in one session" in found.reason


def test_the_printed_device_goes_before_a_newer_session_elsewhere(judged):
    records = [*pair(V100, 0.040, 0.080), *pair(H200, 0.040, 0.010, session="s2")]
    assert judged(records)["ratio"].verdict == "holds"
    newer = [*records, *pair(V100, 0.040, 0.060, session="s3")]
    assert judged(newer)["ratio"].verdict == "fails"  # 1.5, of the newest session there


def test_latencies_are_ratios_of_time(judged):
    records = pair(V100, 0.0050, 0.0100, size=1, protocol="latency")
    found = judged(records)
    assert found["t1.small.latency"].measured == Decimal("0.005")
    assert float(found["saved"].measured) == pytest.approx(0.5)
    assert found["saved"].verdict == "holds"
    assert judged(pair(V100, 0.0060, 0.0100, size=1, protocol="latency"))["saved"].verdict == (
        "fails"
    )


@pytest.mark.parametrize(
    ("seconds", "spread", "verdict", "unknown"),
    [
        (0.0400, 0.001, "holds", None),  # 200 img/s within 0.05 %; 199.5 to 200.5 is printed
        (0.0404, 0.001, "close", None),  # 198.02
        (0.0420, 0.001, "fails", None),  # 190.48
        (0.0400, 0.100, "unknown", "not-measured"),  # 5 % to either side
        (0.0440, 0.080, "fails", None),  # 174.8 to 189.4: wide, and none of it was printed
    ],
)
def test_a_figure_is_judged_on_the_printed_device(judged, seconds, spread, verdict, unknown):
    record = net("small", V100, seconds=seconds, spread=spread)
    found = judged([record])["t1.small.throughput"]
    ends = (found.measured_range.low, found.measured_range.high)
    low, high = (8 / (seconds * (1 + sign * spread / 2)) for sign in (1, -1))
    assert [float(end) for end in ends] == pytest.approx([low, high])
    assert (found.verdict, found.unknown) == (verdict, unknown)
    assert found.direction is None
    assert float(found.measured) == pytest.approx(8 / seconds)


def test_a_figure_measured_elsewhere_stands_beside_and_is_no_deviation(judged):
    found = judged([net("small", CPU, seconds=0.040)])["t1.small.throughput"]
    assert (found.verdict, found.unknown, found.deviation) == ("unknown", "hardware", None)
    assert found.measured == 200


def test_a_device_below_its_own_speed_settles_no_figure_and_says_so_of_ratios(judged):
    found = judged([net("small", V100, seconds=0.05, telemetry=THROTTLED)])["t1.small.throughput"]
    assert (found.verdict, found.unknown) == ("unknown", "not-measured")
    assert "The processor slowed down 9 times because of heat." in found.reason
    ratio = judged(pair(V100, 0.040, 0.080, telemetry=THROTTLED))["ratio"]
    assert ratio.verdict == "holds"
    assert "because of heat" in ratio.reason
    unwatched = judged(pair(V100, 0.040, 0.080, telemetry=None))["ratio"]
    assert "The device was not watched" in unwatched.reason


def test_a_difference_of_speeds_is_a_figure_of_its_device(judged):
    found = judged(pair(V100, 0.040, 0.080, spread=0.0001))["more"]
    assert (found.verdict, found.direction) == ("holds", None)
    assert float(found.measured) == pytest.approx(8 / 0.040 - 8 / 0.080)
    assert judged(pair(H200, 0.040, 0.080))["more"].unknown == "hardware"


def test_what_was_measured_in_another_way_is_not_what_was_printed(judged):
    other = {"dtype": "bf16"}, {"layout": "channels_last"}, {"size": 16}, {"compile": "default"}
    for fields in other:
        assert judged(pair(V100, 0.040, 0.080, **fields))["ratio"].unknown == "not-measured"
    bf16 = lambda text: text.replace("batch_size = 8", 'batch_size = 8, dtype = "bf16"')  # noqa: E731  # a change of the suite
    found = judged(pair(V100, 0.040, 0.080, dtype="bf16"), bf16)["ratio"]
    assert found.verdict == "holds"
    assert "not stated" not in found.reason


def test_what_the_paper_does_not_say_is_said(judged):
    reason = judged(pair(V100, 0.040, 0.080))["ratio"].reason
    assert "The precision is not stated; the protocol's default was used." in reason
    records = pair(V100, 0.0050, 0.0100, size=1, protocol="latency")
    assert "The batch size and the precision are not stated" in judged(records)["saved"].reason


def test_a_failed_measurement_says_why(judged):
    record = failed("speed_models:small", device=V100, batch_size=8, resolution=(32, 32))
    found = judged([record, net("wide", V100, seconds=0.08)])["ratio"]
    assert found.unknown == "not-measured"
    assert "It ran out of memory" in found.reason


def test_where_no_device_is_named_a_ratio_still_has_a_direction(judged):
    unnamed = lambda text: text.replace('"V100"', '"not stated"')  # noqa: E731  # a change of the suite
    found = judged(pair(V100, 0.040, 0.080), unnamed)["ratio"]
    assert (found.verdict, found.unknown, found.direction) == ("unknown", "hardware", "agrees")
    assert found.reason.startswith("The paper names no device; Tesla V100-SXM2-16GB measured 2 x")


def test_a_baseline_that_no_table_prints_is_a_quantity(judged):
    claim = """
[[claim]]
id = "over_unprinted"
where = "Abstract"
kind = "difference"
metric = "throughput"
unit = "%"
printed = "100"
of = "100 * t1.small.throughput / unprinted - 100"
conditions = { batch_size = 8 }
"""
    found = judged(pair(V100, 0.040, 0.080), lambda text: text + claim)
    assert found["over_unprinted"].verdict == "holds"
    assert "over_unprinted.printed" not in found  # nothing printed to hold it against


def test_the_best_of_several_ratios_holds_together(judged):
    claim = """
[[claim]]
id = "up_to"
where = "Abstract"
kind = "ratio"
relation = "up_to"
metric = "throughput"
unit = "x"
printed = "2.0"
of = "max(t1.small.throughput / t1.wide.throughput, t1.wide.throughput / t1.small.throughput)"
"""
    found = judged(pair(V100, 0.040, 0.080), lambda text: text + claim)["up_to"]
    assert (found.verdict, found.direction) == ("holds", "agrees")


@pytest.mark.parametrize(
    ("hardware", "name", "partition", "printed"),
    [
        ("V100", "Tesla V100-SXM2-16GB", None, True),
        ("a single V100 GPU", "Tesla V100-PCIE-32GB", None, True),
        ("8 V100s", "Tesla V100-SXM2-16GB", None, False),
        ("V100", "NVIDIA H200", None, False),
        ("A100", "NVIDIA A100-SXM4-80GB", None, True),
        ("A100", "NVIDIA A100-SXM4-80GB", "1g.10gb", False),
        ("RTX 3090", "NVIDIA GeForce RTX 3090", None, True),
        ("RTX 3090", "NVIDIA GeForce RTX 3090 Ti", None, False),
        ("RTX A5000", "NVIDIA RTX A5000", None, True),
        ("A5000", "NVIDIA RTX A5000-12Q", None, True),
        ("EPYC 7543", "AMD EPYC 7543", None, True),
        ("EPYC 754", "AMD EPYC 7543", None, False),
        ("not stated", "NVIDIA H200", None, False),
        ("", "NVIDIA H200", None, False),
    ],
)
def test_the_printed_class_of_a_device(hardware, name, partition, printed):
    device = Device(kind="cuda", name=name, partition=partition)
    assert is_printed(hardware, device) is printed


WRONG = {
    "no hardware": ('hardware = "V100"\n', "", "throughput needs the hardware that the paper"),
    "a wrong unit": ('unit = "img/s", c', 'unit = "ms", c', "printed in img/s or fps, not in 'ms'"),
    "a unit of speed": ('metric = "latency", unit = "ms"', 'unit = "ms"', "a unit of speed"),
    "a batch of none": ("batch_size = 8", "batch_size = 0",
                        "a batch size is a positive whole number, not 0"),
    "an unknown condition": ("batch_size = 8", "threads = 8", "conditions"),
    "a part of a model": ('unit = "ms"', 'unit = "ms", stages = ["a"]', "takes no stages"),
    "hardware of a count": (
        'metric = "latency", unit = "ms"', 'metric = "macs", unit = "M", hardware = "V100"',
        "how a speed was measured",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_about_speeds_are_sentences_with_their_line(suite, case):
    good, bad, said = WRONG[case]
    assert SUITE.count(good) == 1
    with pytest.raises(BadSuite) as raised:
        suite(lambda text: text.replace(good, bad))
    assert all(re.match(r".*nets\.toml:\d+: ", line) for line in str(raised.value).splitlines())
    assert said in str(raised.value)


def test_a_speed_that_needs_what_is_not_here_needs_no_hardware(suite):
    text = 'latency = { metric = "latency", unit = "ms", needs = "not-implemented" }'
    found = suite(lambda t: t.replace('latency = { metric = "latency", unit = "ms" }', text))
    verdicts = {v.claim.id: v for v in judge([found], {}, [])}
    assert verdicts["nets.t1.small.latency"].unknown == "not-implemented"
    assert verdicts["nets.saved"].unknown == "not-implemented"


def test_conditions_of_a_column_go_before_those_of_the_suite(suite):
    header = 'conditions = { batch_size = 256, dtype = "fp16" }\n'
    found = suite(lambda text: text.replace('hardware = "V100"\n', f'hardware = "V100"\n{header}'))
    claims = {claim.id: claim for claim in found.claims}
    first, second = claims["nets.t1.small.throughput"], claims["nets.t1.small.latency"]
    assert first.conditions == Conditions(batch_size=8, dtype="fp16")
    assert second.conditions == Conditions(batch_size=256, dtype="fp16")
    assert timed_of(first).executed("cuda").dtype == "fp16"


def test_json_has_the_interval_the_device_and_the_direction(judged):
    found = verdict_object(judged(pair(H200, 0.040, 0.080))["ratio"])
    assert found["measured_low"] <= found["measured"] <= found["measured_high"]
    told = {key: found[key] for key in ("direction", "measured_on", "hardware", "conditions")}
    assert told == {
        "direction": "agrees", "measured_on": "NVIDIA H200", "hardware": "V100", "conditions": {},
    }  # fmt: skip
    assert json.dumps(found)


def test_the_command_times_it(judged):
    found = judged([])["t1.small.throughput"]
    assert command(found) == (
        "vtbench throughput speed_models:small --resolution 32x32 --batch-size 8"
    )


def test_the_order_of_a_column_pair_by_pair(suite):
    agree = column_orders([suite()], pair(H200, 0.040, 0.080))
    (order,) = agree
    assert (order.column, order.device, order.printed_device) == (
        "t1.throughput", "NVIDIA H200", False,
    )  # fmt: skip
    assert (order.pairs, order.agrees, order.disagrees, order.open) == (1, 1, 0, 0)
    (order,) = column_orders([suite()], pair(V100, 0.080, 0.040))
    assert (order.agrees, order.disagrees, order.printed_device) == (0, 1, True)
    alike = lambda text: text.replace('throughput = "100"', 'throughput = "200"')  # noqa: E731  # a change of the suite
    (order,) = column_orders([suite(alike)], pair(H200, 0.040, 0.080))
    assert order.open == 1
    assert column_orders([suite()], []) == []


def test_a_column_is_one_session_and_derived_figures_need_no_other(suite):
    found = sessions_of([suite()], None, lambda speeds: True)
    assert [[t.workload.model for t in session.speeds] for session in found] == [
        ["speed_models:small", "speed_models:wide"],
        ["speed_models:small", "speed_models:wide"],
    ]
    assert [session.speeds[0].protocol.name for session in found] == ["throughput", "latency"]
    only = sessions_of([suite()], {"nets.gain"}, lambda speeds: True)
    assert [session.speeds[0].metric for session in only] == ["throughput"]


def test_a_column_too_large_is_split_with_its_reference_in_every_part(suite):
    rows = "".join(
        f'[[table.row]]\nid = "r{k}"\nworkload = {{ model = "resnet18", resolution = {32 + k} }}\n'
        f'throughput = "{100 + k}"\n'
        for k in range(5)
    )
    found = suite(lambda text: text.replace("[[claim]]", f"{rows}[[claim]]", 1))
    sessions = sessions_of([found], None, lambda speeds: len(speeds) <= 3)
    parts = [[t.workload.resolution[0] for t in s.speeds] for s in sessions
             if s.speeds[0].metric == "throughput"]  # fmt: skip
    assert parts == [[32, 32, 32], [32, 33, 34], [32, 35, 36]]  # small, wide, r0 .. r4
    assert all(s.speeds[0].workload.model == "speed_models:small" for s in sessions)
    alone = sessions_of([found], None, lambda speeds: len(speeds) < 2)
    assert all(len(session.speeds) == 2 for session in alone)
    whole = [s for s in sessions_of([found], None, lambda speeds: True) if len(s.speeds) == 7]
    assert len(whole) == 1
    assert MOST > 7


def test_a_ratio_whose_models_lie_apart_has_a_session_of_its_own(suite):
    claim = """
[[claim]]
id = "apart"
where = "Text"
kind = "ratio"
metric = "throughput"
unit = "x"
printed = "2.0"
of = "t1.wide.throughput / other.net.throughput"

[[table]]
id = "other"
where = "Table 2"
[table.columns]
throughput = { metric = "throughput", unit = "img/s", conditions = { batch_size = 8 } }
[[table.row]]
id = "net"
workload = { model = "resnet18" }
throughput = "50"
"""
    found = sessions_of([suite(lambda text: text + claim)], None, lambda speeds: True)
    assert [[t.workload.model for t in s.speeds] for s in found][-1] == [
        "speed_models:wide", "resnet18",
    ]  # fmt: skip


def test_a_figure_that_another_session_has_is_not_measured_twice(suite):
    claim = """
[[claim]]
id = "again"
where = "Introduction"
metric = "throughput"
unit = "img/s"
printed = "200.0"
workload = { model = "speed_models:small" }
conditions = { batch_size = 8 }
"""
    found = sessions_of([suite(lambda text: text + claim)], None, lambda speeds: True)
    assert [len(session.speeds) for session in found] == [2, 2]
    assert found[0].printed_width == pytest.approx(0.05 / 200)  # the finest that it is to settle


def test_the_printed_device_is_measured_more_finely_than_any_other(suite):
    session = sessions_of([suite()], None, lambda speeds: True)[0]
    assert session.half_width(H200) == COARSE
    assert session.half_width(V100) == FINE  # 200 is printed to 0.25 %, of which half is 0.125 %


def test_what_a_file_holds_is_not_measured_again(suite):
    session = sessions_of([suite()], None, lambda speeds: True)[0]
    kept = Timings(pair(H200, 0.040, 0.080))
    assert is_kept(session, kept, H200)
    assert not is_kept(session, kept, V100)
    assert not is_kept(session, Timings(pair(H200, 0.040, 0.080)[:1]), H200)
    oom = msgspec.structs.replace(net("wide", H200), samples=(), error="It ran out of memory.")
    assert is_kept(session, Timings([net("small", H200), oom]), H200)


def printed(speed, gmacs, hardware="V100", **fields):
    """A suite of one row that prints a throughput and MACs."""
    claim = Claim(
        id="s.t.a.throughput", suite="s", where="T", kind="value", metric="throughput",
        printed=str(speed), unit="img/s", low=Decimal(speed), high=Decimal(speed),
        hardware=hardware, **fields,
    )  # fmt: skip
    macs = Claim(
        id="s.t.a.macs", suite="s", where="T", kind="value", metric="macs", printed=str(gmacs),
        unit="G", low=Decimal(gmacs) * 10**9, high=Decimal(gmacs) * 10**9,
    )  # fmt: skip
    from vtbench.claims.suite import Suite

    return Suite(name="s", title="t", source="s", path="s.toml", claims=(claim, macs))


def test_what_a_throughput_implies_of_its_device():
    (found,) = implied([printed(1000, 4)], {})
    assert found.operations == 1000 * 4e9 * 2
    assert found.peak == pytest.approx(16.4e12)  # fp32 of the fastest board of a V100
    assert found.utilisation == pytest.approx(8 / 16.4)
    assert (found.stated, found.counted, found.impossible) == (False, False, False)


def test_a_throughput_above_what_the_device_can_do_is_impossible():
    (found,) = implied([printed(17, 707)], {})
    assert found.utilisation > 1  # 24 T operations a second in fp32
    assert not found.impossible  # but not more than in 16 bits
    (stated,) = implied([printed(17, 707, conditions=Conditions(dtype="fp32"))], {})
    assert stated.impossible
    (more,) = implied([printed(1000, 707)], {})
    assert more.impossible  # 1,414 T, and 130 T is the most
    (eight,) = implied([printed(1000, 50, "8 V100s")], {})
    assert not eight.impossible  # 100 T on eight of them
    assert implied([printed(1000, 4, "some device")], {}) == []


def test_counted_macs_go_before_printed_ones(suite, make_record):
    record = make_record("speed_models:small")
    found = suite()
    workload = found.claims[0].workload
    (share, *_) = implied([found], {workload: record})
    assert (share.macs, share.counted) == (record.macs, True)
    assert share.operations == float(199.5 * 2 * record.macs)


def check(vtbench, tmp_path, *arguments, records=()):
    (tmp_path / "nets.toml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "speed.jsonl").write_text(lines(records), encoding="utf-8")
    return vtbench(
        "check", str(tmp_path / "nets.toml"), "--allow-imports", "--from",
        str(tmp_path / "speed.jsonl"), *arguments,
    )  # fmt: skip


def test_a_red_ratio_is_status_1_and_named(vtbench, tmp_path):
    good = check(vtbench, tmp_path, "--only", "nets.ratio", records=pair(V100, 0.040, 0.080))
    assert good.status == 0, good.err
    ended = check(vtbench, tmp_path, "--only", "nets.ratio", records=pair(V100, 0.040, 0.090))
    assert ended.status == 1
    said = " ".join(ended.out.split())
    assert "! nets.ratio: expected holds; Tesla V100-SXM2-16GB measured 2.25 x, which is" in said


def test_elsewhere_the_table_says_the_direction_and_the_order(vtbench, tmp_path):
    ended = check(vtbench, tmp_path, records=pair(H200, 0.040, 0.080))
    assert ended.status == 0, ended.err
    row = r"^ratio +2\.0 x +2\.000 .*unknown +hardware; agrees$"
    assert re.search(row, ended.out, re.MULTILINE)
    said = " ".join(ended.out.split())
    ratios = "2 ratios measured on hardware other than the printed one"
    assert f"{ratios}: 2 in the printed direction, 0" in said
    assert re.search(r"^t1\.throughput +NVIDIA H200 +1 +1 +0 +0$", ended.out, re.MULTILINE)
    data = json.loads(check(vtbench, tmp_path, "--format", "json",
                            records=pair(H200, 0.040, 0.080)).out)  # fmt: skip
    assert data["speeds"]["orders"][0]["agrees"] == 1


def test_kept_measurements_are_judged_without_torch(process, tmp_path):
    (tmp_path / "nets.toml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "speed.jsonl").write_text(lines(pair(V100, 0.040, 0.080)), encoding="utf-8")
    code = (
        "import sys\nfrom vtbench.cli import main\n"
        "try: main(['check', *sys.argv[1:], '--allow-imports'])\n"
        "except SystemExit as ended: status = ended.code\n"
        "print(status, 'torch' in sys.modules)"
    )
    files = [str(tmp_path / name) for name in ("nets.toml", "speed.jsonl")]
    path = os.pathsep.join([str(Path(speed_models.__file__).parent), *sys.path])
    env = {**os.environ, "PYTHONPATH": path}
    ended = process("-c", code, files[0], "--from", files[1], env=env)
    assert ended.out.splitlines()[-1] == "0 False", ended.err


def test_clean_telemetry_says_nothing(judged):
    assert judged(pair(V100, 0.040, 0.080, telemetry=CLEAN))["ratio"].reason == (
        "Tesla V100-SXM2-16GB measured 2 x, which overlaps the printed interval. "
        "The precision is not stated; the protocol's default was used."
    )


def test_speeds_of_two_precisions_are_in_no_session(judged):
    def mixed(text):
        cell = 'throughput = "100"\n'
        column = 'half = { metric = "throughput", unit = "img/s", conditions = { dtype = "fp16" } }'
        text = text.replace("[[table.row]]", f"{column}\n\n[[table.row]]", 1)
        text = text.replace(cell, f'{cell}half = "150"\n')
        return text.replace(
            'of = "t1.small.throughput / t1.wide.throughput"',
            'of = "t1.wide.half / t1.wide.throughput"',
        )

    found = judged(pair(V100, 0.040, 0.080), mixed)["ratio"]
    assert (found.verdict, found.unknown) == ("unknown", "undefined")
    assert "which one session cannot measure" in found.reason


def test_explain_shows_the_interval_the_device_and_the_direction(vtbench, tmp_path):
    (tmp_path / "nets.toml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "speed.jsonl").write_text(lines(pair(H200, 0.040, 0.080)), encoding="utf-8")
    ended = vtbench(
        "explain", "nets.ratio", str(tmp_path / "nets.toml"), "--allow-imports",
        "--from", str(tmp_path / "speed.jsonl"),
    )  # fmt: skip
    assert ended.status == 0, ended.err
    rows = dict(re.findall(r"^(\S.*?|  \S.*?)  +(\S.*)$", ended.out, re.MULTILINE))
    assert rows["Measured on"] == "NVIDIA H200"
    assert rows["  95 % interval"] == "2.00000 to 2.00000"
    assert (rows["Direction"], rows["Printed for"]) == ("agrees", "V100")
