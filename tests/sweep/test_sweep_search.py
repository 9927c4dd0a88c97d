"""Searches over one number, on functions whose answer is known."""

from __future__ import annotations

import pytest

from vtbench.data.measurement import MeasuredMemory, Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.data.workload import Workload
from vtbench.sweep import search, search_cells
from vtbench.sweep.search import Knee, Rate


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 7, 8, 9, 100, 1000, 65_536, 70_000])
def test_the_largest_that_fits_is_found_in_few_trials(limit):
    asked = []

    def fits(batch):
        asked.append(batch)
        return batch <= limit

    assert search.largest(fits) == min(limit, 65_536)
    assert len(asked) <= 2 * 17
    assert len(asked) == len(set(asked))


def rates(figures, width=0.0):
    """Rates at 1, 2, 4, ..., each within a share of itself."""
    known = {2**k: figure for k, figure in enumerate(figures)}
    return lambda batch: (
        Rate(known[batch] * (1 - width), known[batch] * (1 + width)) if batch in known else None
    )


def test_the_knee_is_where_a_doubling_surely_brings_less_than_a_twentieth():
    assert search.knee(rates([100, 180, 300, 310, 311])) == Knee(4, "growth")
    assert search.knee(rates([100, 101])) == Knee(1, "growth")


def test_an_open_interval_decides_nothing_and_is_said():
    # 300 -> 312 ± 2 %: between 0 % and 8 %; 312 -> 300 ± 2 %: below 5 % for sure
    assert search.knee(rates([100, 300, 312, 300], 0.02)) == Knee(4, "growth", 2)
    # it grows again after all: 312 -> 400
    assert search.knee(rates([100, 300, 312, 400, 380], 0.02)) == Knee(8, "growth")


def test_the_knee_ends_with_memory_and_with_the_most_that_is_tried():
    assert search.knee(rates([100, 200, 400])) == Knee(4, "memory")
    assert search.knee(lambda batch: Rate(batch, batch), most=8) == Knee(8, "most")
    assert search.knee(lambda batch: None) is None


def test_of_few_values_all_are_tried_so_that_order_does_not_matter():
    figures = [9, 2, 7, None, 5]
    assert search.nearest_listed(figures.__getitem__, 5, 6) == (2, 7)
    assert search.nearest_listed(figures.__getitem__, 5, 100) == (0, 9)
    assert search.nearest_listed([None, None].__getitem__, 2, 6) is None


@pytest.mark.parametrize("budget", [0, 1, 9, 500, 4990, 9999, 123_456])
@pytest.mark.parametrize("rising", [True, False])
def test_of_many_values_the_nearest_is_found_by_bisection(budget, rising):
    asked = []

    def figure(place):
        asked.append(place)
        return 10 * place if rising else 10 * (999 - place)

    place, found = search.nearest_listed(figure, 1000, budget)
    assert abs(found - budget) == min(abs(10 * k - budget) for k in range(1000))
    assert found == (10 * place if rising else 10 * (999 - place))
    assert len(asked) <= 14


def test_over_the_integers_the_nearest_is_found_from_either_side():
    def square(value):
        return value * value

    assert search.nearest_from_one(square, 90) == (9, 81)
    assert search.nearest_from_one(square, 91) == (10, 100)
    assert search.nearest_from_one(square, 0) == (1, 1)
    assert search.nearest_from_one(square, 10**12, most=50) == (50, 2500)
    assert search.nearest_from_one(lambda value: None, 5) is None


def test_numbers_that_are_refused_are_passed_over():
    def even(value):
        return None if value % 2 else 10 * value

    assert search.nearest_from_one(even, 90) == (8, 80)
    assert search.nearest_from_one(even, 95) == (10, 100)
    assert search.nearest_from_one(even, 1) == (2, 20)


# On cells


def record_of(cell, **fields):
    return Measurement(workload=cell.workload, protocol=PROTOCOLS[cell.protocol].id, **fields)


def test_a_batch_is_tried_only_where_its_prediction_has_room():
    tried = []

    def attempt(cell):
        batch = cell.workload.batch_size
        if cell.protocol == "macs":
            assert cell.workload.dtype == "fp32"
            return record_of(cell, memory=MeasuredMemory(predicted=1000 + 200 * batch))
        tried.append(batch)
        return record_of(cell, error="toy runs out of memory at batch 9." if batch > 8 else None)

    toy = Workload(model="toy", dtype="bf16")
    # bf16 halves what is predicted: 500 + 100·batch <= 5000 up to 45, and 8 is the most that runs
    found = search_cells.largest_batch(toy, attempt, 5000)
    assert found.workload.batch_size == 8
    assert found.said == "toy: the largest batch that fits is 8; 9 runs out of memory."
    tried.clear()
    found = search_cells.largest_batch(toy, attempt, 1080)
    assert (found.workload.batch_size, max(tried)) == (5, 5)
    assert (
        "6 was not tried, because it is predicted to need more than the available 1.1 KB"
        in found.said
    )
    assert search_cells.largest_batch(toy, attempt, 599).workload is None


def test_what_fails_for_another_reason_than_memory_ends_the_search():
    found = search_cells.largest_batch(
        Workload(model="toy"), lambda cell: record_of(cell, error="toy has no such option."), 10**9
    )
    assert (found.workload, found.said) == (None, "toy has no such option.")


def test_the_knee_of_a_model_is_found_from_times_of_steps():
    def attempt(cell):
        batch = cell.workload.batch_size
        seconds = 0.1 if batch <= 4 else 0.025 * batch  # 40 images/s from 4 on
        return record_of(cell, median=seconds, low=0.999 * seconds, high=1.001 * seconds)

    found = search_cells.knee_batch(Workload(model="toy"), attempt, "throughput")
    assert found.workload.batch_size == 4
    assert found.said == "toy: throughput grows up to a batch of 4; 8 brings less than 5 % more."


def test_a_budget_is_met_along_options_and_sizes_and_by_whole_numbers():
    def attempt(cell):
        work = cell.workload
        rate = dict(work.options).get("rate", 1.0)
        tokens = dict(work.options).get("tokens", 1)
        side = work.resolution[0] if work.resolution else 10
        return record_of(cell, macs=round(rate * tokens * side * side))

    toy = Workload(model="toy", options=(("k", 1),))
    found = search_cells.matched(toy, attempt, "rate", (0.9, 0.5, 0.7), 72)
    assert found.workload.options == (("k", 1), ("rate", 0.7))
    assert found.said == "toy: rate=0.7 is nearest to 72 MACs, with 70 (−2.8 %)."
    found = search_cells.matched(toy, attempt, "resolution", ((10, 10), (20, 20), (30, 30)), 600)
    assert found.workload.resolution == (20, 20)
    assert "resolution=20x20" in found.said
    found = search_cells.matched(toy, attempt, "tokens", (), 1234)
    assert dict(found.workload.options)["tokens"] == 12
