"""Rounds of a sweep: their order, going on, failures, and the time that they hold."""

import functools
import time

from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.measure.workers import Outcome
from vtbench.sweep.cells import Cell
from vtbench.sweep.deadline import Deadline, Pace, slack_of
from vtbench.sweep.estimate import Estimate
from vtbench.sweep.forecast import after_a_round, at_the_end, beforehand
from vtbench.sweep.local import Local, local
from vtbench.sweep.loop import sweep
from vtbench.sweep.queue import Queue
from vtbench.sweep.rounds import Rounds, in_rounds
from vtbench.sweep.store import Store


class FakeTime:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def cell(number, protocol="latency"):
    return Cell(Workload(model="toy", batch_size=number), protocol)


def taken(of, *, error=None, seconds=0.05):
    return Measurement(
        workload=of.workload,
        protocol=PROTOCOLS[of.protocol].id,
        cell=of.key,
        turn=of.turn,
        error=error,
        samples=() if error else (seconds,),
        median=None if error else seconds,
        images_per_second=None if error else of.workload.batch_size / seconds,
    )


def executed(queue, clock, *, seconds, fail=()):
    """Run a queue in no time but that of the clock; the cells in the order in which they ran."""
    order = []
    while not queue.over:
        here = queue.take()
        if here is None:
            break
        clock.now += seconds(here) if callable(seconds) else seconds
        failed = (here.workload.batch_size, here.turn and here.turn.round) in fail
        queue.give(here, taken(here, error="It died." if failed else None))
        order.append((here.turn.round, here.workload.batch_size))
    return order


# The order


def test_a_round_has_every_timed_cell_once_and_each_its_own_order():
    cells = [cell(k) for k in range(1, 9)]
    found = in_rounds(cells, Rounds(launches=3))
    rounds = [found[at : at + 8] for at in (0, 8, 16)]
    for number, each in enumerate(rounds, 1):
        assert [c.turn.round for c in each] == [number] * 8
        assert [c.turn.place for c in each] == list(range(1, 9))
        assert sorted(c.workload.batch_size for c in each) == list(range(1, 9))
    orders = [[c.workload.batch_size for c in each] for each in rounds]
    assert len({tuple(order) for order in orders}) == 3


def test_the_order_follows_from_the_seed_and_is_recorded():
    cells = [cell(k) for k in range(1, 9)]
    first, again = (in_rounds(cells, Rounds(seed=7)) for _ in range(2))
    assert first == again != in_rounds(cells, Rounds(seed=8))
    assert {each.turn.seed for each in first} == {7}
    assert len(in_rounds(cells, Rounds())) == 5 * 8


def test_what_has_one_reading_comes_once_and_first():
    cells = [cell(1), cell(1, "macs"), cell(1, "memory"), cell(1, "throughput")]
    found = in_rounds(cells, Rounds(launches=2))
    assert [(c.protocol, c.turn) for c in found[:2]] == [("macs", None), ("memory", None)]
    assert sorted(c.protocol for c in found[2:4]) == ["latency", "throughput"]
    assert len(found) == 2 + 2 * 2


# Going on


def test_a_sweep_that_stopped_goes_on_in_the_round_in_which_it_stood(tmp_path):
    path = tmp_path / "s.jsonl"
    every = in_rounds([cell(1), cell(2), cell(3)], Rounds(launches=3))
    with Store(path) as store:
        queue = Queue(every, store, None)
        for _ in range(4):
            here = queue.take()
            queue.give(here, taken(here))
    with Store(path) as store:
        queue = Queue(every, store, None)
        assert queue.waiting == every[4:]
        executed(queue, FakeTime(), seconds=1)
        assert [len(store.of(c.key, None).launches) for c in (cell(1), cell(2), cell(3))] == [3] * 3
        assert Queue(every, store, None).over
        more = Queue(in_rounds([cell(1)], Rounds(launches=5)), store, None)
        assert [c.turn.round for c in more.waiting] == [4, 5]


def test_a_record_of_one_process_is_no_launch(tmp_path):
    with Store(tmp_path / "s.jsonl") as store:
        store.append(taken(cell(1)))
        assert len(Queue(in_rounds([cell(1)], Rounds(launches=2)), store, None)) == 2
        assert Queue([cell(1)], store, None).over


def test_a_cell_that_only_fails_is_not_launched_again_unless_it_is_asked_for(tmp_path):
    every = in_rounds([cell(1), cell(2)], Rounds(launches=3))
    with Store(tmp_path / "s.jsonl") as store:
        ran = executed(Queue(every, store, None), FakeTime(), seconds=1, fail={(2, 1)})
        assert sorted(ran) == [(1, 1), (1, 2), (2, 1), (3, 1)]
        assert store.of(cell(2).key, None).error == "It died."
        assert Queue(every, store, None).over
        again = Queue(every, store, None, retry=True)
        ran = executed(again, FakeTime(), seconds=1, fail={(2, 1)})
        assert ran == [(1, 2)]  # it fails again, and that is enough
        again = Queue(every, store, None, retry=True)
        assert sorted(executed(again, FakeTime(), seconds=1)) == [(1, 2), (2, 2), (3, 2)]


def test_a_launch_that_fails_after_others_came_off_leaves_the_rest_to_go_on(tmp_path):
    every = in_rounds([cell(1)], Rounds(launches=3))
    with Store(tmp_path / "s.jsonl") as store:
        executed(Queue(every, store, None), FakeTime(), seconds=1, fail={(1, 2)})
        found = store.of(cell(1).key, None)
        assert [each.error for each in found.launches] == [None, "It died.", None]
        assert found.error is None


