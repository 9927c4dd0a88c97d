"""How often the interval of several launches holds the truth: sweeps whose truth is known.

    python scripts/simulate_launches.py

writes reports/launch_simulation.md and reports/launch_simulation.json, the same bytes at every
run. Two cells take part in each round of a sweep. The time of a launch is that of its cell, times
what the round brings (both cells alike), times what this process was dealt (each for itself); its
samples scatter by 2 % about that. Unless a scenario says otherwise: 5 launches, processes that
differ by 2 %, and rounds that differ by 1 %.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import msgspec
import numpy as np

from vtbench.stats import Interval, half_width, launch_interval, median_interval, round_ratio

RUNS = 2000
SAMPLES = 40
SCATTER = 0.02
TRUTH = (0.05, 0.06)
"""Seconds per step of the two cells."""
REPORTS = Path(__file__).parent.parent / "reports"


class Sweep(msgspec.Struct, frozen=True):
    """How the launches of a sweep differ; all of it as standard deviations of logarithms."""

    launches: int = 5
    processes: float = 0.02
    rounds: float = 0.01
    outliers: float = 0.0
    """Share of launches that take a fifth longer."""


SCENARIOS = {
    "as above": Sweep(),
    "2 launches": Sweep(launches=2),
    "3 launches": Sweep(launches=3),
    "10 launches": Sweep(launches=10),
    "processes differ by 0.2 %": Sweep(processes=0.002),
    "processes differ by 10 %": Sweep(processes=0.10),
    "rounds differ by 10 %": Sweep(rounds=0.10),
    "1 of 20 launches takes a fifth longer": Sweep(outliers=0.05),
}


class Outcome(msgspec.Struct, frozen=True):
    """How often intervals held the truth, and how wide they are."""

    one_process: float
    """The interval of the median of one launch's samples."""
    launches: float
    """The interval between launches."""
    half: float
    ratio: float
    """The interval of the ratio of two cells, round by round."""
    ratio_half: float
    divided: float
    """The range that the ends of both cells' intervals allow for their ratio."""
    divided_half: float


def simulated(sweep: Sweep, seed: int, runs: int = RUNS) -> Outcome:
    """Many sweeps of two cells."""
    random = np.random.default_rng(seed)
    one, own, ratio, divided = ([] for _ in range(4))
    for _ in range(runs):
        first, second, samples = _times(sweep, random)
        mean = _known(launch_interval(first))
        other = _known(launch_interval(second))
        known = round_ratio(first, second)
        assert known is not None  # noqa: S101  # there are two launches at least
        one.append(median_interval(samples))
        own.append(mean)
        ratio.append(known.interval(0.95))
        ends = (other.low / mean.high, other.high / mean.low)
        divided.append(Interval(other.value / mean.value, *ends))
    # an outlier is as likely in every launch: the truth is the mean of what launches are dealt
    shift = sweep.outliers * math.log(1.2)
    truth = TRUTH[0] * math.exp(shift)
    over = TRUTH[1] / TRUTH[0]
    return Outcome(
        one_process=_covered(one, truth),
        launches=_covered(own, truth),
        half=_half(own),
        ratio=_covered(ratio, over),
        ratio_half=_half(ratio),
        divided=_covered(divided, over),
        divided_half=_half(divided),
    )


def _times(
    sweep: Sweep, random: np.random.Generator
) -> tuple[list[float], list[float], list[float]]:
    """The launches' medians of both cells, and the samples of the first launch of the first."""
    rounds = random.normal(0, sweep.rounds, sweep.launches)
    own = random.normal(0, sweep.processes, (2, sweep.launches))
    late = math.log(1.2) * (random.random((2, sweep.launches)) < sweep.outliers)
    pace = np.exp(rounds + own + late) * np.array(TRUTH)[:, None]
    scattered = pace[:, :, None] * np.exp(random.normal(0, SCATTER, (*pace.shape, SAMPLES)))
    medians = np.median(scattered, axis=2)
    return medians[0].tolist(), medians[1].tolist(), scattered[0, 0].tolist()


def _known(found: Interval | None) -> Interval:
    assert found is not None  # noqa: S101  # there are two launches at least
    return found


def _covered(intervals: list[Interval], truth: float) -> float:
    return fmean(each.low <= truth <= each.high for each in intervals)


def _half(intervals: list[Interval]) -> float:
    return float(np.median([half_width(each) for each in intervals]))


_COLUMNS: tuple[tuple[str, Callable[[Outcome], float]], ...] = (
    ("one process", lambda found: found.one_process),
    ("launches", lambda found: found.launches),
    ("±", lambda found: found.half),
    ("ratio by rounds", lambda found: found.ratio),
    ("± of it", lambda found: found.ratio_half),
    ("ratio of the ends", lambda found: found.divided),
    ("± of that", lambda found: found.divided_half),
)


def report(found: dict[str, Outcome]) -> str:
    """The outcomes as a page."""
    heads = [head for head, _ in _COLUMNS]
    lines = [
        "# How sure several launches are",
        "",
        f"Simulated, {RUNS:,} sweeps a row, by `python scripts/simulate_launches.py`, where the",
        "scenarios are described; the method is in docs/measuring.md. A share is how often a 95 %",
        "interval held the truth; ± is the median of its half-widths.",
        "",
        f"| scenario | {' | '.join(heads)} |",
        f"| :--- |{' ---: |' * len(heads)}",
    ]
    lines += [
        f"| {name} | {' | '.join(f'{read(each):.1%}' for _, read in _COLUMNS)} |"
        for name, each in found.items()
    ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write the page and its figures."""
    found = {name: simulated(sweep, seed) for seed, (name, sweep) in enumerate(SCENARIOS.items())}
    (REPORTS / "launch_simulation.md").write_text(report(found), encoding="utf-8")
    kept = {name: msgspec.to_builtins(each) for name, each in found.items()}
    text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
    (REPORTS / "launch_simulation.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
