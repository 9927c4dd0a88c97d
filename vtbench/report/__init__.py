"""Records to documents. Units, rounding and layout live here and nowhere else."""

from vtbench.report.breakdown import VIEWS, Part, View, breakdown
from vtbench.report.certificate import certificate
from vtbench.report.counts import CountsRendering, citation, counts_document, counts_tables
from vtbench.report.document import (
    Document,
    Format,
    PlainFormat,
    Rendering,
    json_object,
    json_text,
    written,
)
from vtbench.report.models_side_by_side import failure
from vtbench.report.record_values import flat_records, record_object
from vtbench.report.render import Style, render
from vtbench.report.table import Column, Table, name_column

__all__ = [
    "VIEWS",
    "Column",
    "CountsRendering",
    "Document",
    "Format",
    "Part",
    "PlainFormat",
    "Rendering",
    "Style",
    "Table",
    "View",
    "breakdown",
    "certificate",
    "citation",
    "counts_document",
    "counts_tables",
    "failure",
    "flat_records",
    "json_object",
    "json_text",
    "name_column",
    "record_object",
    "render",
    "written",
]
