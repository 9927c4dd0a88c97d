"""How often the gate errs: runs whose truth is known, and what the gate said of them.

    python scripts/simulate_gate.py

writes reports/gate_simulation.md and reports/gate_simulation.json, the same bytes at every run.
Each scenario makes the logarithms of two arms' times, base and new, as one row a run. Unless a
scenario says otherwise: 60 samples an arm taken in turns; noise of 2 %; each arm's noise resembles
its own last sample by 0.5 and knows nothing of the other arm; 2 % of the samples take half as long
again; both arms get slower by 5 % from the first sample to the last.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from vtbench.stats import Gate, StoppingRule, half_width, median_interval
from vtbench.stats.interval import t_quantile

Runs = npt.NDArray[np.float64]
"""One run a row, one sample a column."""

RUNS = 2000
SAMPLES = 60
BURSTS = 0.2
STEP = 0.03
SECONDS = 0.01
"""A step of the stopping rule's runs."""
ABOUT = (
    f"Simulated, {RUNS:,} runs a row, by `python scripts/simulate_gate.py`; the scenarios are",
    "described there and the method in docs/measuring.md. *Covered*: the 95 % interval of the",
    "ratio held the true ratio.",
)
REPORTS = Path(__file__).parent.parent / "reports"


class Noise(msgspec.Struct, frozen=True):
    """What happens to the times of two arms."""

    sd: float = 0.02
    resemblance: float = 0.5
    shared: bool = False
    """One noise runs through both arms in the order of measuring."""
    outliers: float = 0.02
    drift: float = 0.05
    samples: tuple[int, int] = (SAMPLES, SAMPLES)
    bursts: float = 0.0
    """How much longer a sample takes while something else runs, a fifth of the time."""
    both_burst: bool = False
    states: float = 0.0
    """How much longer a sample takes in the slow one of two states of the clock."""
    both_switch: bool = True
    wander: float = 0.0
    """Slow noise of each arm, which forgets itself in twenty samples."""
    sessions: float = 0.0
    """How much a session differs from another one."""
    paired: bool = True
    blocks: int = 1
    """Samples of one arm in a row."""


SCENARIOS = {
    "as above": Noise(),
    "one noise shared by both arms": Noise(shared=True),
    "samples that do not resemble each other": Noise(resemblance=0.0),
    "samples that resemble each other by 0.8": Noise(resemblance=0.8),
    "noise of 2.3 % (2 % new at each sample)": Noise(sd=0.02 / 0.75**0.5),
    "noise of 5 %": Noise(sd=0.05),
    "noise of 10 %": Noise(sd=0.10),
    "20 samples an arm": Noise(samples=(20, 20)),
    "240 samples an arm": Noise(samples=(240, 240)),
    "12 blocks of 5": Noise(blocks=5),
    "bursts of +20 %, on both arms": Noise(bursts=0.2, both_burst=True),
    "bursts of +20 %, on the new arm alone": Noise(bursts=0.2),
    "bursts of +5 %, on the new arm alone": Noise(bursts=0.05),
    "two clocks 15 % apart, both arms": Noise(states=0.15),
    "two clocks 15 % apart, each arm its own": Noise(states=0.15, both_switch=False),
    "each arm wanders slowly by 1.5 %": Noise(wander=0.015),
    "measured apart, 60 and 45 samples": Noise(samples=(60, 45), drift=0.0, paired=False),
    "measured apart, both drift by 5 %": Noise(paired=False),
    "measured apart, sessions differ by 0.5 %": Noise(drift=0.0, sessions=0.005, paired=False),
    "measured apart, sessions differ by 1 %": Noise(drift=0.0, sessions=0.01, paired=False),
}


class Outcome(msgspec.Struct, frozen=True):
    """What the gate said of the runs of one scenario, in shares of them."""

    scenario: str
    step: float
    runs: int
    covered: float
    """The interval held the true ratio."""
    half_width: float
    same: float
    faster: float
    slower: float
    cannot_tell: float


def simulate(scenario: str, step: float, runs: int = RUNS, seed: int = 0) -> Outcome:
    """The gate on runs of a scenario in which the new arm takes ``step`` longer."""
    noise = SCENARIOS[scenario]
    base, new = arms(noise, step, runs, seed)
    gate = Gate()
    answers = [
        gate.compare(_blocks(a, noise), _blocks(b, noise), paired=noise.paired)
        for a, b in zip(np.exp(base), np.exp(new), strict=True)
    ]
    verdicts = [answer.verdict for answer in answers]
    return Outcome(
        scenario=scenario,
        step=step,
        runs=runs,
        covered=float(np.mean([r.ratio.low <= 1 + step <= r.ratio.high for r in answers])),
        half_width=float(np.mean([half_width(answer.ratio) for answer in answers])),
        same=verdicts.count("same") / runs,
        faster=verdicts.count("faster") / runs,
        slower=verdicts.count("slower") / runs,
        cannot_tell=verdicts.count("cannot tell") / runs,
    )


