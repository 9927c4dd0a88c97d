"""One claim in full: the cell, what was measured where, and what was tried to explain it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from vtbench.claims.judge import Verdict
from vtbench.claims.judge.held import amount
from vtbench.claims.judge.reading_search import Trial
from vtbench.claims.judge.verdict import Reproduction
from vtbench.claims.suite import Claim
from vtbench.claims.suite.speed import SPEEDS
from vtbench.claims.suite.types import SWEPT
from vtbench.data.record import ByValues, Record
from vtbench.report.breakdown import Part, breakdown
from vtbench.report.chance import by_chance
from vtbench.report.document import Document, Rendering, written
from vtbench.report.printed import (
    decided,
    deviation,
    distance,
    in_unit,
    measured_of,
    points_table,
    printed_of,
)
from vtbench.report.table import Column, Table, name_column
from vtbench.report.units import ABSENT, MINUS, digits, percent, pixels, plural, si
from vtbench.report.values_behind import marked, value_notes, with_values
from vtbench.report.verdict_words import reproduction
from vtbench.report.verdicts import command, verdict_object

SHOWN = 12
"""So many candidates stand in a table; the JSON lists all."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict with everything that it rests on."""

    verdict: Verdict
    title: str
    """The paper."""
    record: Record | None = None
    """The count of its workload, if it has one."""
    trials: tuple[Trial, ...] = ()
    parts: tuple[Verdict, ...] = ()
    """The claims that it follows from."""
    by_values: Mapping[str, ByValues] = {}
    """The claims whose figure can change with the values of the input."""

    def of(self, verdict: Verdict) -> ByValues | None:
        """Why the figure of a verdict can change with values; None if it cannot."""
        return self.by_values.get(verdict.claim.id)


def explained_document(found: Explained, asked: Rendering) -> str:
    """Everything about one claim."""
    page = Document(
        kind="explain",
        results=lambda: [explained_object(found)],
        tables=lambda: explained_tables(found),
    )
    return written(page, asked)


def explained_object(found: Explained) -> dict[str, Any]:
    """The check object of the claim, with ``by``, ``tried`` and ``parts``."""
    return {
        **verdict_object(found.verdict, found.of(found.verdict)),
        "title": found.title,
        "by": [part.to_dict() for part in _stages(found)],
        "tried": [
            {**msgspec.to_builtins(trial), "value": _number(trial.value)} for trial in found.trials
        ],
        "parts": [verdict_object(part, found.of(part)) for part in found.parts],
    }


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _stages(found: Explained) -> list[Part]:
    if found.record is None or found.record.error is not None or found.verdict.claim.sweep:
        return []
    return breakdown(found.record, "stage")


def explained_tables(found: Explained) -> list[Table]:
    """The claim, its parts or its stages, and what was tried."""
    tables = [_claim_table(found)]
    sizes = points_table(found.verdict)
    if sizes is not None:
        tables.append(sizes)
    if found.parts:
        tables.append(_parts_table(found))
    stages = _stages(found)
    if stages:
        table = _stage_table(stages)
        tables.append(with_values(table, found.record) if found.record is not None else table)
    if found.trials:
        tables.append(_trials_table(found))
    return tables


def _exact(value: Decimal | None) -> str:
    if value is None:
        return ABSENT
    whole = value == value.to_integral_value()
    return digits(int(value)) if whole else f"{value:.6g}".replace("-", MINUS)


def _claim_table(found: Explained) -> Table:
    verdict, claim = found.verdict, found.verdict.claim
    rows = [
        *(_formula_rows(found) if claim.kind in SWEPT else _figure_rows(found)),
        ("Verdict", decided(verdict)),
        ("  expected", claim.expect),
    ]
    rows += [("Source", claim.source_kind)] if claim.source_kind else []
    rows += _speed_rows(verdict)
    if claim.metric != "none" and claim.metric not in SPEEDS:
        rows.append(("Counts", f"{claim.metric}, convention {claim.convention}"))
    if claim.workload is not None:
        work = claim.workload
        at = f", {pixels(work)}, batch {work.batch_size}" if claim.sweep is None else ""
        rows.append(("Workload", f"{work.model}{at}"))
        axes = claim.sweep.axes if claim.sweep is not None else {}
        rows += [(f"  {name}", str(value)) for name, value in work.options if name not in axes]
        rows += [(f"  {axis}", f"{values[0]} to {values[-1]}") for axis, values in axes.items()]
    return Table(
        title=claim.id,
        columns=(name_column("Quantity"), Column(head="Value")),
        rows=tuple(rows),
        conditions=(f"{claim.where} · {found.title}",),
        notes=(
            *_said(verdict),
            *value_notes([(claim.id, found.of(verdict))], alone=True),
        ),
    )


def _figure_rows(found: Explained) -> list[tuple[str, str]]:
    """A figure, its interval, and what was measured."""
    verdict, claim, ends = found.verdict, found.verdict.claim, []
    if claim.ordering:  # its reason has the figures of each pair
        return [("Printed", printed_of(claim))]
    if claim.low.is_finite():
        ends.append(("  above" if claim.interval.low_open else "  at least", _exact(claim.low)))
    if claim.high.is_finite():
        ends.append(("  below" if claim.interval.high_open else "  at most", _exact(claim.high)))
    rows = [
        ("Printed", printed_of(claim)),
        *ends,
        ("Measured", marked(f"{measured_of(verdict)} {claim.unit}".strip(), found.of(verdict))),
        ("  exact", _exact(verdict.measured)),
        ("Outside by", distance(verdict) or ("0" if verdict.verdict == "holds" else ABSENT)),
    ]
    if verdict.slack is not None:
        rows.append(("Holds by", amount(claim, verdict.slack)))
    return rows


