"""Cells whose batch or option is searched for: the largest batch, the knee, a budget of MACs.

Every trial is a cell like any other: it is kept, and a search that goes on asks nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.data.workload import OptionValue, Workload, as_counted, freeze_options
from vtbench.errors import ModelError
from vtbench.report.units import percent, si, size
from vtbench.sweep.cell_task import MEMORY
from vtbench.sweep.cells import COUNTED, Cell
from vtbench.sweep.search import Rate, knee, largest, nearest_from_one, nearest_listed

Try = Callable[[Cell], Measurement]
"""Runs a cell, or gives the record that it has."""
NO_ROOM = ("out of memory", "memory runs out")
"""What the records of cells say that had too little memory."""
BYTES = {"bf16": 2, "fp16": 2, "fp64": 8}
"""Bytes of an element if they are not 4."""


class Solved(msgspec.Struct, frozen=True):
    """A workload with what was searched for filled in; None if there is no answer."""

    workload: Workload | None
    said: str
    """One sentence on what was found, and why it is not more."""


def largest_batch(workload: Workload, attempt: Try, room: int) -> Solved:
    """The largest batch that runs; one whose prediction is above ``room`` bytes is not tried."""
    predicted: set[int] = set()

    def fits(batch: int) -> bool:
        sized = msgspec.structs.replace(workload, batch_size=batch)
        if _predicted(sized, attempt) > room:
            predicted.add(batch)
            return False
        record = attempt(Cell(sized, MEMORY))
        if record.error is not None and not any(words in record.error for words in NO_ROOM):
            raise ModelError(record.error)
        return record.error is None

    try:
        found = largest(fits)
    except ModelError as error:
        return Solved(None, str(error))
    more = found + 1
    why = (
        f"{more} was not tried, because it is predicted to need more than the available "
        f"{size(room)}"
        if more in predicted
        else f"{more} runs out of memory"
    )
    if not found:
        return Solved(None, f"{workload.model}: no batch fits; {why}.")
    return Solved(
        msgspec.structs.replace(workload, batch_size=found),
        f"{workload.model}: the largest batch that fits is {found}; {why}.",
    )


def _predicted(workload: Workload, attempt: Try) -> int:
    """Bytes by the counter, which counts in fp32; if it cannot count, nothing is predicted."""
    record = attempt(Cell(as_counted(workload), COUNTED))
    if record.memory is None or record.memory.predicted is None:
        return 0
    width = 4 if workload.autocast else BYTES.get(workload.dtype, 4)
    return record.memory.predicted * width // 4


def knee_batch(workload: Workload, attempt: Try, protocol: str) -> Solved:
    """The batch from which on doubling it brings less than 5 % of throughput."""

    def rate(batch: int) -> Rate | None:
        record = attempt(Cell(msgspec.structs.replace(workload, batch_size=batch), protocol))
        if record.error is not None and not any(words in record.error for words in NO_ROOM):
            raise ModelError(record.error)
        if not record.low or not record.high:
            return None
        return Rate(batch / record.high, batch / record.low)

    try:
        found = knee(rate)
    except ModelError as error:
        return Solved(None, str(error))
    if found is None:
        return Solved(None, f"{workload.model}: not even a batch of 1 fits.")
    why = {
        "growth": f"{2 * found.batch} brings less than 5 % more",
        "memory": f"{2 * found.batch} runs out of memory",
        "most": "nothing larger was tried",
    }[found.why]
    if found.unclear_from is not None:
        why += f"; from {found.unclear_from} on, the intervals do not show whether it grows"
    return Solved(
        msgspec.structs.replace(workload, batch_size=found.batch),
        f"{workload.model}: throughput grows up to a batch of {found.batch}; {why}.",
    )


def matched(
    workload: Workload, attempt: Try, over: str, values: tuple[OptionValue, ...], budget: int
) -> Solved:
    """The value of an option, or of ``resolution``, whose MACs per image are nearest a budget.

    Without values: an option over 1, 2, 3, ...
    """
    errors: list[str] = []

    def count(value: OptionValue) -> int | None:
        record = attempt(Cell(as_counted(_with(workload, over, value)), COUNTED))
        if record.error is not None:
            errors.append(record.error)
        return record.macs

    ordered = _ordered(values)
    found = (
        nearest_listed(lambda place: count(ordered[place]), len(ordered), budget)
        if ordered
        else nearest_from_one(count, budget)
    )
    if found is None:
        why = errors[-1] if errors else "Some operator is unknown."
        return Solved(None, f"{workload.model}: no value of {over} could be counted. {why}")
    value = ordered[found[0]] if ordered else found[0]
    written = "{}x{}".format(*value) if isinstance(value, tuple) else value
    away = ("+" if found[1] > budget else "") + percent(found[1] - budget, budget)
    return Solved(
        _with(workload, over, value),
        f"{workload.model}: {over}={written} is nearest to {_macs(budget)}, with "
        f"{si(found[1])} ({away}).",
    )


def _macs(number: int) -> str:
    """``3.000 GMACs``, ``72 MACs``."""
    return f"{si(number)}{'' if number >= 1000 else ' '}MACs"  # noqa: PLR2004  # below, no prefix


def _ordered(values: tuple[OptionValue, ...]) -> tuple[OptionValue, ...]:
    """From the least to the greatest, if they can be compared; sizes are pairs."""
    try:
        return tuple(sorted(values))  # type: ignore[type-var]  # what cannot be compared says so
    except TypeError:
        return values


def _with(workload: Workload, over: str, value: OptionValue) -> Workload:
    if over == "resolution" and isinstance(value, tuple):
        side = (int(value[0]), int(value[1]))
        return msgspec.structs.replace(workload, resolution=side)
    options = {**dict(workload.options), over: value}
    return msgspec.structs.replace(workload, options=freeze_options(options))