def arms(noise: Noise, step: float, runs: int, seed: int) -> tuple[Runs, Runs]:
    """Logarithms of the times of base and new, of shape runs × samples."""
    rng = np.random.default_rng(seed)
    first, second = noise.samples
    if noise.shared:
        both = resembling(rng, (runs, first + second), noise.resemblance) * noise.sd
        base, new = both[:, 0::2], both[:, 1::2]
    else:
        base = resembling(rng, (runs, first), noise.resemblance) * noise.sd
        new = resembling(rng, (runs, second), noise.resemblance) * noise.sd
    base = base + _of_one_arm(noise, rng, base.shape)
    new = new + _of_one_arm(noise, rng, new.shape) + np.log1p(step)
    _disturb(noise, rng, base, new)
    return base, new


def _of_one_arm(noise: Noise, rng: np.random.Generator, shape: tuple[int, ...]) -> Runs:
    """Drift, outliers, what a session has of its own, and slow noise."""
    drift = np.log1p(np.linspace(0, noise.drift, shape[1]))
    outliers = np.log(1.5) * (rng.random(shape) < noise.outliers)
    session = noise.sessions * rng.standard_normal((shape[0], 1))
    return drift + outliers + session + noise.wander * resembling(rng, shape, 0.95)


def _disturb(noise: Noise, rng: np.random.Generator, base: Runs, new: Runs) -> None:
    """Bursts of other work, and clocks that switch."""
    if noise.bursts and noise.both_burst:
        hit = stretches(rng, (len(new), 2 * new.shape[1]), 16) * np.log1p(noise.bursts)
        base += hit[:, 0::2]
        new += hit[:, 1::2]
    elif noise.bursts:
        new += stretches(rng, new.shape, 8) * np.log1p(noise.bursts)
    if noise.states and noise.both_switch:
        state = switching(rng, (len(new), 2 * new.shape[1]), 1 / 40) * np.log1p(noise.states)
        base += state[:, 0::2]
        new += state[:, 1::2]
    elif noise.states:
        base += switching(rng, base.shape, 1 / 20) * np.log1p(noise.states)
        new += switching(rng, new.shape, 1 / 20) * np.log1p(noise.states)


def resembling(rng: np.random.Generator, shape: tuple[int, ...], resemblance: float) -> Runs:
    """Normal noise of variance 1 in which each sample resembles the one before it."""
    fresh = rng.standard_normal(shape)
    for k in range(1, shape[1]):
        fresh[:, k] = resemblance * fresh[:, k - 1] + np.sqrt(1 - resemblance**2) * fresh[:, k]
    return fresh


def stretches(rng: np.random.Generator, shape: tuple[int, ...], length: int) -> Runs:
    """1 in stretches of samples at random places, together about a fifth of all; else 0."""
    begins = rng.random(shape) < BURSTS / length
    hit = np.zeros(shape, bool)
    for k in range(length):
        hit[:, k:] |= begins[:, : shape[1] - k]
    return hit.astype(float)


def switching(rng: np.random.Generator, shape: tuple[int, ...], chance: float) -> Runs:
    """0 or 1, switching at each sample with a small chance."""
    begin = rng.integers(0, 2, (shape[0], 1))
    return (np.cumsum(rng.random(shape) < chance, axis=1) + begin) % 2.0


def _blocks(times: npt.NDArray[np.float64], noise: Noise) -> list[float] | list[list[float]]:
    if noise.blocks == 1:
        return [float(time) for time in times]
    return [[float(time) for time in block] for block in times.reshape(-1, noise.blocks)]


class Method(msgspec.Struct, frozen=True):
    """How another interval of the same ratio fares in the first scenario."""

    method: str
    covered: float
    half_width: float


