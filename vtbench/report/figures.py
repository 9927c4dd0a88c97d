"""One printed figure and what was measured of it, as a reader sees them."""

from __future__ import annotations

from decimal import Decimal

from vtbench.claims.judge import Verdict
from vtbench.claims.suite import Claim
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.types import SWEPT
from vtbench.report.swept import found_text, printed_text
from vtbench.report.units import ABSENT, MINUS


def in_unit(value: Decimal | None, printed: str, unit: str) -> str:
    """A value in the unit of a printed figure, with two digits more than it has."""
    if value is None:
        return ABSENT
    whole = unit == "" and value == value.to_integral_value()
    decimals = 0 if whole else len(printed.partition(".")[2]) + 2
    return f"{value / SCALES[unit]:,.{decimals}f}".replace("-", MINUS)


def printed_figure(printed: str, unit: str) -> str:
    """A figure as the paper has it, with its unit."""
    return f"{printed} {unit}".strip().replace("-", MINUS)


def printed_of(claim: Claim) -> str:
    """What a paper printed: a figure with its unit, a formula, or a growth."""
    if claim.kind in SWEPT:
        return printed_text(claim)
    return printed_figure(claim.printed, claim.unit)


def measured_of(verdict: Verdict) -> str:
    """What was measured, as it stands beside what was printed."""
    if verdict.claim.kind in SWEPT:
        return found_text(verdict)
    return in_unit(verdict.measured, verdict.claim.printed, verdict.claim.unit)


def deviation(verdict: Verdict) -> str:
    """How far the measured value is from the printed one."""
    if verdict.deviation is None:
        return ABSENT
    return f"{100 * verdict.deviation:+.2f} %".replace("-", MINUS)
