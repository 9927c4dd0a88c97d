"""The document of a check, in the shape that was asked for."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.claims.judge import Prediction, Verdict
from vtbench.report.figures import measured_of, printed_of
from vtbench.report.predictions import prediction_tables
from vtbench.report.raw import json_text
from vtbench.report.render import Style, render
from vtbench.report.speeds import NO_SPEEDS, Speeds, speed_tables
from vtbench.report.verdicts import (
    account,
    check_object,
    explanation,
    verdict_object,
    verdict_tables,
)


def check_document(
    verdicts: Sequence[Verdict],
    shape: str,
    *,
    predictions: Sequence[Prediction] = (),
    speeds: Speeds = NO_SPEEDS,
    width: int = 80,
    color: bool = False,
) -> str:
    """Verdicts as a table, JSON, CSV, markdown, JUnit XML, or GitHub annotations."""
    if shape == "json":
        return json_text(check_object(verdicts, predictions, speeds)) + "\n"
    if shape == "junit":
        return _junit(verdicts)
    if shape == "github":
        return _github(verdicts)
    if shape == "csv":
        return _csv(verdicts)
    style: Style = "markdown" if shape == "markdown" else "table"
    tables = [*verdict_tables(verdicts), *speed_tables(speeds), *prediction_tables(predictions)]
    return render(tables, style, width=width, color=color) + "\n"


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


def _csv(verdicts: Sequence[Verdict]) -> str:
    import csv
    import io

    text = io.StringIO()
    keys = ("id", "where", "kind", "metric", "printed", "unit", "measured", "deviation", "verdict",
            "expect", "as_expected", "reason", "command")  # fmt: skip
    writer = csv.DictWriter(text, (*keys, "reproduced_by"), extrasaction="ignore",
                            lineterminator="\n")  # fmt: skip
    writer.writeheader()
    for verdict in verdicts:
        writer.writerow({**verdict_object(verdict), "reproduced_by": explanation(verdict)})
    return text.getvalue()


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
