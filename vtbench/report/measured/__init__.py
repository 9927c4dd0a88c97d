"""Measurements and ratios in, one document out.

Above every table stand its conditions; protocols never share a table; figures have the digits
that their intervals allow; and what a reader must know before believing them stands below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from vtbench.data.measurement import Measurement, Ratio
from vtbench.report.document import Document, Rendering, written
from vtbench.report.exports import EXPORTS
from vtbench.report.measured.tables import labels, measured_tables, relative, told
from vtbench.report.measured.values import flat_rows, flat_table, ratio_objects
from vtbench.report.measured.wide import WideLayout, wide_tables
from vtbench.report.table import Table

AUTO = "auto"
__all__ = [
    "AUTO",
    "MeasuredRendering",
    "WideLayout",
    "flat_rows",
    "labels",
    "measured_document",
    "measured_tables",
    "tables_asked",
    "wide_tables",
]


class MeasuredRendering(Rendering, frozen=True, kw_only=True):
    """What a reader wants to see of some measurements."""

    relative_to: str | None = None
    """The model that ratios are said to; None holds the first against each other."""
    by: str | None = None
    """The axis whose values stand across; ``auto`` is the one with the most, from three on."""
    show: str | None = None
    """The quantity in such a table; None is what the protocol is about."""


def measured_document(
    records: Sequence[Measurement],
    ratios: Sequence[Ratio] = (),
    asked: MeasuredRendering | None = None,
) -> str:
    """Measurements, and the ratios of those that took turns."""
    asked = asked or MeasuredRendering()
    wanted = relative(ratios, asked.relative_to)
    found = Document(
        kind="measurements",
        results=lambda: [record.to_dict() for record in records],
        more=lambda: {"ratios": ratio_objects(wanted)},
        tables=lambda: tables_asked(records, told(ratios, asked.relative_to), asked),
        values=lambda: [flat_table(records)],
        special={name: partial(export, records) for name, export in EXPORTS.items()},
    )
    return written(found, asked)


def tables_asked(
    records: Sequence[Measurement], ratios: Sequence[Ratio], asked: MeasuredRendering
) -> list[Table]:
    """A row per record, or wide tables where an axis was asked for and there is one."""
    if asked.by is not None or asked.show is not None:
        by = None if asked.by == AUTO else asked.by
        page = asked.width if asked.format == "table" else None
        return wide_tables(records, ratios, WideLayout(by=by, show=asked.show, width=page))
    return measured_tables(records, ratios)
