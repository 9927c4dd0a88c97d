"""Verdicts as documents: what was printed, what was measured, and why they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import msgspec

from vtbench.claims.judge import Verdict, WrongFigures
from vtbench.claims.judge.verdict import Reproduction
from vtbench.claims.suite import Claim, Interval
from vtbench.claims.suite.speed import NO_CONDITIONS, SPEEDS
from vtbench.claims.suite.types import SWEPT
from vtbench.data.record import ByValues
from vtbench.report.chance import NONE_DRAWN, chance_notes
from vtbench.report.printed import (
    decided,
    distance,
    found_object,
    measured_of,
    printed_of,
    sweep_object,
    swept_table,
)
from vtbench.report.sources import source_notes
from vtbench.report.speeds import (
    speed_notes,
)
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.totals import total_notes
from vtbench.report.values_behind import marked, value_notes
from vtbench.report.verdict_words import account, expectation, explanation, surprise


def verdict_tables(
    verdicts: Sequence[Verdict],
    *,
    everything: bool = True,
    by_values: Mapping[str, ByValues] = MappingProxyType({}),
    wrong: Mapping[str, WrongFigures] = NONE_DRAWN,
) -> list[Table]:
    """A table of figures for each suite, one of its formulas and growths, and their totals.

    ``by_values`` are the claims whose figure can change with the values of the input.
    """
    suites: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        suites.setdefault(verdict.claim.suite, []).append(verdict)
    return [
        table
        for name, found in suites.items()
        for table in _suite_tables(
            name, found, by_values, _notes(found, wrong.get(name)), everything=everything
        )
    ]


def _suite_tables(
    suite: str,
    verdicts: list[Verdict],
    by_values: Mapping[str, ByValues],
    notes: tuple[str, ...],
    *,
    everything: bool,
) -> list[Table]:
    """The notes on a whole suite stand below its last table."""
    swept = [v for v in verdicts if v.claim.kind in SWEPT]
    figures = [v for v in verdicts if v.claim.kind not in SWEPT]
    shown = [v for v in figures if everything or v.verdict != "unknown"]
    said = tuple(_value_notes(shown, by_values))
    if not swept:
        return [_suite_table(suite, shown, (*notes, *said), by_values)]
    last = swept_table(
        f"{suite}: formulas and growth", swept, (*notes, *_value_notes(swept, by_values))
    )
    return [*([_suite_table(suite, shown, said, by_values)] if figures else []), last]


def _value_notes(verdicts: Sequence[Verdict], by_values: Mapping[str, ByValues]) -> list[str]:
    return value_notes((v.claim.id, by_values.get(v.claim.id)) for v in verdicts)


def printed_table(
    verdicts: Sequence[Verdict],
    by_values: Mapping[str, ByValues] = MappingProxyType({}),
    otherwise: Sequence[str] = (),
) -> Table:
    """The figures that papers printed of what was just counted, each under the id of its claim."""
    more = ("`vtbench explain CLAIM` says more about each figure.",) if verdicts else ()
    return Table(
        title="Printed figures",
        columns=(
            name_column("Claim"),
            Column(head="Where", align="left", shrink=True, least=24, drop=2),
            *figure_columns("Printed", "Counted"),
            Column(head="Verdict", align="left"),
            Column(head="Reproduced by", align="left", shrink=True, least=22, drop=1),
        ),
        rows=tuple(
            (
                v.claim.id,
                v.claim.where,
                printed_of(v.claim),
                marked(measured_of(v), by_values.get(v.claim.id)),
                v.verdict,
                "" if v.possible else explanation(v),  # the rest of its column is not known here
            )
            for v in verdicts
        ),
        notes=(*more, *otherwise, *_value_notes(verdicts, by_values)),
    )


def _suite_table(
    suite: str,
    shown: Sequence[Verdict],
    notes: tuple[str, ...],
    by_values: Mapping[str, ByValues],
) -> Table:
    told = any(v.claim.source_kind for v in shown)
    sources = (Column(head="Source", align="left", drop=2),) if told else ()
    rows = tuple(
        (
            v.claim.id.removeprefix(f"{suite}."),
            *(v.claim.source_kind or "" for _ in sources),
            printed_of(v.claim),
            marked(measured_of(v), by_values.get(v.claim.id)),
            distance(v),
            decided(v),
            explanation(v),
        )
        for v in shown
    )
    return Table(
        title=suite,
        columns=(
            name_column("Claim"),
            *sources,
            Column(head="Printed"),
            Column(head="Measured"),
            Column(head="Outside", drop=3),
            Column(head="Verdict", align="left"),
            Column(head="Reproduced by", align="left", shrink=True, least=24, drop=1),
        ),
        rows=rows,
        notes=notes,
    )


def _notes(verdicts: list[Verdict], wrong: WrongFigures | None) -> tuple[str, ...]:
    """What stands below the last table of a whole suite."""
    notes = total_notes(verdicts)
    kinds: dict[str, int] = {}
    for verdict in verdicts:
        if verdict.unknown is not None:
            kinds[verdict.unknown] = kinds.get(verdict.unknown, 0) + 1
    if kinds:
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        notes.append(f"Unknown: {said}.")
    notes += source_notes([v.claim for v in verdicts])
    notes += chance_notes(verdicts, wrong)
    notes += speed_notes(verdicts)
    surprises = [v for v in verdicts if not v.as_expected]
    notes += [f"! {v.claim.id}: expected {expectation(v)}; {surprise(v)}" for v in surprises]
    return tuple(notes)


def verdict_object(verdict: Verdict, by_values: ByValues | None = None) -> dict[str, Any]:
    """A verdict as docs/json.md promises it."""
    claim = verdict.claim
    return {
        "id": claim.id,
        "suite": claim.suite,
        "where": claim.where,
        "source_kind": claim.source_kind,
        "kind": claim.kind,
        "relation": claim.relation,
        "metric": claim.metric,
        "printed": claim.printed,
        "unit": claim.unit,
        "convention": claim.convention,
        "workload": claim.workload.to_dict() if claim.workload else None,
        "expression": claim.expression,
        "members": list(claim.members),
        "low": _bound(claim, claim.low),
        "high": _bound(claim, claim.high),
        "measured": _number(verdict.measured),
        "measured_low": _end(verdict.measured_range, "low"),
        "measured_high": _end(verdict.measured_range, "high"),
        "measured_on": verdict.measured_on,
        "direction": verdict.direction,
        "hardware": claim.hardware or None,
        "conditions": claim.conditions.stated(),
        "deviation": verdict.deviation,
        "distance": verdict.distance,
        "slack": _number(verdict.slack),
        "loosely": verdict.loosely,
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
        "by_values": msgspec.to_builtins(by_values),
        "command": command(verdict),
    }


def _reason(verdict: Verdict) -> str:
    """The reason for a verdict, with the readings that were compared."""
    readings = account(verdict)
    return f"{verdict.reason.removesuffix('.')}; {readings}" if readings else verdict.reason


def _bound(claim: Claim, end: Decimal) -> float | None:
    """An end of what is accepted; null of a formula, and of an inequality's other side."""
    return None if claim.kind == "formula" or not end.is_finite() else float(end)


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
