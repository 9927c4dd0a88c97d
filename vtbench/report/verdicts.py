"""Verdicts as documents: what was printed, what was measured, and why they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.claims.judge import Verdict, WrongFigures, totals
from vtbench.claims.judge.verdict import FROM_OTHERS, Reproduction
from vtbench.claims.suite import Interval
from vtbench.claims.suite.speed import NO_CONDITIONS, SPEEDS
from vtbench.claims.suite.types import SWEPT
from vtbench.report.chance import NONE_DRAWN, by_chance, chance_notes
from vtbench.report.printed import (
    deviation,
    found_object,
    in_unit,
    printed_figure,
    sweep_object,
    swept_table,
)
from vtbench.report.speeds import (
    speed_explanation,
    speed_notes,
)
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import plural


def explanation(verdict: Verdict) -> str:
    """Why a figure differs, or why it cannot be judged, in few words."""
    found = verdict.reproduced_by
    if verdict.verdict == "unknown" or verdict.measured_on is not None:
        return speed_explanation(verdict)
    fitted = "fitted" if verdict.claim.fitted and verdict.claim.kind != "arithmetic" else ""
    if verdict.verdict == "holds":
        return fitted
    if found is None:
        exact = verdict.claim.low == verdict.claim.high  # so of our own
        if exact or verdict.claim.kind in SWEPT:  # no other reading was looked for
            return verdict.reason
        if verdict.possible is not None:
            return "no reading is named"
        return "no tried reading gives it" if verdict.claim.kind != "arithmetic" else ""
    said = reproduction(found, verdict.claim.convention)
    return f"{said}, {fitted}" if fitted else said


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


def _found(verdict: Verdict) -> str:
    """What came of it instead."""
    if verdict.verdict == verdict.claim.expect and not verdict.as_explained:
        found = verdict.possible
        said = f"only {found.reading(verdict.claim.convention)} is possible" if found else ""
        return f"{verdict.verdict}, but {said or explanation(verdict)}."
    return verdict.reason


def verdict_tables(
    verdicts: Sequence[Verdict],
    wrong: Mapping[str, WrongFigures] = NONE_DRAWN,
    *,
    everything: bool = True,
) -> list[Table]:
    """A table of figures for each suite, one of its formulas and growths, and their totals."""
    suites: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        suites.setdefault(verdict.claim.suite, []).append(verdict)
    return [
        table
        for name, found in suites.items()
        for table in _suite_tables(name, found, wrong.get(name), everything=everything)
    ]


def _suite_tables(
    suite: str, verdicts: list[Verdict], wrong: WrongFigures | None, *, everything: bool
) -> list[Table]:
    """The notes on a whole suite stand below its last table."""
    swept = [v for v in verdicts if v.claim.kind in SWEPT]
    figures = [v for v in verdicts if v.claim.kind not in SWEPT]
    notes = _notes(verdicts, wrong)
    if not swept:
        return [_suite_table(suite, figures, notes, everything=everything)]
    last = swept_table(f"{suite}: formulas and growth", swept, notes)
    return [*([_suite_table(suite, figures, (), everything=everything)] if figures else []), last]


def printed_table(verdicts: Sequence[Verdict]) -> Table:
    """The figures that papers printed of what was just counted."""
    return Table(
        title="Printed figures",
        columns=(
            name_column("Where"),
            *figure_columns("Printed", "Counted"),
            Column(head="Verdict", align="left"),
            Column(head="Reproduced by", align="left", shrink=True, drop=1),
        ),
        rows=tuple(
            (
                f"{v.claim.suite}: {v.claim.where}",
                printed_figure(v.claim.printed, v.claim.unit),
                in_unit(v.measured, v.claim.printed, v.claim.unit),
                v.verdict,
                "" if v.possible else explanation(v),  # the rest of its column is not known here
            )
            for v in verdicts
        ),
        notes=("`vtbench explain` and `vtbench check` say more about each figure.",),
    )


def _suite_table(
    suite: str, verdicts: list[Verdict], notes: tuple[str, ...], *, everything: bool
) -> Table:
    shown = [v for v in verdicts if everything or v.verdict != "unknown"]
    rows = tuple(
        (
            v.claim.id.removeprefix(f"{suite}."),
            printed_figure(v.claim.printed, v.claim.unit),
            in_unit(v.measured, v.claim.printed, v.claim.unit),
            deviation(v),
            v.verdict if v.as_expected else f"{v.verdict} !",
            explanation(v),
        )
        for v in shown
    )
    return Table(
        title=suite,
        columns=(
            Column(head="Claim", align="left", shrink=True, least=24),
            Column(head="Printed"),
            Column(head="Measured", drop=1),
            Column(head="Dev.", drop=2),
            Column(head="Verdict", align="left"),
            Column(head="Reproduced by", align="left", shrink=True, least=26),
        ),
        rows=rows,
        notes=notes,
    )


def _notes(verdicts: list[Verdict], wrong: WrongFigures | None) -> tuple[str, ...]:
    found = totals(verdicts)
    judged = found["claims"] - found["unknown"]
    notes = [
        (
            f"{plural(found['claims'], 'claim')}: {found['holds']} hold, {found['close']} close, "
            f"{found['fails']} fail, {found['unknown']} unknown."
        ),
        (
            f"{found['as_stated']} of {judged} reproduced exactly as the paper states, "
            f"{found['per_table']} of {judged} if one convention and configuration is chosen per "
            f"table, {found['any']} of {judged} if any may be chosen per figure."
        ),
    ]
    kinds: dict[str, int] = {}
    for verdict in verdicts:
        if verdict.unknown is not None:
            kinds[verdict.unknown] = kinds.get(verdict.unknown, 0) + 1
    if kinds:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        notes.append(f"Unknown: {said}.")
    notes += chance_notes(verdicts, wrong)
    notes += speed_notes(verdicts)
    fitted = sum(1 for v in verdicts if v.claim.fitted)
    if fitted:
        notes.append(
            f"{plural(fitted, 'claim')} {'depends' if fitted == 1 else 'depend'} on choices that "
            "were deduced from printed figures; this is a fit, not a confirmation."
        )
    surprises = [v for v in verdicts if not v.as_expected]
    notes += [f"! {v.claim.id}: expected {expectation(v)}; {_found(v)}" for v in surprises]
    return tuple(notes)


def verdict_object(verdict: Verdict) -> dict[str, Any]:
    """A verdict as docs/json.md promises it."""
    claim = verdict.claim
    return {
        "id": claim.id,
        "suite": claim.suite,
        "where": claim.where,
        "kind": claim.kind,
        "metric": claim.metric,
        "printed": claim.printed,
        "unit": claim.unit,
        "convention": claim.convention,
        "workload": claim.workload.to_dict() if claim.workload else None,
        "expression": claim.expression,
        "low": None if claim.kind == "formula" else float(claim.low),
        "high": None if claim.kind == "formula" else float(claim.high),
        "measured": _number(verdict.measured),
        "measured_low": _end(verdict.measured_range, "low"),
        "measured_high": _end(verdict.measured_range, "high"),
        "measured_on": verdict.measured_on,
        "direction": verdict.direction,
        "hardware": claim.hardware or None,
        "conditions": claim.conditions.stated(),
        "deviation": verdict.deviation,
        "verdict": verdict.verdict,
        "sweep": sweep_object(claim),
        "found": found_object(verdict),
        "reason": _reason(verdict),
        "unknown": verdict.unknown,
        "expect": claim.expect,
        "expect_by": claim.by or None,
        "as_expected": verdict.as_expected,
        "reproduced_by": _reproduction_object(verdict.reproduced_by),
        "possible": _reproduction_object(verdict.possible),
        "why_not": verdict.why_not or None,
        "fitted": list(claim.fitted),
        "why": claim.why,
        "command": command(verdict),
    }


def _reason(verdict: Verdict) -> str:
    """The reason for a verdict, with the readings that were compared."""
    readings = account(verdict)
    return f"{verdict.reason.removesuffix('.')}; {readings}" if readings else verdict.reason


def _end(found: Interval | None, end: str) -> float | None:
    return None if found is None else float(getattr(found, end))


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _reproduction_object(found: Reproduction | None) -> dict[str, Any] | None:
    if found is None:
        return None
    data: dict[str, Any] = msgspec.to_builtins(found)
    data["measured"] = _number(found.measured)
    return data


def command(verdict: Verdict) -> str | None:
    """The command that counts or times the workload of a claim; of many sizes the last."""
    work = verdict.claim.workload
    if verdict.found is not None:
        work = verdict.found.points[-1].workload
    if work is None:
        return None
    speed = verdict.claim.metric in SPEEDS
    parts = [f"vtbench {verdict.claim.metric if speed else 'macs'}", work.model]
    if work.resolution is not None:
        parts.append("--resolution {}x{}".format(*work.resolution))
    stated = verdict.claim.conditions if speed else NO_CONDITIONS
    size = stated.batch_size or (work.batch_size if work.batch_size != 1 else None)
    parts += [f"--batch-size {size}"] if size else []
    parts += [f"--dtype {stated.dtype}"] if stated.dtype else []
    parts += [f"-o {name}={value}" for name, value in work.options]
    return " ".join(parts)
