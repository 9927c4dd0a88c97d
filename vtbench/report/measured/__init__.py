"""Measurements and ratios in, one document out.

Above every table stand its conditions; protocols never share a table; figures have the digits
that their intervals allow; and what a reader must know before believing them stands below.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vtbench.measurement import Measurement, Ratio
from vtbench.report.measured.flat import flat_table, measured_object
from vtbench.report.measured.ratios import relative, session_ratios
from vtbench.report.measured.tables import labels, measured_tables
from vtbench.report.raw import json_text
from vtbench.report.render import Style, render

__all__ = [
    "MeasuredQuestion",
    "labels",
    "measured_document",
    "measured_object",
    "measured_tables",
    "session_ratios",
]


class MeasuredQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader wants to see of some measurements."""

    format: Style | str = "table"
    """``table``, ``json``, ``csv``, ``markdown``, ``latex`` or ``html``."""
    relative_to: str | None = None
    """The model that ratios are said to; None keeps them as they were measured."""
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
    wanted = relative(ratios, asked.relative_to)
    if asked.format == "json":
        return json_text(measured_object(records, wanted)) + "\n"
    if asked.format == "csv":
        return render([flat_table(records)], "csv") + "\n"
    tables = measured_tables(records, wanted)
    return render(tables, asked.format, width=asked.width, color=asked.color) + "\n"  # type: ignore[arg-type]  # data formats are dealt with above
