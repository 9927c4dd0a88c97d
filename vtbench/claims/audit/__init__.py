"""Contradictions among the printed figures of a table, found from their digits alone.

A figure stands for every value that rounds to its digits, which is what ``vtbench check`` takes it
for. What other figures of the table allow for it is then a range too, and a finding is a figure
whose range misses that one: no values that round to what is printed bring them together. Nothing
here knows a model.
"""

from pathlib import Path

from vtbench.claims.audit.auditing import audit
from vtbench.claims.audit.findings import Audit, Check, Finding, NotCompared
from vtbench.claims.audit.printed import PrintedTable
from vtbench.claims.audit.suites import suite_tables
from vtbench.claims.audit.tables import read_tables
from vtbench.claims.suite.files import find, shipped
from vtbench.claims.suite.interval import Zeros

__all__ = [
    "Audit",
    "Check",
    "Finding",
    "NotCompared",
    "PrintedTable",
    "audit",
    "read_tables",
    "suite_tables",
    "tables_named",
]


def tables_named(name: str, zeros: Zeros | None = None) -> list[PrintedTable]:
    """The tables of a file, or those of a suite by its name or its file.

    ``zeros`` says whether zeros at the end of whole numbers are digits (default: they are, or as
    the suite says).
    """
    path = Path(name)
    if name in shipped() or path.suffix.lower() == ".toml" or not (path.suffix or path.is_file()):
        return [table for suite in find([name]) for table in suite_tables(suite, zeros)]
    return read_tables(path, zeros or "digits")
