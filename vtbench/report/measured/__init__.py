"""Measurements and ratios in, one document out.

Above every table stand its conditions; protocols never share a table; figures have the digits
that their intervals allow; and what a reader must know before believing them stands below.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.data.measurement import Measurement, Ratio
from vtbench.report.exports import EXPORTS
from vtbench.report.measured.flat import flat_rows, flat_table, measured_object
from vtbench.report.measured.ratios import relative, told
from vtbench.report.measured.tables import labels, measured_tables
from vtbench.report.measured.wide import WideLayout, wide_tables
from vtbench.report.raw import json_text
from vtbench.report.render import Style, render
from vtbench.report.table import Table

AUTO = "auto"
__all__ = [
    "AUTO",
    "MeasuredQuestion",
    "WideLayout",
    "flat_rows",
    "labels",
    "measured_document",
    "measured_object",
    "measured_tables",
    "tables_asked",
    "wide_tables",
]


class MeasuredQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader wants to see of some measurements."""

    format: Style | str = "table"
    """``table``, ``json``, ``csv``, ``markdown``, ``latex``, ``html``, or an export's name."""
    relative_to: str | None = None
    """The model that ratios are said to; without, the first is held against each other."""
    by: str | None = None
    """The axis whose values stand across; ``auto`` is the one with the most, from three on."""
    show: str | None = None
    """The quantity in such a table; None is what the protocol is about."""
    width: int = 80
    """Cells of the terminal."""
    color: bool = False


def measured_document(
    records: Sequence[Measurement],
    ratios: Sequence[Ratio] = (),
    question: MeasuredQuestion | None = None,
) -> str:
    """The whole document, ending in a line break."""
    asked = question or MeasuredQuestion()
    if asked.format in EXPORTS:
        return EXPORTS[asked.format](records)
    if asked.format == "json":
        wanted = relative(ratios, asked.relative_to)
        return json_text(measured_object(records, wanted)) + "\n"
    if asked.format == "csv":
        return render([flat_table(records)], "csv") + "\n"
    tables = tables_asked(records, told(ratios, asked.relative_to), asked)
    return render(tables, asked.format, width=asked.width, color=asked.color) + "\n"  # type: ignore[arg-type]  # data formats are dealt with above


def tables_asked(
    records: Sequence[Measurement], ratios: Sequence[Ratio], asked: MeasuredQuestion
) -> list[Table]:
    """A row per record, or wide tables where an axis was asked for and there is one."""
    if asked.by is not None or asked.show is not None:
        by = None if asked.by == AUTO else asked.by
        page = asked.width if asked.format == "table" else None
        return wide_tables(records, ratios, WideLayout(by=by, show=asked.show, width=page))
    return measured_tables(records, ratios)
