"""What follows from samples, and the names that tell workloads apart."""

import math

import pytest

from vtbench.data.from_samples import ratio_of, ratios_of, with_samples
from vtbench.data.measurement import Measurement
from vtbench.data.naming import labels, written
from vtbench.data.protocol import PROTOCOLS, protocol_named
from vtbench.data.workload import Workload
from vtbench.errors import BadOption


def record(model="a", samples=(0.1,) * 12, protocol="throughput", session="s", batch=1):
    blank = Measurement(
        workload=Workload(model=model, batch_size=batch),
        protocol=PROTOCOLS[protocol].id,
        session=session,
    )
    return with_samples(blank, samples)


def test_throughput_is_images_over_the_whole_time_and_no_mean_of_rates():
    found = record(samples=[0.1, 0.3], batch=4)
    assert found.images_per_second == pytest.approx(2 * 4 / 0.4)  # the mean of rates is 26.7
    assert found.median == pytest.approx(0.2)


def test_percentiles_are_of_single_steps_where_there_are_enough():
    samples = [k / 1000 for k in range(1, 663)]
    assert record(samples=samples[:63], protocol="latency").p90 is None
    some = record(samples=samples[:64], protocol="latency")
    assert some.p90 is not None
    assert some.p99 is None
    assert record(samples=samples, protocol="latency").p99 is not None
    assert record(samples=samples).p90 is None  # throughput's samples are blocks


def test_a_ratio_is_of_speeds_so_that_batches_of_different_sizes_compare():
    fast = record("fast", [0.2] * 12, batch=4)  # 20 images a second
    slow = record("slow", [0.1] * 12)  # 10
    ratio, low, high = ratio_of(fast, slow)
    assert ratio == pytest.approx(2)
    assert low <= ratio <= high


def test_only_what_was_measured_in_turns_has_a_ratio():
    records = [
        record("a"),
        record("b", [0.2] * 12),
        record("c", session="other"),
        record("d", session=None),
        Measurement(
            workload=Workload(model="e"), protocol=PROTOCOLS["latency"].id, session="s", error="no"
        ),
    ]
    (ratio,) = ratios_of(records)
    assert (ratio.a, ratio.b) == ("a", "b")
    assert ratio.ratio == pytest.approx(2)


def test_the_ratio_of_a_thing_to_itself_is_one_and_turned_round_it_inverts():
    a, b = record("a", [0.1, 0.11, 0.12] * 5), record("b", [0.21, 0.2, 0.22] * 5)
    assert ratio_of(a, a) == pytest.approx((1, 1, 1))
    forth, back = ratio_of(a, b), ratio_of(b, a)
    assert forth[0] * back[0] == pytest.approx(1)
    assert forth[1] * back[2] == pytest.approx(1)
    assert math.isfinite(forth[2])


def test_names_say_what_tells_namesakes_apart_and_nothing_else():
    plain = Workload(model="m", options=(("k", 1), ("path", "plain")))
    fast = Workload(model="m", options=(("k", 1), ("path", "fast")))
    assert labels([plain, fast, Workload(model="n")]) == ["m (path=plain)", "m (path=fast)", "n"]
    sizes = [Workload(model="m", resolution=(192, 192)), Workload(model="m", resolution=(192, 320))]
    assert labels(sizes) == ["m (resolution 192)", "m (resolution 192x320)"]
    assert labels([Workload(model="m", options=(("k", 1),)), Workload(model="m")]) == [
        "m (k=1)",
        "m (k: default)",
    ]
    assert labels([plain]) == ["m"]


def test_values_are_written_as_a_user_would():
    assert [written(v) for v in (True, None, (224, 224), (192, 320), 0.5)] == [
        "on", "default", "224", "192x320", "0.5",
    ]  # fmt: skip


def test_an_unknown_protocol_names_those_that_there_are():
    with pytest.raises(BadOption, match="no protocol 'warp'; choose one of throughput, latency"):
        protocol_named("warp")


def test_batches_are_64_for_throughput_on_a_gpu_and_1_otherwise():
    assert PROTOCOLS["throughput"].batch_size("cuda") == 64
    assert PROTOCOLS["throughput"].batch_size("cpu") == 1
    assert PROTOCOLS["latency"].batch_size("cuda") == 1
    assert str(PROTOCOLS["latency"].id) == "latency/1"
