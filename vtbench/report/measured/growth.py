"""How time, MACs and memory grow along an axis: fitted powers with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.data.measurement import Measurement
from vtbench.errors import BadInput
from vtbench.report.measured.axes import number
from vtbench.report.measured.facets import Facet
from vtbench.report.measured.figures import uncertain
from vtbench.report.measured.quantities import Quantity
from vtbench.report.precision import decimals, half_of, written
from vtbench.stats import Interval, exponent

FEWEST = 3
MOST_DECIMALS = 3
FILLING = ("batch_size", "threads")


class Growth(msgspec.Struct, frozen=True):
    """A power that was fitted."""

    power: Interval
    points: int


def growth(records: Sequence[Measurement], facet: Facet, quantity: Quantity) -> Growth | None:
    """The k of quantity ~ axis^k over records that differ in the axis alone; None with too few.

    A size is measured in pixels, so that 1 is a cost that keeps step with the image. Batches and
    threads fill a device until it is full, which is no power of them. Doubtful values are left out.
    """
    if facet.name in FILLING:
        return None
    found = [
        (size, value.value)
        for record in records
        if record.error is None
        and (size := number(facet.name, record))
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


def said(found: Growth, facet: Facet) -> str:
    """``pixels^1.02 [0.98, 1.06]``."""
    return f"{base(facet)}^{power_said(found)}"


def base(facet: Facet) -> str:
    """What is raised to the power."""
    return "pixels" if facet.name == "resolution" else facet.name
