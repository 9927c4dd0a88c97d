"""Hold the timing harness against torch's own timer, against itself, and against known changes.

Writes ``reports/harness.md`` and ``reports/harness.json``. It wants a machine that does nothing
else for a quarter of an hour; the last part keeps it busy on purpose.

    python scripts/check_harness.py [agreement|repeats|known|gate|competition ...]
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import math
import os
import platform
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import timm
import torch
from torch.utils.benchmark import Timer

from vtbench.data.comparison import compare_records
from vtbench.data.measurement import Device, Measurement, Telemetry
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.measure.clocks import HostClock
from vtbench.measure.machine.processor import cpu_name
from vtbench.measure.session.interleaved_arms import Arm, Rules, measure_arms
from vtbench.measure.telemetry.watching import watching
from vtbench.stats import Gate, StoppingRule, WarmUp, ratio_interval

MODELS = (
    "resnet18",
    "mobilenetv3_large_100",
    "vit_tiny_patch16_224",
    "efficientnet_b0",
    "convnext_atto",
)
TURNS = 7
"""Times that each harness takes its turn with one model."""
REPEATS = 10
COMPARISONS = 200
SAMPLES = 60
UNITS = 100
"""Products of matrices of 128 x 128 in the small model; it is padded with products of 32 x 32."""
STEP = 0.03
REPORTS = Path(__file__).parent.parent / "reports"


def agreement() -> dict[str, Any]:
    """Our seconds per step over those of torch's blocked autorange, in turns, per model."""
    found = {}
    for name in MODELS:
        model, x = timm.create_model(name).eval(), torch.randn(1, 3, 224, 224)
        step = _forward(model, x)
        theirs = Timer("step()", globals={"step": step}, num_threads=torch.get_num_threads())
        ratios = []
        for _ in range(TURNS):
            ours = _ours(step)
            ratios.append(ours / theirs.blocked_autorange(min_run_time=1.0).median)
        found[name] = {"ratio": median(ratios), "low": min(ratios), "high": max(ratios)}
    return found


def _forward(model: torch.nn.Module, x: torch.Tensor) -> Callable[[], object]:
    def step() -> object:
        with torch.inference_mode():
            return model(x)

    return step


def _ours(step: Callable[[], object]) -> float:
    arm = Arm("one", step, HostClock())
    rule = StoppingRule(min_seconds=1.0, max_seconds=1.0)
    measure_arms([arm], Rules(stop=rule, warm_up=WarmUp(max_seconds=0.3)))
    return median(arm.samples)


def repeats() -> list[dict[str, float]]:
    """One ratio of two models, measured ten times, each for as long as the commands measure."""
    x = torch.randn(1, 3, 224, 224)
    return _repeated(
        [_forward(timm.create_model(name).eval(), x) for name in ("resnet18", "resnet34")]
    )


def known() -> list[dict[str, float]]:
    """The same of a ratio whose truth is known: 150 equal products against 100, on one thread."""
    torch.set_num_threads(1)
    return _repeated([_products(0), _products(0, units=150)])


def _repeated(steps: Sequence[Callable[[], object]]) -> list[dict[str, float]]:
    found = []
    for _ in range(REPEATS):
        arms = [Arm(str(k), step, HostClock()) for k, step in enumerate(steps)]
        measure_arms(arms, Rules())
        ratio = ratio_interval(arms[0].samples, arms[1].samples)
        found.append({"ratio": ratio.value, "low": ratio.low, "high": ratio.high})
    return found


def gate() -> dict[str, dict[str, int]]:
    """Verdicts on a small model against itself, and against itself with 3 % more work."""
    return {"the same": _verdicts(0), "3 % more time": _verdicts(_calibrated())}


def _calibrated() -> int:
    """How many small products take 3 % of the model's time."""
    torch.set_num_threads(1)
    many = 1000
    arms = [Arm(str(pad), _products(pad), HostClock()) for pad in (0, many)]
    measure_arms(arms, Rules(stop=StoppingRule(max_seconds=5.0), single_steps=True))
    longer = ratio_interval(arms[0].samples, arms[1].samples).value - 1
    return math.ceil(STEP * many / longer)


def competition() -> dict[str, dict[str, int]]:
    """The same beside other processes that take every core."""
    with contextlib.ExitStack() as stack:
        for _ in range(os.cpu_count() or 1):
            stack.enter_context(_other_process())
        return gate()


