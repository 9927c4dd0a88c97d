"""An audit as a document: each contradiction with both figures, and what was checked."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.claims.audit import Audit, Finding
from vtbench.report.document import Document, Rendering, written
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import MINUS, plural


def audit_document(audits: Sequence[Audit], asked: Rendering) -> str:
    """The audits of a file's tables."""
    found = Document(
        kind="audit",
        results=lambda: [audit_object(audit) for audit in audits],
        tables=lambda: [
            _table(audit, several=len(audits) > 1, place=place)
            for place, audit in enumerate(audits, 1)
        ],
    )
    return written(found, asked)


def audit_object(audit: Audit) -> dict[str, Any]:
    """An audit as docs/json.md promises it."""
    data: dict[str, Any] = msgspec.to_builtins(audit, builtin_types=(Decimal,))
    for finding in data["findings"]:
        for end in ("low", "high"):
            finding[end] = None if finding[end] is None else float(finding[end])
    return data


def allowed(finding: Finding) -> str:
    """What the other figures allow, with a digit more than was printed."""
    decimals = len(finding.printed.split()[0].partition(".")[2]) + 1

    def said(value: Decimal) -> str:
        return f"{value:,.{decimals}f}".replace("-", MINUS)

    if finding.low is None or finding.high is None:
        bound = finding.high if finding.low is None else finding.low
        assert bound is not None  # noqa: S101  # a bound has one end
        return f"{'≤' if finding.low is None else '≥'} {said(bound)}"
    return f"{said(finding.low)} to {said(finding.high)}"


def _table(audit: Audit, *, several: bool, place: int) -> Table:
    rows = tuple(
        (
            finding.row,
            finding.column,
            finding.printed.replace("-", MINUS),
            allowed(finding),
            finding.of,
        )
        for finding in audit.findings
    )
    name = f"Table {place}" if several else "Audit"
    return Table(
        title=f"{name}: {audit.title}" if audit.title else name,
        columns=(
            name_column("Row"),
            Column(head="Column", align="left", shrink=True),
            *figure_columns("Printed", "Others allow"),
            Column(head="Held against", align="left", shrink=True),
        ),
        rows=rows,
        notes=_notes(audit),
    )


def _notes(audit: Audit) -> tuple[str, ...]:
    notes = [f"{plural(len(audit.findings), 'contradiction')}."]
    notes += [
        f"{finding.row}, {finding.column}: {finding.printed} would fit "
        f"{' or '.join(finding.fits[:3])} if that were the baseline."
        for finding in audit.findings
        if finding.fits
    ]
    notes += [f"{f.row}, {f.column}: {f.why}." for f in audit.findings if f.kind == "peak"]
    if audit.checks:
        notes.append("Checked:")
    for check in audit.checks:
        left = f", {check.left_out} left out" if check.left_out else ""
        agreeing = check.checked - check.contradicted
        notes.append(f"· {check.rule} ({agreeing} of {check.checked} agree{left}).")
    return (*notes, *audit.notes)
