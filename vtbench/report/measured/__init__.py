"""Measurements and ratios in, one document out.

Above every table stand its conditions; protocols never share a table; figures have the digits
that their intervals allow; and what a reader must know before believing them stands below.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from vtbench.data.measurement import Measurement, Ratio
from vtbench.data.workload import Workload
from vtbench.report.citing import cited, measured_note, with_bibtex
from vtbench.report.document import Document, written
from vtbench.report.exports import EXPORTS
from vtbench.report.labels import named
from vtbench.report.measured.axes import longest
from vtbench.report.measured.tables import (
    by_protocol,
    labels,
    measured_sheet_of,
    measured_tables,
    names_of,
    ratio_lines,
    relative,
    thin_of,
    told,
)
from vtbench.report.measured.values import flat_rows, ratio_objects
from vtbench.report.measured.wide import WideLayout, wide_tables
from vtbench.report.shape import ShapedRendering, refuse_unknown, shaped_table, shaped_values
from vtbench.report.sheet import Sheet
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


class MeasuredRendering(ShapedRendering, frozen=True, kw_only=True):
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
    note = measured_note(records) if asked.cite else ""
    found = Document(
        kind="measurements",
        results=lambda: [record.to_dict() for record in records],
        more=lambda: {"ratios": ratio_objects(wanted)},
        tables=lambda: cited(tables_asked(records, told(ratios, asked.relative_to), asked), note),
        values=lambda: [shaped_values(_sheet(records, asked), asked.shape)],
        special={name: partial(export, records) for name, export in EXPORTS.items()},
        finish=lambda text: with_bibtex(text, asked.format) if asked.cite else text,
    )
    return written(found, asked)


def tables_asked(
    records: Sequence[Measurement], ratios: Sequence[Ratio], asked: MeasuredRendering
) -> list[Table]:
    """A row per record, or wide tables where an axis was asked for and there is one.

    Columns, an order and a number of rows are those of a table with a row per record.
    """
    names = _names(records, asked)
    groups = by_protocol(records)
    axis = asked.by is not None or asked.show is not None
    if asked.one_table and asked.by == AUTO and asked.show is None:
        axis = any(longest(group) for group in groups)
    if axis and not asked.shape.of_rows:
        layout = WideLayout(
            by=None if asked.by == AUTO else asked.by,
            show=asked.show,
            width=asked.width if asked.format == "table" else None,
            alone=asked.one_table,
            names=names,
            places=asked.shape.places,
            relative_to=asked.relative_to,
        )
        return wide_tables(records, ratios, layout)
    if not asked.one_table:
        return measured_tables(records, ratios)
    said = ratios if len(groups) == 1 and asked.relative_to is not None else ()
    lines = ratio_lines(said, thin_of(records), names_of(records, names))
    sheets = [measured_sheet_of(group, lines, names) for group in groups]
    return [shaped_table(sheet, asked.shape) for sheet in sheets]


def refuse_unknown_columns(records: Sequence[Measurement], asked: MeasuredRendering) -> None:
    """Refuse labels and columns that measurements will not have."""
    refuse_unknown(_sheet(records, asked), asked.shape, later=("environment_", "distribution_"))


def _sheet(records: Sequence[Measurement], asked: MeasuredRendering) -> Sheet:
    """The records of all protocols, as programs read them."""
    return measured_sheet_of(records, (), _names(records, asked))


def _names(records: Sequence[Measurement], asked: MeasuredRendering) -> dict[Workload, str]:
    return named([record.workload for record in records], asked.shape.labels)
