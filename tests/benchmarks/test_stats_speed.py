"""How long intervals and rules take beside what they judge; run with ``make bench``."""

from __future__ import annotations

import random
import time

import pytest

from vtbench.stats import Gate, StoppingRule, ratio_interval


def _times(count, seed=0):
    noise = random.Random(seed)  # noqa: S311  # noise of a test, no secret
    return [0.001 * noise.lognormvariate(0, 0.05) for _ in range(count)]


@pytest.mark.benchmark(group="stats", timer=time.process_time)
def test_a_ratio_of_2_x_60_samples_takes_less_than_20_ms(benchmark):
    benchmark(ratio_interval, _times(60), _times(60, 1))
    assert benchmark.stats.stats.median < 0.020


@pytest.mark.benchmark(group="stats", timer=time.process_time)
def test_a_verdict_on_2_x_60_samples_takes_less_than_20_ms(benchmark):
    benchmark(lambda: Gate().compare(_times(60), _times(60, 1), paired=True))
    assert benchmark.stats.stats.median < 0.020


@pytest.mark.benchmark(group="stats", timer=time.process_time)
def test_asking_after_each_of_15_000_steps_of_1_ms_takes_less_than_a_fiftieth_of_them(benchmark):
    rule = StoppingRule(relative_half_width=1e-9)  # never narrow enough: the interval each time
    taken = _times(15_000)

    def ask():
        samples = []
        for k, seconds in enumerate(taken):
            samples.append(seconds)
            rule.decide(samples, 1.0 + k / 15_000)

    benchmark.pedantic(ask, rounds=3)
    assert benchmark.stats.stats.median < 15 / 50
