"""Intervals between launches: by hand, and on sweeps whose truth is known."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import pytest

import vtbench
from vtbench.errors import BadInput
from vtbench.stats import Gate, apart_ratio, launch_interval, round_ratio

ROOT = Path(vtbench.__file__).parent.parent


@pytest.fixture(scope="module")
def simulated():
    """The script that simulates sweeps, as a module."""
    path = ROOT / "scripts" / "simulate_launches.py"
    if not path.is_file():
        pytest.skip(f"{path} is not here: the package was installed without its scripts")
    spec = importlib.util.spec_from_file_location("simulate_launches", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_interval_of_launches_is_students_on_logarithms():
    found = launch_interval([math.exp(1.0), math.exp(2.0), math.exp(3.0)])
    # mean 2, standard deviation 1, error 1/sqrt(3), t = 4.302653 at 2 degrees of freedom
    half = 4.302653 / math.sqrt(3)
    assert found.value == pytest.approx(math.exp(2.0))
    assert found.low == pytest.approx(math.exp(2.0 - half), rel=1e-6)
    assert found.high == pytest.approx(math.exp(2.0 + half), rel=1e-6)


def test_one_launch_has_no_interval_and_none_are_refused():
    assert launch_interval([0.5]) is None
    assert round_ratio([0.5], [0.7]) is None
    assert round_ratio([], []) is None
    assert apart_ratio([0.5], [0.7, 0.8]) is None
    with pytest.raises(BadInput, match="no launches"):
        launch_interval([])
    with pytest.raises(BadInput, match="2 and 1 figures"):
        round_ratio([1.0, 2.0], [1.0])


def test_the_interval_of_rates_is_that_of_times_turned_round():
    times = [0.10, 0.11, 0.13, 0.12]
    seconds, rates = launch_interval(times), launch_interval([8 / each for each in times])
    assert rates.value == pytest.approx(8 / seconds.value)
    assert rates.low == pytest.approx(8 / seconds.high)
    assert rates.high == pytest.approx(8 / seconds.low)


def test_what_a_round_does_to_both_cancels_in_their_ratio():
    rounds = [1.0, 1.5, 0.8, 1.1]
    a, b = [0.2 * pace for pace in rounds], [0.3 * pace for pace in rounds]
    known = round_ratio(a, b).interval(0.95)
    assert (known.low, known.high) == pytest.approx((1.5, 1.5))
    apart = apart_ratio(a, b).interval(0.95)
    assert apart.value == pytest.approx(1.5)
    assert apart.low < 1.0 < apart.high


def test_launches_that_agree_are_called_a_change_by_the_gate():
    base, new = [0.100, 0.101, 0.099, 0.100, 0.1005], [0.110, 0.111, 0.109, 0.110, 0.1105]
    assert Gate().judge(apart_ratio(base, new)).verdict == "slower"
    assert Gate().judge(apart_ratio(base, base)).verdict == "same"


def test_intervals_between_launches_hold_the_truth_as_often_as_they_say(simulated):
    kept = json.loads((ROOT / "reports" / "launch_simulation.json").read_text())
    found = simulated.simulated(simulated.SCENARIOS["as above"], seed=0)
    # 2,000 runs: three standard errors of a share of 95 % are 1.5 %
    assert abs(found.launches - 0.95) < 0.015
    assert abs(found.ratio - 0.95) < 0.015
    assert found.one_process < 0.5  # what a single process says of itself
    assert found.ratio_half < found.divided_half
    for name in simulated.Outcome.__struct_fields__:
        # Two runs of 2,000 may fall otherwise with another processor's logarithms.
        assert getattr(found, name) == pytest.approx(kept["as above"][name], abs=0.001), name


def test_every_scenario_of_normal_noise_is_covered(simulated):
    kept = json.loads((ROOT / "reports" / "launch_simulation.json").read_text())
    assert list(kept) == list(simulated.SCENARIOS)
    for name, each in kept.items():
        if simulated.SCENARIOS[name].outliers == 0:
            assert abs(each["launches"] - 0.95) < 0.015, name
        assert abs(each["ratio"] - 0.95) < 0.02, name
