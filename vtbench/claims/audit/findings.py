"""The results of an audit: the readings of a table that were checked, and contradictions."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

FindingKind = Literal[
    "difference", "ratio", "percent", "sum", "share", "peak", "parameters", "scaling"
]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A printed figure that the other figures rule out, whether rounded or truncated."""

    kind: FindingKind
    """The kind of rule that is broken."""
    row: str
    """The name of the row."""
    column: str
    """The heading of the column."""
    printed: str
    """The figure as printed, with its unit."""
    low: Decimal | None
    """The least value that the other figures allow, in the unit of the printed one."""
    high: Decimal | None
    """The greatest value that the other figures allow, in the unit of the printed one."""
    of: str
    """The figures that it was compared with, as printed."""
    why: str
    """The rule that is broken, in a sentence."""
    fits: tuple[str, ...] = ()
    """Other rows that would explain the figure if they were its baseline."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a column, or one bound, and the number of figures that agree with it."""

    kind: FindingKind
    """The kind of the rule."""
    rule: str
    """The rule in words."""
    checked: int
    """The number of figures that were checked."""
    contradicted: int
    """The number of figures that contradict the rule."""
    left_out: int = 0
    """The number of marked figures, which may have another baseline and were left out."""


Outcome = tuple[list[Finding], list[Check]]


def outcome(kind: FindingKind, rule: str, findings: list[Finding], checked: int) -> Outcome:
    """What came of one rule: nothing if no figure could be held against it."""
    if not checked:
        return [], []
    check = Check(kind=kind, rule=rule, checked=checked, contradicted=len(findings))
    return findings, [check]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one table."""

    title: str
    """The title of the table."""
    findings: tuple[Finding, ...] = ()
    """The contradictions."""
    checks: tuple[Check, ...] = ()
    """The rules that were checked."""
    notes: tuple[str, ...] = ()
    """Remarks on figures that look derived and for which no rule was found."""
