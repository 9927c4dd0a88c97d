"""Interleaved sessions, on a clock that is told what to say."""

import gc
import weakref

import pytest

from vtbench.measure.clocks import CudaEventClock, FakeClock, HostClock, backlog_cycles
from vtbench.measure.session.interleaved_arms import Arm, Rules, measure_arms
from vtbench.stats import StoppingRule, WarmUp


class Shared:
    """One fake time for several arms, and the order in which they were visited."""

    def __init__(self, seconds):
        self.visits = []
        self.seconds = seconds

    def arm(self, name, steps=None):
        calls = []

        def step():
            calls.append(name)
            self.visits.append(name)

        duration = self.seconds[name]
        told = duration if callable(duration) else (lambda _: duration)
        return Arm(name, step, FakeClock(told))


def rules(**stop):
    return Rules(stop=StoppingRule(**{"min_seconds": 0.0, **stop}))


def test_steady_arms_stop_at_the_fewest_samples_by_their_interval():
    shared = Shared({"a": 0.1, "b": 0.15})
    arms = [shared.arm("a"), shared.arm("b")]
    measure_arms(arms, rules(min_samples=10))
    assert [arm.stopped_by for arm in arms] == ["interval", "interval"]
    assert arms[0].samples == pytest.approx([0.1] * 10)
    assert arms[1].samples == pytest.approx([0.15] * 10)


