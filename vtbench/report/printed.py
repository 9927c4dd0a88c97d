"""Printed figures, formulas and growths, and what was measured of them, as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vtbench.claims.judge import Verdict
from vtbench.claims.judge.held import amount
from vtbench.claims.judge.verdict import SweptPoint
from vtbench.claims.suite import Claim
from vtbench.claims.suite.formulas import polynomial
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.sweeps import WORDS, growth
from vtbench.claims.suite.types import SWEPT
from vtbench.data.polynomial import raised, written
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT, MINUS, digits


def in_unit(value: Decimal | None, printed: str, unit: str) -> str:
    """A value in the unit of a printed figure, with two digits more than it has."""
    if value is None:
        return ABSENT
    whole = unit == "" and value == value.to_integral_value()
    decimals = 0 if whole else len(re.split(r"[^\d]", printed.partition(".")[2])[0]) + 2
    return f"{value / SCALES[unit]:,.{decimals}f}".replace("-", MINUS)


def printed_figure(printed: str, unit: str) -> str:
    """A figure as the paper has it, with its unit."""
    return f"{printed} {unit}".strip().replace("-", MINUS)


_RELATIONS = {
    "about": "about ", "nearly": "nearly ", "half": "about ", "at_least": "≥ ", "more_than": "> ",
    "at_most": "≤ ", "less_than": "< ", "up_to": "up to ",
}  # fmt: skip
"""Relation -> what stands before the figure; a range has its own words."""


def printed_of(claim: Claim) -> str:
    """What a paper printed: a figure with its unit, a formula, or a growth."""
    if claim.kind in SWEPT:
        return printed_text(claim)
    if claim.ordering:
        return claim.printed
    return _RELATIONS.get(claim.relation, "") + printed_figure(claim.printed, claim.unit)


def measured_of(verdict: Verdict) -> str:
    """What was measured, as it stands beside what was printed."""
    if verdict.claim.kind in SWEPT:
        return found_text(verdict)
    claim = verdict.claim
    if claim.ordering:  # its reason names the pairs
        return "" if verdict.measured is not None else ABSENT
    ends, digits_as = verdict.measured_range, claim.printed
    if claim.relation == "range" and ends is not None:
        low, high = (in_unit(end, digits_as, claim.unit) for end in (ends.low, ends.high))
        return f"{low} to {high}"
    return in_unit(verdict.measured, digits_as, claim.unit)


def deviation(verdict: Verdict) -> str:
    """How far the measured value is from the printed one."""
    if verdict.deviation is None:
        return ABSENT
    return f"{100 * verdict.deviation:+.2f} %".replace("-", MINUS)


def distance(verdict: Verdict) -> str:
    """How far the measured value is outside what is accepted; nothing of one that is inside."""
    if verdict.distance is None:
        return ABSENT if verdict.verdict == "unknown" else ""
    if not verdict.distance and verdict.verdict == "holds":
        return ""
    return f"{100 * verdict.distance:+.2f} %".replace("-", MINUS)


def decided(verdict: Verdict) -> str:
    """A verdict as tables show it."""
    said = f"{verdict.verdict}, loosely" if verdict.loosely else verdict.verdict
    return said if verdict.as_expected else f"{said} !"


def slack_of(verdict: Verdict) -> str:
    """By how much an inequality holds; empty for other claims."""
    claim = verdict.claim
    if verdict.slack is None or verdict.slack < 0 or claim.ordering:
        return ""
    return f"by {amount(claim, verdict.slack)}"


SHOWN = 16
"""So many sizes stand in a table; the JSON lists all."""


def printed_text(claim: Claim) -> str:
    """A formula as mathematics, its terms in the order of the paper; a growth as it stands."""
    if claim.kind != "formula":
        return claim.printed
    powers = re.sub(r"\s*(?:\^|\*\*)\s*(\d+)", lambda found: raised(found[1]), claim.printed)
    return re.sub(r"\s*\*\s*", "·", powers)


def found_text(verdict: Verdict) -> str:
    """What the counts are: a polynomial, or how they grow."""
    found = verdict.found
    if found is None:
        return ABSENT
    if verdict.claim.kind == "formula":
        return "no such polynomial" if found.form is None else written(polynomial(found.form))
    if growth(verdict.claim.printed).degree is not None and found.degree is not None:
        names = {power: name for name, power in WORDS.items()}
        return names.get(found.degree, f"degree {found.degree}")
    if found.exponents is None:
        return ABSENT
    low, _, high = (f"{each:.2f}" for each in found.exponents)
    return f"exponent {low}" if low == high else f"exponent {low} to {high}"


def swept_rows(verdicts: Sequence[Verdict]) -> tuple[tuple[str, ...], ...]:
    """A row for each formula and growth, of which ``swept_table`` makes a table."""
    return tuple(
        (
            v.claim.id.removeprefix(f"{v.claim.suite}."),
            _printed_cell(v.claim),
            found_text(v),
            decided(v),
        )
        for v in verdicts
    )


def _printed_cell(claim: Claim) -> str:
    said = printed_text(claim)
    if claim.kind == "formula" or claim.sweep is None:
        return said
    return f"{said} in {next(iter(claim.sweep.symbols))}"


def swept_table(title: str, verdicts: Sequence[Verdict], notes: tuple[str, ...]) -> Table:
    """What papers printed of all sizes, beside what counts at many make of it."""
    return Table(
        title=title,
        columns=(
            name_column("Claim"),
            Column(head="Printed", align="left", shrink=True, least=24),
            Column(head="Counted", align="left", shrink=True, least=24),
            Column(head="Verdict", align="left"),
        ),
        rows=swept_rows(verdicts),
        notes=notes,
    )


def points_table(verdict: Verdict) -> Table | None:
    """Every size that was counted; None if the claim was not judged."""
    if verdict.found is None:
        return None
    points = verdict.found.points
    formula = verdict.claim.kind == "formula"
    heads = [Column(head=axis) for axis in points[0].axes]
    heads.append(Column(head="Counted"))
    if formula:
        heads += [Column(head="Formula gives"), Column(head="Apart", drop=1)]
    notes = () if len(points) <= SHOWN else (
        f"{SHOWN} of {len(points)} sizes are shown; --format json lists all.",
    )  # fmt: skip
    return Table(
        title="Sizes",
        columns=tuple(heads),
        rows=tuple(_point_row(point, formula=formula) for point in points[:SHOWN]),
        notes=notes,
    )


def _point_row(point: SweptPoint, *, formula: bool) -> tuple[str, ...]:
    cells = [*(str(number) for number in point.axes.values()), digits(point.counted)]
    if formula and point.printed is not None:
        whole = point.printed == int(point.printed)
        cells.append(digits(int(point.printed)) if whole else f"{point.printed:,.2f}")
        share = 100 * (point.counted / point.printed - 1) if point.printed else 0.0
        cells.append("=" if point.counted == point.printed else f"{share:+.2f} %")
    return tuple(cells)


def sweep_object(claim: Claim) -> dict[str, Any] | None:
    """The sizes of a claim as docs/json.md promises them; null of a single figure."""
    if claim.sweep is None:
        return None
    return {
        "axes": {axis: list(values) for axis, values in claim.sweep.axes.items()},
        "symbols": dict(claim.sweep.symbols),
        "stages": list(claim.stages),
        "without": list(claim.without),
    }


def found_object(verdict: Verdict) -> Mapping[str, Any] | None:
    """What the counts of a sweep are, as docs/json.md promises it."""
    found = verdict.found
    if found is None:
        return None
    return {
        "form": found.form,
        "degree": found.degree,
        "exponents": None if found.exponents is None else list(found.exponents),
        "points": [
            {"axes": point.axes, "counted": point.counted, "printed": point.printed}
            for point in found.points
        ],
    }
