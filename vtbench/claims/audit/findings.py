"""What an audit says: which readings of a table were checked, and what contradicts them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

FindingKind = Literal[
    "difference", "ratio", "percent", "sum", "share", "peak", "parameters", "scaling"
]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A printed figure that the other figures rule out, under rounding and under cutting off."""

    kind: FindingKind
    row: str
    column: str
    printed: str
    """The figure as printed, with its unit."""
    low: Decimal | None
    """The least value that the other figures allow, in the unit of the printed one."""
    high: Decimal | None
    of: str
    """The figures that it was held against, as printed."""
    why: str
    """The rule that is broken, in a sentence."""
    fits: tuple[str, ...] = ()
    """Other rows that would explain the figure, had they been its baseline."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a column, or one bound, and how the table does under it."""

    kind: FindingKind
    rule: str
    """What was taken to hold, in words."""
    checked: int
    """Figures that were held against it."""
    contradicted: int
    left_out: int = 0
    """Marked figures, which may have another baseline."""


Outcome = tuple[list[Finding], list[Check]]


def outcome(kind: FindingKind, rule: str, findings: list[Finding], checked: int) -> Outcome:
    """What came of one rule: nothing where no figure could be held against it."""
    if not checked:
        return [], []
    check = Check(kind=kind, rule=rule, checked=checked, contradicted=len(findings))
    return findings, [check]


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """One table, audited."""

    title: str
    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    """What looked derived and could not be understood, so that nothing is said of it."""
