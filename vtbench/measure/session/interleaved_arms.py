"""Arms measured in one session: each is warmed up, then all are timed in turns.

Every round visits the arms in a random order and then in the reverse of it (A B B A), so that a
drift of the machine falls on all arms alike. Visit k of every arm comes from the same half of
the same round, which is what makes their ratio a ratio of pairs. A visit lasts as long as one
sample of the slowest arm: fast arms take several samples, so that each arm has its share of the
time, and as many samples as in a session of its own that lasts as long as its share.
"""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from vtbench.measure.clocks import Clock, Step
from vtbench.measure.memory.out_of_memory import chain
from vtbench.stats import StoppingRule, WarmUp
from vtbench.stats.stopping import StopReason

WARM_BLOCK = 0.05
"""Seconds that a block of warm-up steps is meant to take."""
VISITS = 2
"""Visits of an arm in each round: there and back."""
MOST_IN_A_VISIT = 10_000
"""Samples that a visit has at the most, however slow the slowest arm is."""
ROUNDING = 1e-6
"""What rounding may take off a whole number of samples."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """When to go on and when to stop."""

    warm_up: WarmUp = WarmUp()
    stop: StoppingRule = StoppingRule()
    sample_seconds: float = 0.02
    """Seconds that a sample of several steps is meant to take at least."""
    single_steps: bool = False
    """Whether every sample is one step."""
    seed: int = 0
    """Of the order in the rounds."""
    fill_visits: bool = True
    """Whether a fast arm takes several samples a visit; otherwise each visit is one sample."""


@dataclass
class Arm:
    """One thing to be timed, and what came of it."""

    name: str
    step: Step
    clock: Clock
    samples: list[float] = field(default_factory=list)
    """Seconds per step."""
    steps_per_sample: int = 1
    step_seconds: float = 0.0
    """Seconds of a step in the fastest block of the warm-up."""
    samples_per_visit: int = 1
    warmup_steps: int = 0
    warmup_seconds: float = 0.0
    stopped_by: StopReason | None = None
    failure: Exception | None = None
    """What the step raised; such an arm is left out from then on."""

    @property
    def elapsed(self) -> float:
        """Seconds that its samples took."""
        return math.fsum(self.samples) * self.steps_per_sample


Watch = Callable[[Sequence[Arm]], bool | None]


def measure_arms(
    arms: Sequence[Arm],
    rules: Rules,
    watch: Watch = lambda _: None,
    warmed: Callable[[], None] = lambda: None,
) -> None:
    """Warm up every arm and sample all of them in turns until each has enough.

    ``watch`` is called with the arms after every round; True ends the session there. ``warmed`` is
    called once, when the first sample is about to be taken. An arm whose step raises is left out;
    the others go on.
    """
    for arm in arms:
        _guarded(arm, functools.partial(_warm_up, arm, rules))
    _in_turns(arms, _throw_away)
    if rules.fill_visits:
        _share_time(_alive(arms))
    warmed()
    order = random.Random(rules.seed)  # noqa: S311 - an order, no secret
    while alive := _alive(arms):
        turns = list(alive)
        order.shuffle(turns)
        _in_turns([*turns, *reversed(turns)], _visit)
        alive = _alive(arms)
        ended = watch(alive)
        if _enough(alive, rules.stop) or ended:
            return


def _alive(arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if arm.failure is None]


def _in_turns(arms: Sequence[Arm], visit: Callable[[Arm], None]) -> None:
    for arm in arms:
        if arm.failure is None:
            _guarded(arm, functools.partial(visit, arm))


def _guarded(arm: Arm, work: Callable[[], None]) -> None:
    """Do something with an arm; what its step raises is kept with it."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - a foreign model raises anything
        arm.failure = _without_frames(error)


def _without_frames(error: Exception) -> Exception:
    """The error alone: its frames would hold what the step had in hand, and the others need it."""
    for each in chain(error):
        each.__traceback__ = None
    return error


def _warm_up(arm: Arm, rules: Rules) -> None:
    """Blocks of steps until they stop getting faster; also finds how many steps make a sample.

    The first step compiles and searches. Its time is not part of the cap: a compiler that takes
    longer than that would leave no warm-up, and samples of one step.
    """
    began = arm.clock.now()
    one = _timed(arm, 1)
    ready = arm.clock.now()
    steps, blocks = 1, [one]
    while rules.warm_up.decide(blocks, arm.clock.now() - ready) is None:
        steps = _filling(min(blocks), WARM_BLOCK)
        blocks.append(_timed(arm, steps) / steps)
    arm.step_seconds = min(blocks)
    if not rules.single_steps:
        arm.steps_per_sample = _filling(arm.step_seconds, rules.sample_seconds)
    arm.warmup_seconds = arm.clock.now() - began


def _filling(step_seconds: float, seconds: float) -> int:
    """How many steps take so long; a step that takes no time at all is capped."""
    return max(1, math.ceil(seconds / max(step_seconds, seconds / 1e5)))


def _timed(arm: Arm, steps: int) -> float:
    arm.warmup_steps += steps
    return arm.clock.seconds(arm.step, steps)


def _throw_away(arm: Arm) -> None:
    """A first sample after the others' warm-up, which left the caches to them."""
    arm.warmup_steps += arm.steps_per_sample
    arm.clock.seconds(arm.step, arm.steps_per_sample)


def _share_time(arms: Sequence[Arm]) -> None:
    """As many samples a visit as fit into one sample of the slowest arm."""
    longest = max((arm.step_seconds * arm.steps_per_sample for arm in arms), default=0.0)
    for arm in arms:
        own = max(arm.step_seconds * arm.steps_per_sample, longest / MOST_IN_A_VISIT)
        arm.samples_per_visit = max(1, math.floor(longest / own + ROUNDING)) if longest else 1


def _visit(arm: Arm) -> None:
    for _ in range(arm.samples_per_visit):
        taken = arm.clock.seconds(arm.step, arm.steps_per_sample)
        arm.samples.append(taken / arm.steps_per_sample)


def _enough(arms: Sequence[Arm], rule: StoppingRule) -> bool:
    """Whether every arm has samples enough, or the time of all together is spent."""
    spent = math.fsum(arm.elapsed for arm in arms) >= rule.max_seconds * len(arms)
    patient = msgspec.structs.replace(rule, max_seconds=math.inf)
    for arm in arms:
        asked_at = len(arm.samples) - VISITS * arm.samples_per_visit
        enough = patient.decide(arm.samples, arm.elapsed, asked_at)
        arm.stopped_by = enough or ("max_time" if spent else None)
    return all(arm.stopped_by is not None for arm in arms)
