"""The document of a check, in the shape that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from vtbench.claims.judge import Prediction, Verdict, WrongFigures, totals
from vtbench.data.record import ByValues
from vtbench.report.chance import NONE_DRAWN
from vtbench.report.claims_sheet import claims_sheet, refuse_labels
from vtbench.report.document import Document, Rendering, written
from vtbench.report.printed import measured_of, printed_of
from vtbench.report.shape import (
    Shape,
    ShapedRendering,
    refuse_unknown,
    shaped_table,
    shaped_values,
)
from vtbench.report.speeds import NO_SPEEDS, Speeds, speed_objects, speed_tables
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.verdict_words import account, explanation
from vtbench.report.verdicts import verdict_object, verdict_tables


def check_document(
    verdicts: Sequence[Verdict],
    asked: Rendering,
    *,
    predictions: Sequence[Prediction] = (),
    speeds: Speeds = NO_SPEEDS,
    by_values: Mapping[str, ByValues] = MappingProxyType({}),
    wrong: Mapping[str, WrongFigures] = NONE_DRAWN,
) -> str:
    """Verdicts on claims, with predictions from one suite to another, and speeds.

    ``by_values`` are the claims whose figure can change with the values of the input.
    """
    shape = asked.shape if isinstance(asked, ShapedRendering) else Shape()
    refuse_labels(shape)
    sheet = claims_sheet(verdicts, by_values, shape.places)
    refuse_unknown(sheet, shape)
    found = Document(
        kind="check",
        results=lambda: [verdict_object(v, by_values.get(v.claim.id)) for v in verdicts],
        more=lambda: _more(verdicts, predictions, speeds, wrong),
        tables=lambda: (
            [shaped_table(sheet, shape)]
            if shape.asked
            else check_tables(verdicts, predictions, speeds, by_values, wrong)
        ),
        values=lambda: [shaped_values(sheet, shape)],
        special={"junit": lambda: _junit(verdicts), "github": lambda: _github(verdicts)},
    )
    return written(found, asked)


def check_tables(
    verdicts: Sequence[Verdict],
    predictions: Sequence[Prediction] = (),
    speeds: Speeds = NO_SPEEDS,
    by_values: Mapping[str, ByValues] = MappingProxyType({}),
    wrong: Mapping[str, WrongFigures] = NONE_DRAWN,
) -> list[Table]:
    """The tables of a check: a suite each, then speeds and predictions."""
    suites = verdict_tables(verdicts, by_values=by_values, wrong=wrong)
    return [*suites, *speed_tables(speeds), *prediction_tables(predictions)]


def _more(
    verdicts: Sequence[Verdict],
    predictions: Sequence[Prediction],
    speeds: Speeds,
    wrong: Mapping[str, WrongFigures],
) -> dict[str, Any]:
    """Totals of each suite, what chance gives, predictions and speeds, as docs/json.md says."""
    suites: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        suites.setdefault(verdict.claim.suite, []).append(verdict)
    return {
        "summary": {name: msgspec.to_builtins(totals(group)) for name, group in suites.items()},
        "wrong_figures": {name: msgspec.to_builtins(each) for name, each in wrong.items()},
        "leave_one_out": [msgspec.to_builtins(each) for each in predictions],
        **speed_objects(verdicts, speeds),
    }


def sentence(verdict: Verdict) -> str:
    """A verdict in one line, for a log."""
    claim = verdict.claim
    said = f"{claim.where}: printed {printed_of(claim)}"
    if verdict.measured is not None or verdict.found is not None:
        said += f", measured {measured_of(verdict)} {claim.unit}"
    said = f"{said.rstrip()}: {verdict.verdict}"
    measured = verdict.measured_on is not None
    why = account(verdict) or (verdict.reason if measured else explanation(verdict))
    return f"{said} ({why.rstrip('.')})" if why else said


def _junit(verdicts: Sequence[Verdict]) -> str:
    from xml.sax.saxutils import escape, quoteattr  # brings urllib, which nobody else needs

    wrong = sum(not v.as_expected for v in verdicts)
    skipped = sum(v.verdict == "unknown" and v.as_expected for v in verdicts)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        (
            f'<testsuite name="vtbench check" tests="{len(verdicts)}" failures="{wrong}" '
            f'skipped="{skipped}">'
        ),
    ]
    for verdict in verdicts:
        name, suite = quoteattr(verdict.claim.id), quoteattr(verdict.claim.suite)
        said = sentence(verdict)
        if not verdict.as_expected:
            inner = f"<failure message={quoteattr(said)}>{escape(verdict.reason)}</failure>"
        elif verdict.verdict == "unknown":
            inner = f"<skipped message={quoteattr(verdict.reason)}/>"
        else:
            inner = f"<system-out>{escape(said)}</system-out>"
        lines.append(f"  <testcase classname={suite} name={name}>{inner}</testcase>")
    return "\n".join([*lines, "</testsuite>"]) + "\n"


def _github(verdicts: Sequence[Verdict]) -> str:
    """Workflow commands: an error for every surprise, a notice for every suite."""
    lines = [
        f"::error title={_property(each.claim.id).replace(':', '%3A')}::{_one_line(sentence(each))}"
        for each in verdicts
        if not each.as_expected
    ]
    lines += [
        f"::notice title={_property(table.title)}::{_one_line(' '.join(table.notes[:2]))}"
        for table in verdict_tables(verdicts)
        if table.notes
    ]
    return "\n".join(lines) + "\n"


def _property(text: str) -> str:
    """A value of a workflow command, which a comma or two colons would end."""
    return _one_line(text).replace(",", "%2C").replace("::", "%3A%3A")


def _one_line(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


CONDITION = (
    "The configuration that reproduces most figures of one suite, among all that its search "
    "allows, is applied unchanged to the other suite."
)


def prediction_tables(predictions: Sequence[Prediction]) -> list[Table]:
    """The table of all predictions; no table where none was asked for."""
    if not predictions:
        return []
    axes = tuple(predictions[0].choice)
    rows = tuple(
        (
            f"{each.fitted_on} → {each.predicts}",
            each.group,
            _choice(each, axes),
            f"{each.fit_hits} of {each.fit_of}",
            f"{each.hits} of {each.of}",
            f"{each.by_chance:.1f}",
        )
        for each in predictions
    )
    return [
        Table(
            title="Leave one out",
            columns=(
                name_column("Fitted on → predicts"),
                Column(head="Group", align="left"),
                Column(head=", ".join(axes), align="left", shrink=True),
                *figure_columns("Fits", "Predicts", "By chance"),
            ),
            rows=rows,
            conditions=(CONDITION,),
            notes=_notes(predictions),
        )
    ]


def _choice(prediction: Prediction, axes: tuple[str, ...]) -> str:
    """The values alone if the heading names their axes."""
    if tuple(prediction.choice) == axes:
        return ", ".join(str(value) for value in prediction.choice.values())
    return ", ".join(f"{axis}={value}" for axis, value in prediction.choice.items())


def _notes(predictions: Sequence[Prediction]) -> tuple[str, ...]:
    notes = []
    for one, other in dict.fromkeys((p.fitted_on, p.predicts) for p in predictions):
        group = [p for p in predictions if (p.fitted_on, p.predicts) == (one, other)]
        hits, of = sum(p.hits for p in group), sum(p.of for p in group)
        chance = sum(p.by_chance for p in group)
        notes.append(
            f"Fitted on {one}, predicted on {other}: {hits} of {of} figures ({hits / of:.0%}); "
            f"{chance:.1f} are expected by chance."
        )
    return tuple(notes)
