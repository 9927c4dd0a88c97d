"""The document of a check, in the shape that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.claims.judge import Prediction, Verdict
from vtbench.report.document import Document, Rendering, written
from vtbench.report.figures import measured_of, printed_of
from vtbench.report.predictions import prediction_tables
from vtbench.report.speeds import NO_SPEEDS, Speeds, speed_tables
from vtbench.report.table import Table, values_table
from vtbench.report.verdicts import (
    account,
    check_object,
    explanation,
    verdict_object,
    verdict_tables,
)


def check_document(
    verdicts: Sequence[Verdict],
    asked: Rendering,
    *,
    predictions: Sequence[Prediction] = (),
    speeds: Speeds = NO_SPEEDS,
) -> str:
    """Verdicts on claims, with predictions from one suite to another, and speeds."""

    def more() -> dict[str, Any]:
        known = check_object(verdicts, predictions, speeds)
        del known["claims"]
        return known

    found = Document(
        kind="check",
        results=lambda: [verdict_object(verdict) for verdict in verdicts],
        more=more,
        tables=lambda: [
            *verdict_tables(verdicts), *speed_tables(speeds), *prediction_tables(predictions)
        ],
        values=lambda: [_values(verdicts)],
        special={"junit": lambda: _junit(verdicts), "github": lambda: _github(verdicts)},
    )  # fmt: skip
    return written(found, asked)


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


def _values(verdicts: Sequence[Verdict]) -> Table:
    keys = ("id", "where", "kind", "metric", "printed", "unit", "measured", "deviation", "verdict",
            "expect", "as_expected", "reason", "command")  # fmt: skip
    lines = []
    for verdict in verdicts:
        known = verdict_object(verdict) | {"as_expected": str(verdict.as_expected)}
        lines.append((*(known[key] for key in keys), explanation(verdict)))
    return values_table((*keys, "reproduced_by"), lines)


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
    lines = []
    for verdict in verdicts:
        if not verdict.as_expected:
            title = verdict.claim.id.replace(",", "%2C").replace(":", "%3A")
            lines.append(f"::error title={title}::{_one_line(sentence(verdict))}")
    lines += [
        f"::notice title={table.title}::{_one_line(' '.join(table.notes[:2]))}"
        for table in verdict_tables(verdicts)
        if table.notes
    ]
    return "\n".join(lines) + "\n"


def _one_line(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
