"""Files of results: JSON Lines, which only ever grow by whole lines.

``lines`` reads lines and knows a torn one, ``results`` knows of what kind a line is and reads
whole files, ``appending`` is the file that a command keeps its results in and goes on from, and
``locks`` lets several processes append to one file.
"""

from vtbench.data.files.appending import ResultFile
from vtbench.data.files.results import (
    KINDS,
    Kind,
    Result,
    Results,
    kind_of,
    line_of,
    read_measurements,
    read_records,
    read_results,
)

__all__ = [
    "KINDS",
    "Kind",
    "Result",
    "ResultFile",
    "Results",
    "kind_of",
    "line_of",
    "read_measurements",
    "read_records",
    "read_results",
]
