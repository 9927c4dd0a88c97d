"""What is said of a verdict in few words: why it came so, and what was expected of it."""

from __future__ import annotations

from decimal import Decimal

from vtbench.claims.judge import Verdict
from vtbench.claims.judge.held import amount, span
from vtbench.claims.judge.verdict import Reproduction
from vtbench.claims.suite.expected import FROM_OTHERS
from vtbench.claims.suite.hedges import figure_of
from vtbench.claims.suite.interval import SCALES
from vtbench.claims.suite.types import SWEPT
from vtbench.report.chance import by_chance
from vtbench.report.printed import in_unit, printed_figure, slack_of
from vtbench.report.speeds import speed_explanation
from vtbench.report.units import MINUS, plural


def explanation(verdict: Verdict) -> str:
    """Why a figure differs, or why it cannot be judged, in few words."""
    found = verdict.reproduced_by
    if verdict.verdict == "unknown" or verdict.measured_on is not None:
        return ", ".join(filter(None, (slack_of(verdict), speed_explanation(verdict))))
    fitted = "fitted" if verdict.claim.fitted and verdict.claim.kind != "arithmetic" else ""
    if verdict.verdict == "holds":
        return ", ".join(filter(None, (slack_of(verdict), fitted)))
    if verdict.claim.kind == "arithmetic" or verdict.claim.members:
        return _short_reason(verdict)
    if found is None:
        return _without_reading(verdict)
    said = reproduction(found, verdict.claim.convention)
    fitted = "" if "reading" in found.changes else fitted  # it says so itself
    return f"{said}, {fitted}" if fitted else said


def _without_reading(verdict: Verdict) -> str:
    """Why a figure differs that no named reading gives."""
    exact = verdict.claim.low == verdict.claim.high  # so of our own
    if exact or verdict.claim.kind in SWEPT:  # no other reading was looked for
        return verdict.reason
    if verdict.possible is not None:
        return "no reading is named"
    tried = verdict.claim.relation == "equals" and not verdict.claim.average
    return "no tried reading gives it" if tried else _short_reason(verdict)


def _short_reason(verdict: Verdict) -> str:
    """What a figure is held against and does not meet, in few words."""
    claim, found = verdict.claim, verdict.measured_range
    if claim.kind == "arithmetic" and found is not None:
        return f"cells give {span(found, SCALES[claim.unit], 4)}".replace("-", MINUS)
    if claim.relation == "range":
        return "outside the printed range"
    if claim.ordering:
        return "not so" + verdict.reason.partition(" pair")[0].join((" in ", " pairs"))
    if verdict.distance is None:
        return verdict.reason.rstrip(".")
    return f"misses by {amount(claim, abs(Decimal(verdict.distance) * figure_of(claim)))}"


def reproduction(found: Reproduction, stated: str, *, scored: bool = True) -> str:
    """An explanation: its changes, its convention, its rounding, and how well it does."""
    reading = found.reading(stated)
    if not scored or found.convention in FROM_OTHERS:
        return reading
    return f"{reading} ({'isolated' if found.isolated else f'{found.hits} of {found.of}'})"


def account(verdict: Verdict) -> str:
    """What the stated reading gives, what the explanation gives, and how well it does."""
    claim, found = verdict.claim, verdict.reproduced_by
    if found is None or verdict.verdict == "holds":
        return ""
    told = [
        f"{name} gives {printed_figure(in_unit(value, claim.printed, claim.unit), claim.unit)}"
        for name, value in (
            (_stated(verdict, found), verdict.measured),
            (reproduction(found, claim.convention, scored=False), found.measured),
        )
    ]
    if found.convention in FROM_OTHERS:
        return f"{', '.join(told)}."
    cells = f"this fits {found.hits} of {found.of} distinct figures of the column{by_chance(found)}"
    gives = "gives" if found.rivals == 1 else "give"
    others = f"; {plural(found.rivals, 'other reading')} {gives} it too" if found.rivals else ""
    return f"{', '.join(told)}; {cells}{others}."


def _stated(verdict: Verdict, found: Reproduction) -> str:
    """What the paper states of the things that an explanation changes."""
    work = verdict.claim.workload
    options = dict(work.options) if work else {}
    said = [f"{axis}={options[axis]}" for axis in found.changes if axis in options]
    return ", ".join(said) or "the stated reading"


def expectation(verdict: Verdict) -> str:
    """What the suite expects of a figure: a verdict, and a reading if it names one."""
    claim = verdict.claim
    return f"{claim.expect} by {claim.by}" if claim.by else claim.expect


def surprise(verdict: Verdict) -> str:
    """What came of a figure instead of what the suite expects."""
    if verdict.verdict == verdict.claim.expect and not verdict.as_explained:
        found = verdict.possible
        said = f"only {found.reading(verdict.claim.convention)} is possible" if found else ""
        return f"{verdict.verdict}, but {said or explanation(verdict)}."
    return verdict.reason
