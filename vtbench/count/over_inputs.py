"""One model counted on many inputs, and what the counts have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from vtbench.count.count_module import Counted, CountSettings, Inputs, count_module
from vtbench.data.distribution import Distribution, InputSet, VaryingOperator
from vtbench.data.record import ByValues
from vtbench.errors import ModelError
from vtbench.models import Built
from vtbench.models.input_sets import input_sets

GIVEN = "the input that was given and the model's own weights"
"""The values that a live module is counted on."""


def counted_on(over: InputSet | None) -> str:
    """The values of the first count of a live module."""
    if over is None:
        return GIVEN
    first = "a random input of seed 0" if over.source is None else f"the first of {over.source}"
    return f"{first} and the model's own weights"


def counts_over(
    over: InputSet,
    first: Counted,
    built: Built,
    how: CountSettings,
    build_again: Callable[[], Built],
) -> list[Counted]:
    """A count for each input; ``first`` is the one of the model's own inputs.

    A count that follows from shapes alone is the same for all of them, so it is not made again.
    On the meta road values can only be random numbers that the model draws, which have a seed.
    """
    on_meta = first.road == "meta"
    given = input_sets(built, over)
    if not first.readers or (on_meta and over.seeds is None):
        return [first] * sum(1 for _ in given)
    counts: list[Counted] = []
    for place, inputs in enumerate(given):
        if not place and over.source is None and not built.own_inputs:
            counts.append(first)
            continue
        seed = place if over.source is None else how.seed
        settings = replace(how, seed=seed, disposable=False)
        try:
            if on_meta:
                again = build_again()
                made = count_module(again.module, (again.args, again.kwargs), settings)
            else:
                made = count_module(built.module, inputs, settings)
        except ModelError as error:
            said = f"{built.workload.model}: {error} This was input {place + 1}."
            raise ModelError(said) from error.__cause__
        counts.append(replace(made, road=first.road))
    return counts


def live_counts(
    module: Any, given: Iterable[Inputs], how: CountSettings, *, drawn: bool = False
) -> list[Counted]:
    """A count of a live module for each input; once for all if shapes alone decide.

    If the inputs were drawn under seeds, so are the random numbers that the module draws.
    """
    counts: list[Counted] = []
    for place, inputs in enumerate(given):
        if counts and not counts[0].readers:
            counts.append(counts[0])
        else:
            settings = replace(how, seed=place if drawn else how.seed)
            counts.append(count_module(module, inputs, settings))
    return counts


def by_values(counts: Sequence[Counted], counted_on: str) -> ByValues | None:
    """Why the counts can depend on values; None if they follow from shapes alone."""
    readers = tuple(dict.fromkeys(name for each in counts for name in each.readers))
    return ByValues(operators=readers, counted_on=counted_on) if readers else None


def distributions(counts: Sequence[Counted], over: InputSet) -> dict[str, Distribution]:
    """The fields of a record that say how its figures vary."""
    complete = all(row.status != "unknown" for each in counts for row in each.rows)
    varying = varying_operators(counts)
    macs = tuple(sum(row.macs for row in each.rows) for each in counts)
    held = tuple(each.memory.weights + each.memory.activations_peak for each in counts)
    return {
        "distribution": Distribution(over=over, values=macs, varying=varying, complete=complete),
        "memory_distribution": Distribution(over=over, values=held, varying=varying),
    }


def varying_operators(counts: Sequence[Counted]) -> tuple[VaryingOperator, ...]:
    """Operators that multiply, or that nobody knows, and are not the same for every input."""
    sums = [_by_operator(each) for each in counts]
    names = dict.fromkeys(name for each in sums for name in each)
    found = []
    for name in names:
        macs, calls, guesses = zip(*(each.get(name, (0, 0, 0)) for each in sums), strict=True)
        if len(set(zip(macs, guesses, strict=True))) > 1:
            found.append(
                VaryingOperator(
                    op=name,
                    min=min(macs),
                    max=max(macs),
                    min_calls=min(calls),
                    max_calls=max(calls),
                )
            )
    return tuple(sorted(found, key=lambda each: (each.min - each.max, each.op)))


def _by_operator(counted: Counted) -> dict[str, tuple[int, int, int]]:
    """Operator -> its MACs, its calls, and what ranks it if it is unknown."""
    found: dict[str, tuple[int, int, int]] = {}
    for row in counted.rows:
        macs, calls, guess = found.get(row.op, (0, 0, 0))
        found[row.op] = (macs + row.macs, calls + row.calls, guess + row.estimated_macs)
    return found