def _speed_rows(verdict: Verdict) -> list[tuple[str, str]]:
    """Of a speed: the printed device and conditions, and what was measured where."""
    claim, found = verdict.claim, verdict.measured_range
    rows = [("Printed for", claim.hardware)] if claim.hardware else []
    rows += [(f"  {name}", str(value)) for name, value in claim.conditions.stated().items()]
    if found is not None and verdict.measured_on is not None:
        rows += [
            ("Measured on", verdict.measured_on or ABSENT),
            ("  95 % interval", f"{_exact(found.low)} to {_exact(found.high)}"),
        ]
    return rows + ([("Direction", verdict.direction)] if verdict.direction else [])


def _formula_rows(found: Explained) -> list[tuple[str, str]]:
    """A formula or a growth, the letters that it speaks of, and what the counts are."""
    verdict, claim = found.verdict, found.verdict.claim
    rows = [("Printed", printed_of(claim))]
    if claim.sweep is not None:
        rows += [(f"  {'in ' if claim.kind == 'scaling' else ''}{letter}",
                  "" if text == letter else text)
                 for letter, text in claim.sweep.symbols.items()]  # fmt: skip
    rows.append(("Counted", marked(measured_of(verdict), found.of(verdict))))
    if claim.kind == "formula":
        rows.append(("  furthest apart", deviation(verdict)))
    if claim.stages or claim.without:
        only = "Of" if claim.stages else "Without"
        rows.append((only, ", ".join(claim.stages or claim.without)))
    return rows


def _said(verdict: Verdict) -> tuple[str, ...]:
    claim, notes = verdict.claim, [verdict.reason]
    if claim.expression is not None:
        of = "; ".join(claim.members) or claim.expression
        notes.append(f"{'Its set is' if claim.members else 'It follows from'}: {of}")
    if verdict.reproduced_by is not None:
        notes.append(f"It is reproduced by: {_with_rivals(verdict, verdict.reproduced_by)}.")
    elif verdict.possible is not None:
        said = _with_rivals(verdict, verdict.possible)
        notes.append(f"A possible reading gives these digits: {said}.")
        notes.append(f"It is not named. {verdict.why_not}")
    elif verdict.verdict in ("close", "fails") and _has_readings(claim):
        notes.append("No reading that was tried reproduces it.")
    if claim.why:
        notes.append(f"Why: {claim.why}")
    reproduce = command(verdict)
    if reproduce:
        notes.append(f"Reproduce: {reproduce}")
    if claim.fitted:
        choices = "; ".join(choice.rstrip(".") for choice in claim.fitted)
        notes.append(f"Fitted, not confirmed: {choices}.")
    return tuple(notes)


def _has_readings(claim: Claim) -> bool:
    """Whether other readings are tried for a claim: a figure of a model that is printed alone."""
    alone = claim.relation == "equals" and not claim.members
    return alone and claim.kind not in (*SWEPT, "arithmetic")


def _with_rivals(verdict: Verdict, found: Reproduction) -> str:
    """A reading, how well it and chance do, and how many others give the digits."""
    said = reproduction(found, verdict.claim.convention)
    if found.chance is not None:
        said = f"{said.removesuffix(')')}{by_chance(found)})"
    if verdict.claim.workload is None or not found.rivals:
        return said
    gives = "gives" if found.rivals == 1 else "give"
    return f"{said}; {plural(found.rivals, 'other candidate')} {gives} these digits too"


def _parts_table(found: Explained) -> Table:
    rows = tuple(
        (
            v.claim.id,
            printed_of(v.claim),
            marked(measured_of(v), found.of(v)),
            v.verdict,
        )
        for v in found.parts
    )
    columns = (name_column("Claim"), Column(head="Printed"), Column(head="Measured"),
               Column(head="Verdict", align="left"))  # fmt: skip
    notes = value_notes((v.claim.id, found.of(v)) for v in found.parts)
    return Table(title="It follows from", columns=columns, rows=rows, notes=tuple(notes))


def _stage_table(stages: Sequence[Part]) -> Table:
    whole = sum(part.macs for part in stages)
    rows = tuple(
        (
            part.name,
            si(part.macs),
            percent(part.macs, whole),
            ABSENT if part.params is None else si(part.params),
        )
        for part in stages
    )
    columns = (name_column("Stage"), Column(head="MACs"), Column(head="Share"),
               Column(head="Params"))  # fmt: skip
    return Table(title="By stage", columns=columns, rows=rows)


def _trials_table(found: Explained) -> Table:
    claim = found.verdict.claim
    telling = [trial for trial in found.trials if trial.of]
    rows = tuple(
        (
            ", ".join(f"{axis}={value}" for axis, value in trial.changes.items()) or "as stated",
            trial.convention,
            in_unit(trial.value, claim.printed, claim.unit),
            {"round": "yes", "truncate": "truncated", None: "no"}[trial.hit],
            f"{trial.hits} of {trial.of}",
        )
        for trial in telling[:SHOWN]
    )
    hits = sum(trial.hit is not None for trial in telling)
    was = "was" if len(telling) == 1 else "were"
    notes = [
        f"{plural(len(telling), 'candidate')} {was} tried; {hits} of them give the printed digits."
    ]
    if len(telling) < len(found.trials):
        notes.append(f"{len(found.trials) - len(telling)} more change nothing in this column.")
    if len(telling) > SHOWN:
        notes.append(f"The nearest {SHOWN} are shown; --format json lists all.")
    return Table(
        title="Tried",
        columns=(
            name_column("Configuration"),
            Column(head="Convention", align="left", drop=2),
            Column(head="Gives"),
            Column(head="Hit", align="left"),
            Column(head="Of its column", drop=1),
        ),
        rows=rows,
        notes=tuple(notes),
    )