def other_methods(runs: int = RUNS, seed: int = 0) -> list[Method]:
    """Intervals that are in wide use, on the runs of the first scenario without a step."""
    base, new = arms(SCENARIOS["as above"], 0.0, runs, seed)
    steps = new - base
    n = steps.shape[1]
    error = steps.std(axis=1, ddof=1) / np.sqrt(n)
    mean = steps.mean(axis=1)
    half = t_quantile(0.95, n - 1) * error
    independent = "Student's, of the mean log ratio, samples taken as independent"
    found = [_method(independent, mean - half, mean + half)]
    rng = np.random.default_rng(seed + 1)
    for name, length in (
        ("bootstrap of the median log ratio, samples taken as independent", 1),
        ("bootstrap of the median log ratio, by blocks of 6", 6),
    ):
        ends = [_bootstrapped(rng, row, length) for row in steps]
        low, high = (np.array(side) for side in zip(*ends, strict=True))
        found.append(_method(name, low, high))
    return found


def _bootstrapped(rng: np.random.Generator, row: Runs, length: int) -> tuple[float, float]:
    """The middle 95 % of medians of 400 series put together from blocks of the row."""
    n = len(row)
    begins = rng.integers(0, n - length + 1, (400, n // length, 1))
    drawn = row[(begins + np.arange(length)).reshape(400, -1)]
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(low), float(high)


def _method(name: str, low: Runs, high: Runs) -> Method:
    covered = float(np.mean((low <= 0) & (high >= 0)))
    return Method(name, covered, float(np.mean(high - low) / 2))


class Stopped(msgspec.Struct, frozen=True):
    """What the stopping rule leads to."""

    noise: float
    resemblance: float
    samples: float
    """Samples at the end, on average."""
    covered: float
    """The interval of the median at the end held the true median."""
    half_width: float


def stopping(noise: Noise, runs: int = 500, seed: int = 0) -> Stopped:
    """The stopping rule asked after every sample, steps of 10 ms, no drift."""
    rng = np.random.default_rng(seed)
    rule = StoppingRule()
    times = np.exp(noise.sd * resembling(rng, (runs, 1500), noise.resemblance)) * SECONDS
    lengths, widths, held = [], [], 0
    for row in times.tolist():
        n = next(n for n in range(1, 1501) if rule.decide(row[:n], SECONDS * n) is not None)
        interval = median_interval(row[:n])
        lengths.append(n)
        widths.append(half_width(interval))
        held += interval.low <= SECONDS <= interval.high
    return Stopped(
        noise.sd, noise.resemblance, float(np.mean(lengths)), held / runs, float(np.mean(widths))
    )


def report(outcomes: list[Outcome], methods: list[Method], stopped: list[Stopped]) -> str:
    """The markdown page."""
    gate = "| scenario | true change | covered | ± | same | slower | faster | cannot tell |"
    lines = ["# How often the gate errs", "", *ABOUT, "", gate, "| :--- " + "| ---: " * 7 + "|"]
    lines += [
        f"| {o.scenario} | {o.step:.0%} | {o.covered:.1%} | {o.half_width:.2%} | {o.same:.1%} "
        f"| {o.slower:.1%} | {o.faster:.1%} | {o.cannot_tell:.1%} |"
        for o in outcomes
    ]
    lines += ["", "## Other intervals, on the runs of the first row", ""]
    lines += ["| interval | covered | ± |", "| :--- | ---: | ---: |"]
    lines += [f"| {m.method} | {m.covered:.1%} | {m.half_width:.2%} |" for m in methods]
    lines += ["", "## The stopping rule: ±1 % of the median, steps of 10 ms", ""]
    lines += ["| noise | resemblance | samples | covered | ± |", "| ---: " * 5 + "|"]
    lines += [
        f"| {s.noise:.0%} | {s.resemblance} | {s.samples:.0f} | {s.covered:.1%} "
        f"| {s.half_width:.2%} |"
        for s in stopped
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulate everything and write both files."""
    outcomes = [simulate(name, step) for name in SCENARIOS for step in (0.0, STEP)]
    methods = other_methods()
    stopped = [
        stopping(Noise(sd=sd, resemblance=r)) for sd in (0.02, 0.05) for r in (0.0, 0.5, 0.8)
    ]
    (REPORTS / "gate_simulation.md").write_text(report(outcomes, methods, stopped))
    whole = {
        "gate": [msgspec.structs.asdict(outcome) for outcome in outcomes],
        "other_methods": [msgspec.structs.asdict(method) for method in methods],
        "stopping": [msgspec.structs.asdict(each) for each in stopped],
    }
    (REPORTS / "gate_simulation.json").write_text(json.dumps(whole, indent=1) + "\n")


if __name__ == "__main__":
    main()
