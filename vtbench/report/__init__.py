"""Records to documents. Units, rounding and layout live here and nowhere else."""

from vtbench.report.certificate import certificate
from vtbench.report.comparison import comparison, failure
from vtbench.report.document import FORMATS, Format, Question, citation, document, report_tables
from vtbench.report.parts import VIEWS, Part, View, parts
from vtbench.report.raw import csv_table, json_text, record_object
from vtbench.report.render import Style, render
from vtbench.report.table import Column, Table, name_column

__all__ = [
    "FORMATS",
    "VIEWS",
    "Column",
    "Format",
    "Part",
    "Question",
    "Style",
    "Table",
    "View",
    "certificate",
    "citation",
    "comparison",
    "csv_table",
    "document",
    "failure",
    "json_text",
    "name_column",
    "parts",
    "record_object",
    "render",
    "report_tables",
]