@contextlib.contextmanager
def _other_process() -> Iterator[None]:
    """A process that keeps a core busy and is no child of ours, since those count as our own."""
    work = "import torch; torch.set_num_threads(1); a = torch.randn(700, 700)\nwhile True: a @ a"
    starts = (
        "import subprocess as s, sys; asked = [sys.executable, '-c', sys.argv[1]]; "
        "print(s.Popen(asked, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    )
    asked = [sys.executable, "-c", starts, work]
    started = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    try:
        yield
    finally:
        os.kill(int(started.stdout), signal.SIGKILL)


def _verdicts(extra: int) -> dict[str, int]:
    torch.set_num_threads(1)
    rule = StoppingRule(min_samples=SAMPLES, max_samples=SAMPLES, min_seconds=0.0)
    found: Counter[str] = Counter()
    for seed in range(COMPARISONS):
        arms = [
            Arm(name, _products(pad), HostClock()) for name, pad in (("base", 0), ("new", extra))
        ]
        rules = Rules(stop=rule, single_steps=True, seed=seed, warm_up=WarmUp(max_seconds=0.2))
        with watching(Device(kind="cpu", name=cpu_name()), 1) as watcher:
            measure_arms(arms, rules, warmed=watcher.restart)
        seen = watcher.telemetry()
        base, new = (_record(arm.samples[:SAMPLES], seen) for arm in arms)
        found[compare_records([base], [new], (), Gate())[0].verdict] += 1
    return dict(found)


def _record(samples: Sequence[float], seen: Telemetry) -> Measurement:
    """One side of a comparison, as a command would have kept it."""
    return Measurement(
        workload=Workload(model="products"),
        protocol=PROTOCOLS["latency"].id,
        samples=tuple(samples),
        session="one",
        telemetry=seen,
    )


def _products(pad: int, units: int = UNITS) -> Callable[[], object]:
    large, small = torch.randn(128, 128), torch.randn(32, 32)
    out, little = torch.empty_like(large), torch.empty_like(small)

    def step() -> object:
        for _ in range(units):
            torch.mm(large, large, out=out)
        for _ in range(pad):
            torch.mm(small, small, out=little)
        return out

    return step


def written(found: dict[str, Any]) -> str:
    """The report as markdown."""
    parts = ["# The harness held against others and against itself\n", _where(found)]
    if "agreement" in found:
        parts += ["## Against `torch.utils.benchmark`, blocked autorange\n",
                  f"Seconds per step, ours over theirs: median of {TURNS} turns, and range.\n",
                  "| model | ratio | range |", "| :--- | ---: | :--- |"]  # fmt: skip
        parts += [
            f"| {name} | {each['ratio']:.4f} | {each['low']:.4f} to {each['high']:.4f} |"
            for name, each in found["agreement"].items()
        ]
    for key, what in (("repeats", "resnet34's time over resnet18's, in turns."),
                      ("known", "150 equal products over 100, on one thread.")):  # fmt: skip
        if key in found:
            parts += _repeats_table(found[key], what)
    for key, title in (("gate", "The gate"),
                       ("competition", "The gate, beside a process on every core")):  # fmt: skip
        if key in found:
            parts += _gate_table(title, found[key])
    parts += [f"\nWhile `{part}` ran, {what}." for part, what in found.get("beside", {}).items()]
    return "\n".join(parts) + "\n"


def _where(found: dict[str, Any]) -> str:
    here = found["where"]
    return (
        f"On {here['cpu']}, {here['cores']} cores, torch {here['torch']}, Python {here['python']}, "
        f"by `python scripts/check_harness.py`.\n"
    )


def _repeats_table(ratios: list[dict[str, float]], what: str) -> list[str]:
    lines = ["\n## One ratio, ten times\n", f"{what}\n", "| ratio | 95 % interval |",
             "| ---: | :--- |"]  # fmt: skip
    lines += [
        f"| {each['ratio']:.4f} | {each['low']:.4f} to {each['high']:.4f} |" for each in ratios
    ]
    return [*lines, _steadiness(ratios)]


def _steadiness(ratios: list[dict[str, float]]) -> str:
    overlap = sum(
        one["low"] <= two["high"] and two["low"] <= one["high"]
        for one, two in itertools.pairwise(ratios)
    )
    values = [each["ratio"] for each in ratios]
    return (
        f"\nNeighbours whose intervals overlap: {overlap} of {len(ratios) - 1}. "
        f"Largest over smallest: {max(values) / min(values):.4f}."
    )


def _gate_table(title: str, verdicts: dict[str, dict[str, int]]) -> list[str]:
    kinds = ("same", "slower", "faster", "cannot tell")
    how = (
        f"{COMPARISONS} comparisons a row, {SAMPLES} samples an arm, steps of {UNITS} products of "
        "128 x 128 matrices on one thread; the padding is calibrated by its time.\n"
    )
    lines = [f"\n## {title}\n", how]
    lines += [f"| truth | {' | '.join(kinds)} |", "| :--- |" + " ---: |" * len(kinds)]
    return lines + [
        f"| {truth} | {' | '.join(str(found.get(kind, 0)) for kind in kinds)} |"
        for truth, found in verdicts.items()
    ]


def main() -> None:
    """Run the parts that were asked for and write what is known of all."""
    parts: dict[str, Callable[[], Any]] = {
        "agreement": agreement, "repeats": repeats, "known": known, "gate": gate,
        "competition": competition,
    }  # fmt: skip
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    asked = parser.parse_args().parts or list(parts)
    kept = REPORTS / "harness.json"
    found = json.loads(kept.read_text()) if kept.exists() else {}
    found["where"] = {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    for name in asked:
        found.get("beside", {}).pop(name, None)  # a note by hand on an earlier run
        found[name] = parts[name]()
        kept.write_text(json.dumps(found, indent=1) + "\n")
        (REPORTS / "harness.md").write_text(written(found))
        sys.stdout.write(f"{name}: {json.dumps(found[name])}\n")


if __name__ == "__main__":
    main()
