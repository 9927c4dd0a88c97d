"""The results of an audit: the rules that were checked, contradictions, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from vtbench.claims.suite.interval import Interval, Zeros

FindingKind = Literal[
    "difference", "ratio", "percent", "arithmetic", "sum", "share", "peak", "parameters",
    "scaling",
]  # fmt: skip


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A printed figure that the other figures rule out."""

    kind: FindingKind
    """The kind of rule that is broken."""
    row: str
    """The name of the row."""
    column: str
    """The heading of the column."""
    printed: str
    """The figure as printed, with its unit."""
    stands_for: Interval
    """The values that the printed digits stand for, in the unit of the printed one."""
    low: Decimal | None
    """The least value that the other figures allow, in the unit of the printed one."""
    high: Decimal | None
    """The greatest value that the other figures allow, in the unit of the printed one."""
    of: str
    """The figures that it was compared with, as printed."""
    why: str
    """The rule that is broken, in a sentence."""
    agrees_if_cut: bool = False
    """Whether it agrees if all these figures were cut off after their last digit, not rounded."""
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
    """The number of figures that could not be paired; ``not_compared`` says why."""


Reason = Literal[
    "no_heading", "no_figures", "no_figure", "no_unit", "no_rule", "marked", "baseline",
    "no_baseline", "no_partner", "other_baseline", "elsewhere",
]  # fmt: skip
"""Why something was not compared."""


class NotCompared(msgspec.Struct, frozen=True, kw_only=True):
    """A column, or cells of one, that no rule was held against."""

    column: str
    """The heading of the column; empty for whole rows, or for the whole table."""
    rows: tuple[str, ...]
    """The names of the rows; empty for the whole column."""
    reason: Reason
    """Why they were not compared."""
    whole: bool = False
    """Whether these are all figures of the column."""
    aside: bool = False
    """Whether these are the figures in parentheses."""


Cell = tuple[int, int, bool]
"""Row, column, and whether it is the figure in parentheses there."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one rule or of several."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    cells: frozenset[Cell] = frozenset()
    """All that were compared."""


def outcome(
    kind: FindingKind,
    rule: str,
    findings: Sequence[Finding],
    compared: Sequence[Iterable[Cell]],
    left_out: int = 0,
) -> Outcome:
    """What came of one rule: nothing if no figure could be held against it.

    ``compared`` has an entry for each figure: its cell, and those that it was held against.
    """
    if not compared:
        return Outcome()
    check = Check(
        kind=kind,
        rule=rule,
        checked=len(compared),
        contradicted=len(findings),
        left_out=left_out,
    )
    cells = frozenset(cell for entry in compared for cell in entry)
    return Outcome(findings=tuple(findings), checks=(check,), cells=cells)


def together(outcomes: Iterable[Outcome]) -> Outcome:
    """What came of several rules."""
    found = list(outcomes)
    return Outcome(
        findings=tuple(finding for each in found for finding in each.findings),
        checks=tuple(check for each in found for check in each.checks),
        cells=frozenset(cell for each in found for cell in each.cells),
    )


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """The audit of one table."""

    title: str
    """The title of the table."""
    id: str = ""
    """The suite and the table, for one of a suite."""
    line: int = 1
    """The line of the file on which the table begins."""
    zeros: Zeros = "digits"
    """Whether zeros at the end of whole numbers were taken for digits."""
    zeros_of: dict[str, Zeros] = {}
    """Column -> the same, for columns of which the suite says something else."""
    findings: tuple[Finding, ...] = ()
    """The contradictions."""
    checks: tuple[Check, ...] = ()
    """The rules that were checked."""
    not_compared: tuple[NotCompared, ...] = ()
    """The columns, cells and rows that no rule was held against, and why."""
