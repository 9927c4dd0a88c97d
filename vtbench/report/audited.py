"""An audit as a document: each contradiction with both figures, what was checked, what was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from vtbench.claims.audit import Audit, Finding
from vtbench.claims.audit.findings import Reason
from vtbench.claims.suite.interval import Zeros
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
    for finding, found in zip(data["findings"], audit.findings, strict=True):
        stands_for = found.stands_for
        finding["stands_for"] = [float(stands_for.low), float(stands_for.high)]
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
    name = audit.id or (f"Table {place}" if several else "Audit")
    return Table(
        title=f"{name}: {audit.title}" if audit.title else name,
        columns=(
            name_column("Row"),
            Column(head="Column", align="left", shrink=True),
            *figure_columns("Printed", "Others allow"),
            Column(head="Held against", align="left", shrink=True),
        ),
        rows=rows,
        conditions=(_taken(audit),),
        notes=_notes(audit),
    )


def _taken(audit: Audit) -> str:
    """Which values a printed figure was taken for."""
    others = "".join(f"; in {head}, {_ZEROS[zeros]}" for head, zeros in audit.zeros_of.items())
    return f"A figure stands for all values that round to it; {_ZEROS[audit.zeros]}{others}."


_ZEROS: Mapping[Zeros, str] = MappingProxyType(
    {
        "digits": "zeros are digits, so 300 is 299.5 to 300.5",
        "rounded": "zeros at the end of whole numbers are not digits, so 300 is 250 to 350",
    }
)


def _notes(audit: Audit) -> tuple[str, ...]:
    notes = [f"{plural(len(audit.findings), 'contradiction')}."]
    for finding in audit.findings:
        where = f"{finding.row}, {finding.column}: {finding.printed}"
        if finding.fits:
            rivals = " or ".join(finding.fits[:3])
            notes.append(f"{where} would fit {rivals} if that were the baseline.")
        if finding.agrees_if_cut:
            notes.append(f"{where} would fit if all figures were cut off, not rounded.")
    notes += [f"{f.row}, {f.column}: {f.why}." for f in audit.findings if f.kind == "peak"]
    if audit.checks:
        notes.append("Checked:")
    for check in audit.checks:
        left = f", {check.left_out} left out" if check.left_out else ""
        agreeing = check.checked - check.contradicted
        notes.append(f"· {check.rule} ({agreeing} of {check.checked} agree{left}).")
    if audit.not_compared:
        notes += ["Not compared:", *_left_over(audit)]
    return tuple(notes)


_REASONS: Mapping[Reason, str] = MappingProxyType(
    {
        "no_heading": "there is no heading row above its figures",
        "no_figures": "no cell holds a figure",
        "no_figure": "the cells do not hold one plain figure",
        "no_unit": "the figures have no unit, so they are not held against other columns",
        "no_rule": "no other figure gives these, and no bound applies",
        "marked": "a mark says that they were obtained in another way",
        "baseline": "this is the baseline row",
        "no_baseline": "there is no baseline row",
        "no_partner": "a figure that they follow from is missing or marked",
        "other_baseline": "another row may be the baseline",
        "elsewhere": "the suite derives them from other columns or tables",
    }
)
"""Reason -> what is said after the place."""
_NAMED = 3
"""Rows that are named; the others are a number."""


def _left_over(audit: Audit) -> list[str]:
    """A line for each reason and its columns, or for some rows of one column."""
    lines: dict[tuple[Reason, str], list[str]] = {}
    for left in audit.not_compared:
        column = f"{left.column} in parentheses" if left.aside else left.column
        named = "; ".join(left.rows[:_NAMED])
        more = "; ..." if len(left.rows) > _NAMED else ""
        rows = "" if left.whole else f"{plural(len(left.rows), 'row')} ({named}{more})"
        if not (column or left.rows):
            rows = "the table"
        lines.setdefault((left.reason, rows), []).append(column)
    return [
        f"· {', '.join(filter(None, [*columns, rows]))}: {_REASONS[reason]}."
        for (reason, rows), columns in lines.items()
    ]
