"""The axes along which measurements differ, and how figures grow along them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.errors import BadInput, BadOption
from vtbench.report.measured.columns import uncertain
from vtbench.report.measured.conditions import Condition, common_and_varying
from vtbench.report.measured.quantities import Quantity
from vtbench.report.units import ABSENT, decimals, half_of, written
from vtbench.stats import Interval, exponent

ENOUGH = 3
"""Values that an axis has at the least before a table is laid out along it unasked."""


def number(name: str, record: Measurement) -> float | None:
    """The value of an axis as a number, pixels if it is a size; None if it is a word."""
    work = record.workload
    if name == "resolution":
        return None if work.resolution is None else work.resolution[0] * work.resolution[1]
    if name in ("batch_size", "threads"):
        found = getattr(work, name)
    else:
        found = dict(work.options).get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return float(found)


def values(condition: Condition, records: Sequence[Measurement]) -> list[str]:
    """The cells of an axis: numbers by size, words as they came."""
    known: dict[str, float | None] = {}
    for record in records:
        cell = condition.cell(record)
        if cell is not None and cell != ABSENT:
            known.setdefault(cell, number(condition.name, record))
    if any(found is None for found in known.values()):
        return list(known)
    return sorted(known, key=lambda cell: known[cell] or 0.0)


def differing(records: Sequence[Measurement], name: str) -> Condition | None:
    """The condition of that name, if the records differ in it."""
    return next((each for each in common_and_varying(records)[1] if each.name == name), None)


def axis_named(name: str, *groups: Sequence[Measurement]) -> list[Condition | None]:
    """The axis of that name in each group; an error that names the axes if none has it."""
    found = [differing(group, name) for group in groups]
    if any(found):
        return found
    names = dict.fromkeys(each.name for group in groups for each in common_and_varying(group)[1])
    known = f"they differ in {', '.join(names)}" if names else "they differ only in their models"
    raise BadOption(f"The measurements do not differ in {name!r}; {known}.")


def longest(records: Sequence[Measurement], enough: int = ENOUGH) -> Condition | None:
    """The axis with the most values, numbers before words; None if none has enough."""
    found = [
        (len(values(condition, records)), condition)
        for condition in common_and_varying(records)[1]
        if any(number(condition.name, record) is not None for record in records)
    ]
    long = [(count, condition) for count, condition in found if count >= enough]
    return max(long, key=lambda pair: pair[0])[1] if long else None


FEWEST = 3
MOST_DECIMALS = 3
FILLING = ("batch_size", "threads")


class Growth(msgspec.Struct, frozen=True):
    """A power that was fitted."""

    power: Interval
    points: int


def growth(
    records: Sequence[Measurement], condition: Condition, quantity: Quantity
) -> Growth | None:
    """The k of quantity ~ axis^k over records that differ in the axis alone; None with too few.

    A size is measured in pixels, so that 1 is a cost that keeps step with the image. Batches and
    threads fill a device until it is full, which is no power of them. Doubtful values are left out.
    """
    if condition.name in FILLING:
        return None
    found = [
        (size, value.value)
        for record in records
        if record.error is None
        and (size := number(condition.name, record))
        and (value := quantity.read(record)) is not None
        and value.value > 0
        and not uncertain(value)
    ]
    if len({size for size, _ in found}) < FEWEST or len({value for _, value in found}) == 1:
        return None  # too few, or a quantity that the axis does not touch
    try:
        power = exponent([size for size, _ in found], [value for _, value in found])
    except BadInput:  # sizes that are no sizes, such as 0 tokens
        return None
    return Growth(power, len(found))


def power_said(found: Growth) -> str:
    """``1.02 [0.98, 1.06]``; three decimals at the most, since sizes are few."""
    power = found.power
    places = min(decimals(power.value, half_of(power.low, power.high)), MOST_DECIMALS)
    ends = f"{written(power.low, places)}, {written(power.high, places)}"
    return f"{written(power.value, places)} [{ends}]"


def base(condition: Condition) -> str:
    """What is raised to the power."""
    return "pixels" if condition.name == "resolution" else condition.name