def test_no_cell_is_launched_twice_at_a_time():
    with Store(None) as store:
        queue = Queue(in_rounds([cell(1)], Rounds(launches=2)), store, None)
        first = queue.take()
        assert queue.take() is None
        queue.give(first, taken(first))
        assert queue.take().turn.round == 2


# The time


def test_no_round_begins_that_is_not_expected_to_end_in_time():
    clock = FakeTime()
    with Store(None) as store:
        every = in_rounds([cell(1), cell(2)], Rounds(launches=5))
        deadline = Deadline(100.0, clock)
        queue = Queue(every, store, None, deadline=deadline, pace=Pace(1, clock))
        ran = executed(queue, clock, seconds=15.0)  # a round is 30 s
        assert [number for number, _ in ran] == [1, 1, 2, 2, 3, 3]
        assert clock.now == 90.0
        assert len(queue.late) == 4
        assert "no time for 4 launches, which were not measured." in at_the_end(queue)
        assert "same command" not in at_the_end(queue)  # nothing was kept


def test_a_round_that_gets_slower_is_left_where_the_time_is_over():
    clock = FakeTime()
    with Store(None) as store:
        every = in_rounds([cell(1), cell(2)], Rounds(launches=5))
        queue = Queue(every, store, None, deadline=Deadline(100.0, clock), pace=Pace(1, clock))
        ran = executed(queue, clock, seconds=lambda c: 45.0 if c.turn.round == 2 else 20.0)
        assert [number for number, _ in ran] == [1, 1, 2]  # 85 s, and 20 s more would be late
        ran = executed(queue, clock, seconds=0.0)
        assert ran == []


def test_the_first_round_is_tried_until_the_time_is_over():
    clock = FakeTime()
    with Store(None) as store:
        every = in_rounds([cell(k) for k in range(1, 6)], Rounds(launches=2))
        queue = Queue(every, store, None, deadline=Deadline(10.0, clock), pace=Pace(1, clock))
        assert len(executed(queue, clock, seconds=4.0)) == 3  # the third ends after 12 s
        assert len(queue.late) == 7


def test_without_a_deadline_every_round_is_run():
    with Store(None) as store:
        queue = Queue(in_rounds([cell(1)], Rounds(launches=4)), store, None)
        assert len(executed(queue, FakeTime(), seconds=1e6)) == 4
        assert queue.deadline.patience is None
        assert at_the_end(queue) is None


def test_the_slack_is_a_twentieth_and_at_least_5_seconds():
    clock = FakeTime()
    assert (slack_of(10.0), slack_of(600.0)) == (5.0, 30.0)
    deadline = Deadline(600.0, clock)
    clock.now = 610.0
    assert deadline.left == -10.0
    assert deadline.patience == 20.0
    clock.now = 700.0
    assert deadline.patience == 0.0


def test_what_is_at_work_when_the_slack_is_over_is_stopped_and_leaves_no_record(tmp_path, tasks):
    path = tmp_path / "s.jsonl"
    every = [tasks.cell(1, protocol="latency"), tasks.cell(2, protocol="latency")]
    task = functools.partial(tasks.told, seconds=60.0)
    with Store(path) as store:
        deadline = Deadline(1.0)
        deadline.slack = 1.0
        queue = Queue(in_rounds(every, Rounds(launches=1)), store, None, deadline=deadline)
        began = time.monotonic()
        assert list(sweep(queue, functools.partial(local, task, Local()), None)) == []
        assert time.monotonic() - began < 30.0
        assert len(queue.late) == 2
        assert path.read_bytes() == b""
        assert store.claim(every[0].key)


# What is said


def test_the_time_is_stated_beforehand_and_again_after_the_first_round():
    clock = FakeTime()
    with Store(None) as store:
        every = in_rounds([cell(1), cell(2)], Rounds(launches=3))
        queue = Queue(every, store, None, deadline=Deadline(70.0, clock), pace=Pace(1, clock))
        # 6 launches of 4 s to start, at most 10 s of warm-up and 3 s of samples
        stated, promised = beforehand(queue.waiting, Estimate([], 3.0), 1, 70.0)
        assert stated == (
            "6 launches to do (2 cells, 3 rounds): estimated at up to 2 min, by the limits on "
            "warm-up and samples."
        )
        assert promised == (
            "The sweep ends within 1 min: nothing begins that is not expected to end in time, and "
            "what takes longer is stopped after 5 s more."
        )
        said = []
        for here in iter(queue.take, None):
            clock.now += 15.0
            queue.give(here, taken(here))
            said.append(after_a_round(queue, here))
        foretold = "Round 1 is done; the other 2 take about 1 min. 1 of them fits into the time"
        assert said[:2] == [None, f"{foretold} that is left."]


def test_nothing_is_said_of_time_if_nothing_is_timed():
    assert beforehand([cell(1, "macs")], Estimate([], 3.0), 1, None) == []


def test_several_places_share_the_time_of_a_round():
    clock = FakeTime()
    pace = Pace(2, clock)
    for number in (1, 2):
        pace.begin(cell(number))
    clock.now = 10.0
    assert pace.together([cell(1)]) is None
    for number in (1, 2):
        pace.end(cell(number))
    assert pace.seconds(cell(1)) == 10.0
    assert pace.together([cell(1), cell(2)]) == 10.0


def test_the_turn_is_written_whatever_the_launch_gave():
    from vtbench.sweep.loop import record_of

    (first, *_) = in_rounds([cell(1)], Rounds())
    assert record_of(first, Outcome(error="It died."), None).turn == first.turn