def noisy(seconds):
    """A pace that changes every 400 steps never lets an interval become narrow."""
    return lambda step: seconds * (2.0 if step // 400 % 2 else 1.0)


@pytest.mark.parametrize("single", [False, True])
def test_a_slow_arm_leaves_a_fast_one_the_samples_of_a_session_of_its_own(single):
    stop = StoppingRule(max_seconds=15.0)
    spans = {"fast": noisy(0.001), "slow": 1.0}
    (alone,) = [Shared(spans).arm("fast")]
    measure_arms([alone], Rules(stop=stop, single_steps=single))
    assert alone.stopped_by == "max_time"
    shared = Shared(spans)
    fast, slow = arms = [shared.arm("fast"), shared.arm("slow")]
    measure_arms(arms, Rules(stop=stop, single_steps=single))
    assert len(fast.samples) >= len(alone.samples)
    assert fast.elapsed >= 15.0
    assert slow.samples_per_visit == 1
    assert slow.elapsed >= 10.0  # visits are laid out by the faster pace of the fast one
    assert len(fast.samples) == len(slow.samples) * fast.samples_per_visit


def test_arms_of_1_ms_and_1_s_have_50_samples_to_one():
    shared = Shared({"fast": 0.001, "slow": 1.0})
    fast, slow = arms = [shared.arm("fast"), shared.arm("slow")]
    measure_arms(arms, rules(min_samples=10))
    assert (fast.steps_per_sample, fast.samples_per_visit) == (20, 50)  # 20 ms, 50 in a second
    assert (slow.steps_per_sample, slow.samples_per_visit) == (1, 1)
    assert len(slow.samples) == 10
    assert len(fast.samples) == 500
    assert [fast.stopped_by, slow.stopped_by] == ["interval", "interval"]


def test_a_visit_is_one_sample_if_samples_are_to_be_pairs():
    shared = Shared({"fast": 0.001, "slow": 1.0})
    fast, slow = arms = [shared.arm("fast"), shared.arm("slow")]
    stop = StoppingRule(min_seconds=0.0, min_samples=10)
    measure_arms(arms, Rules(stop=stop, fill_visits=False))
    assert len(fast.samples) == len(slow.samples) == 10


def test_a_sample_holds_as_many_steps_as_fill_its_time():
    shared = Shared({"a": 0.003})
    (arm,) = arms = [shared.arm("a")]
    measure_arms(arms, rules(min_samples=10))
    assert arm.steps_per_sample == 7  # 7 * 3 ms is the first to reach 20 ms
    assert len(shared.visits) == arm.warmup_steps + 10 * 7


def test_single_steps_are_samples_of_one_step():
    shared = Shared({"a": 0.003})
    (arm,) = arms = [shared.arm("a")]
    measure_arms(arms, Rules(stop=StoppingRule(min_samples=10, min_seconds=0), single_steps=True))
    assert arm.steps_per_sample == 1


def test_warm_up_goes_on_while_steps_get_faster():
    # 40 steps that take longer than the rest: the first blocks improve, then they settle
    shared = Shared({"a": lambda step: 0.4 / (1 + step) if step < 40 else 0.01})
    (arm,) = arms = [shared.arm("a")]
    measure_arms(arms, rules(min_samples=10))
    assert arm.warmup_steps > 40
    assert arm.samples == pytest.approx([0.01] * 10)


def test_warm_up_has_a_cap():
    shared = Shared({"a": lambda step: 1.0 / (1 + step)})
    (arm,) = arms = [shared.arm("a")]
    capped = Rules(
        warm_up=WarmUp(max_blocks=5), stop=StoppingRule(min_samples=2, min_seconds=0, max_seconds=1)
    )
    measure_arms(arms, capped)
    assert arm.warmup_seconds == pytest.approx(
        sum(1 / (1 + k) for k in range(arm.warmup_steps - 1)), rel=0.2
    )


def test_a_first_step_that_compiles_for_longer_than_the_cap_leaves_the_warm_up_whole():
    # 30 s of compiling, and two steps more that are slow, as capturing graphs makes them
    shared = Shared({"a": lambda step: 30.0 if step == 0 else 0.5 if step < 3 else 0.004})
    (arm,) = arms = [shared.arm("a")]
    measure_arms(arms, rules(min_samples=10))
    assert arm.warmup_steps > 10
    assert arm.warmup_seconds >= 30 + 2 * 0.5
    assert arm.steps_per_sample == 5  # 5 * 4 ms fill 20 ms
    assert arm.samples == pytest.approx([0.004] * 10)


def test_every_round_is_its_own_mirror_image_and_the_order_changes():
    shared = Shared(dict.fromkeys("abc", 0.1))
    arms = [shared.arm(name) for name in "abc"]
    measure_arms(arms, rules(min_samples=20))
    warm = sum(arm.warmup_steps for arm in arms)
    timed = shared.visits[warm:]
    assert len(timed) == 3 * 20
    rounds = [timed[i : i + 6] for i in range(0, 60, 6)]
    assert all(each == each[::-1] for each in rounds)
    assert all(sorted(each[:3]) == ["a", "b", "c"] for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_the_same_seed_gives_the_same_order():
    orders = []
    for seed in (1, 1, 2):
        shared = Shared(dict.fromkeys("abcd", 0.1))
        arms = [shared.arm(name) for name in "abcd"]
        measure_arms(arms, Rules(stop=StoppingRule(min_seconds=0), seed=seed))
        orders.append(shared.visits)
    assert orders[0] == orders[1] != orders[2]


def test_noise_that_stays_stops_by_time_and_says_so():
    shared = Shared({"a": lambda step: 0.1 if step % 2 else 0.3, "b": 0.1})
    arms = [shared.arm("a"), shared.arm("b")]
    measure_arms(arms, rules(min_samples=10, max_seconds=5.0))
    noisy, steady = arms
    assert noisy.stopped_by == "max_time"
    assert steady.stopped_by in ("interval", "max_time")
    assert len(noisy.samples) == len(steady.samples)
    assert noisy.elapsed + steady.elapsed >= 2 * 5.0


def test_an_arm_that_raises_is_left_out_and_the_others_go_on():
    def broken():
        raise RuntimeError("no such size")

    arms = [Arm("broken", broken, FakeClock(lambda _: 0.1)), Shared({"a": 0.1}).arm("a")]
    measure_arms(arms, rules(min_samples=10))
    assert isinstance(arms[0].failure, RuntimeError)
    assert arms[0].samples == []
    assert len(arms[1].samples) == 10


def test_what_an_arm_held_when_it_raised_is_let_go():
    # on a GPU these are the activations that had filled its memory
    class Activation:
        pass

    held = []

    def greedy():
        activation = Activation()
        held.append(weakref.ref(activation))
        try:
            raise MemoryError
        except MemoryError as error:
            raise RuntimeError("CUDA out of memory") from error

    arms = [Arm("greedy", greedy, FakeClock(lambda _: 0.1)), Shared({"a": 0.1}).arm("a")]
    measure_arms(arms, rules(min_samples=10))
    assert str(arms[0].failure) == "CUDA out of memory"
    assert isinstance(arms[0].failure.__cause__, MemoryError)
    gc.collect()
    assert [reference() for reference in held] == [None]


def test_an_arm_that_raises_later_keeps_the_rest_in_step():
    left = [60]

    def tiring():
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError

    arms = [Arm("tires", tiring, FakeClock(lambda _: 0.1)), Shared({"a": 0.1}).arm("a")]
    measure_arms(arms, rules(min_samples=200, max_samples=200, max_seconds=100))
    assert isinstance(arms[0].failure, MemoryError)
    assert len(arms[1].samples) == 200


def test_what_waits_for_the_warm_up_is_called_before_the_first_sample():
    shared = Shared({"a": 0.1})
    (arm,) = arms = [shared.arm("a")]
    seen = []
    measure_arms(arms, rules(), warmed=lambda: seen.append((arm.warmup_steps, len(arm.samples))))
    assert seen == [(arm.warmup_steps, 0)]


def test_nothing_left_to_measure_ends():
    def broken():
        raise ValueError

    arms = [Arm("broken", broken, FakeClock(lambda _: 0.1))]
    measure_arms(arms, rules())
    assert arms[0].stopped_by is None


def test_an_interrupt_is_not_an_arms_failure():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_arms([Arm("a", interrupted, FakeClock(lambda _: 0.1))], rules())


def test_the_host_clock_times_steps_without_what_comes_before_them():
    said = []
    clock = HostClock(wait=lambda: said.append("wait"), before=lambda: said.append("flush"))
    assert clock.seconds(lambda: said.append("step"), 2) >= 0
    assert said == ["flush", "wait", "step", "wait"] * 2


def test_the_host_clock_waits_once_for_a_full_queue():
    said = []
    clock = HostClock(wait=lambda: said.append("wait"))
    clock.seconds(lambda: said.append("step"), 3)
    assert said == ["wait", "step", "step", "step", "wait"]


class FakeEvent:
    def __init__(self, cuda):
        self.cuda = cuda

    def record(self):
        self.cuda.said.append("event")

    def elapsed_time(self, other):
        return 12.5  # milliseconds


class FakeCuda:
    """What the event clock asks of ``torch.cuda``."""

    def __init__(self):
        self.said = []

    def Event(self, enable_timing):
        return FakeEvent(self)

    def synchronize(self, device):
        self.said.append("wait")

    def _sleep(self, cycles):
        self.said.append("backlog")


def test_the_event_clock_lays_a_backlog_before_its_first_event_and_reads_milliseconds():
    cuda = FakeCuda()
    clock = CudaEventClock(cuda, 0)

    def step():
        cuda.said.append("step")

    for _ in range(3):  # these find how long launching takes
        cuda.said.clear()
        assert clock.seconds(step, 2) == 0.0125
        assert cuda.said == ["wait", "event", "step", "step", "event", "wait"]
    cuda.said.clear()
    assert clock.seconds(step, 2) == 0.0125
    assert cuda.said == ["wait", "backlog", "event", "step", "step", "event", "wait"]


def test_the_backlog_covers_what_launching_took_and_is_capped():
    assert backlog_cycles(0.0, 10) == 0
    assert backlog_cycles(0.001, 10) == pytest.approx(24_000_000)  # 1.2 * 10 ms at 2 GHz
    assert backlog_cycles(1.0, 10) == 100_000_000  # 50 ms
