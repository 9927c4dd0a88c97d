"""The axes along which measurements differ, and their values in order."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.measurement import Measurement
from vtbench.errors import BadOption
from vtbench.report.measured.facets import Facet, divided
from vtbench.report.units import ABSENT

ENOUGH = 3
"""Values that an axis has at the least before a table is laid out along it unasked."""


def number(name: str, record: Measurement) -> float | None:
    """The value of an axis as a number, pixels where it is a size; None where it is a word."""
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


def values(facet: Facet, records: Sequence[Measurement]) -> list[str]:
    """The cells of an axis: numbers by size, words as they came."""
    known: dict[str, float | None] = {}
    for record in records:
        cell = facet.cell(record)
        if cell is not None and cell != ABSENT:
            known.setdefault(cell, number(facet.name, record))
    if any(found is None for found in known.values()):
        return list(known)
    return sorted(known, key=lambda cell: known[cell] or 0.0)


def axis_named(records: Sequence[Measurement], name: str) -> Facet:
    """The axis of that name; otherwise a sentence with those along which the records differ."""
    differing = divided(records)[1]
    for facet in differing:
        if facet.name == name:
            return facet
    names = [facet.name for facet in differing]
    found = f"they differ in {', '.join(names)}" if names else "they differ in nothing but models"
    raise BadOption(f"The measurements do not differ in {name!r}; {found}.")


def longest(records: Sequence[Measurement]) -> Facet | None:
    """The axis with the most values, numbers before words; None where none has enough."""
    found = [
        (len(values(facet, records)), facet)
        for facet in divided(records)[1]
        if any(number(facet.name, record) is not None for record in records)
    ]
    long = [(count, facet) for count, facet in found if count >= ENOUGH]
    return max(long, key=lambda pair: pair[0])[1] if long else None
