"""Printed figures that contradict each other: what ``vtbench audit`` does, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import msgspec

from vtbench.api.public import public
from vtbench.api.shown import Shown, frame, nothing_to_draw
from vtbench.claims.audit import Audit, Finding, tables_named
from vtbench.claims.audit import audit as audited
from vtbench.claims.suite.interval import Zeros
from vtbench.data.datasheets import KINDS, boards_in
from vtbench.errors import BadOption
from vtbench.report.audited import audit_document
from vtbench.report.document import Rendering

if TYPE_CHECKING:
    import pandas as pd


class Audited(Shown):
    """Audits of printed tables; prints as ``vtbench audit`` does, in a notebook too."""

    def __init__(self, audits: Sequence[Audit]) -> None:
        self.audits = list(audits)

    @property
    def findings(self) -> list[Finding]:
        """Every figure that others contradict."""
        return [finding for audit in self.audits for finding in audit.findings]

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench audit``."""
        return audit_document(self.audits, asked)

    def to_frame(self) -> pd.DataFrame:
        """A row for each figure that others contradict."""
        rows = [
            {"table": audit.title, **msgspec.structs.asdict(finding)}
            for audit in self.audits
            for finding in audit.findings
        ]
        return frame(rows, ["table", *Finding.__struct_fields__])

    def chart(self) -> NoReturn:
        """There is none."""
        nothing_to_draw("An audit is of single figures that contradict each other")


@public()
def audit(
    tables: str | Path, *, hardware: str | None = None, zeros: Zeros | None = None
) -> Audited:
    """Find figures in printed tables that contradict each other; no model is built.

    >>> vtbench.audit("table.csv", hardware="V100").findings
    >>> vtbench.audit("vt_v3")

    Options:
      tables: A .csv, .tsv, .md, .tex or .html file, or a suite by its name or its .toml file.
      hardware: The GPU on which throughput was measured, such as 'V100' or '4xV100'.
      zeros: Whether zeros at the end of a whole number are 'digits' or were left by rounding,
          'rounded' (default: digits, or as the suite says).
    """
    if hardware is not None and boards_in(hardware) is None:
        raise BadOption(f"hardware: expected one of {', '.join(KINDS)}, got {hardware!r}.")
    if zeros not in (None, "digits", "rounded"):
        raise BadOption(f"zeros: expected one of digits, rounded, got {zeros!r}.")
    return Audited([audited(table, hardware) for table in tables_named(str(tables), zeros)])
