"""``vtbench check``: what papers printed, held against the models themselves."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from vtbench.api.checking import Checked, MeasureAsk, checked, measured
from vtbench.api.choosing import refuse_code, refuse_unknown_models, selected
from vtbench.claims.baseline import judge_baseline, read_baseline, suite_of
from vtbench.claims.judge import Verdict, parts_named, wanted
from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import find
from vtbench.claims.suite.speed import SPEEDS
from vtbench.cli.counting import count
from vtbench.cli.executing import parse_max_time
from vtbench.cli.options import AllowImports, Jobs, Output, Traceback, parse_jobs
from vtbench.cli.output import (
    check_writable,
    page_width,
    say,
    stdout_kept_clean,
    wants_color,
    write_document,
)
from vtbench.cli.progress import progress
from vtbench.data.condensed import lines_of
from vtbench.data.files import read_measurements, read_records
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import UsageError
from vtbench.report import Rendering, Style, render
from vtbench.report.guarding import baseline_table, with_reasons
from vtbench.sweep.store import Store

CheckFormat = Literal["table", "json", "csv", "markdown", "junit", "github"]


def check(
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SUITE|FILE",
            help="Suites by name (`vtbench suites` lists them) or files; all that ship where "
            "none is given.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="PATTERN", help="Only the claims whose id matches, such as '*.t1.*'."),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Judge the records of a file; nothing is counted."),
    ] = None,
    write_records: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the records that were counted, as JSON Lines."),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Hold models to a baseline that `vtbench baseline write` made; suites are "
            "checked too where they are named.",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Time what claims about speed speak of; takes minutes."),
    ] = False,
    measurements: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Judge speeds by the measurements of a file; --measure appends to it, and "
            "goes on where it ends.",
        ),
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option("--gpu", metavar="N|auto", help="Which GPU --measure takes; else the CPU."),
    ] = None,
    max_time: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Most seconds of samples for each model of --measure: 15."
        ),
    ] = None,
    allow_imports: AllowImports = False,
    fail_on_unknown: Annotated[
        bool, typer.Option("--fail-on-unknown", help="What cannot be judged here fails too.")
    ] = False,
    format_: Annotated[
        CheckFormat | None, typer.Option("--format", help="How to write the document.")
    ] = None,
    output: Output = None,
    jobs: Jobs = None,
    traceback: Traceback = False,
) -> None:
    """Hold the figures that papers printed against the models, and say where they differ and why.

    \b
    vtbench check
    vtbench check vt_v3 --only '*.t1.*'
    vtbench check my_suite.toml --format junit --output check.xml
    vtbench check --against baseline.jsonl
    vtbench check my_suite.toml --measure --gpu 0 --measurements speed.jsonl

    Exit status: 0 if every verdict is the one expected; 1 if some is not; 2 if nothing could
    be judged, or the command cannot be carried out.
    """
    check_writable(output)
    base = read_baseline(against) if against is not None else None
    if base is not None and records is not None:
        raise UsageError("--against counts anew, module by module; --records cannot stand in.")
    timing = Timing(measure=measure, file=measurements, gpu=gpu, max_time=max_time)
    refuse_idle(timing)
    every = find(suites or []) if suites or base is None else []
    found, matching = selected(every, only)
    guarded = [suite_of(base)] if base is not None else []
    if not allow_imports:
        refuse_code([*found, *guarded])
    if records is not None:
        known = read_records(records)
    else:
        refuse_unknown_models(found)
        known = counted([*found, *guarded], parse_jobs(jobs), traceback=traceback)
    if write_records is not None:
        write_document(lines_of(known, parts_named(found)), write_records)
    judged = checked(found, matching, known, timed(found, matching, known, timing))
    kept = with_reasons(judge_baseline(base, known, version("torch"))) if base is not None else []
    page = Page(shape=format_ or "table", color=output is None and wants_color())
    write_document(document(judged, kept, page), output)
    raise typer.Exit(status([*judged.verdicts, *kept], fail_on_unknown=fail_on_unknown))


class Page(msgspec.Struct, frozen=True):
    """How a document is to look."""

    shape: CheckFormat
    color: bool


def document(judged: Checked, kept: list[Verdict], page: Page) -> str:
    """The verdicts on suites, and those on a baseline."""
    width = page_width()
    if not kept or page.shape not in ("table", "markdown"):
        return judged.document(_rendering(page), beside=kept)
    style: Style = "markdown" if page.shape == "markdown" else "table"
    text = render([baseline_table(kept)], style, width=width, color=page.color) + "\n"
    if not judged.verdicts:
        return text
    return judged.document(_rendering(page)) + "\n" + text


def _rendering(page: Page) -> Rendering:
    return Rendering(
        format=page.shape, width=page_width(), color=page.color, command="vtbench check"
    )


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say of claims about speed."""

    measure: bool
    file: Path | None
    gpu: str | None
    max_time: float | None


def refuse_idle(timing: Timing) -> None:
    """Options that need ``--measure``, before any work is done; files and GPUs it cannot use."""
    for option, value in (("--gpu", timing.gpu), ("--max-time", timing.max_time)):
        if value is not None and not timing.measure:
            raise UsageError(f"{option} says how to measure, and nothing is; add --measure.")
    if timing.max_time is not None:
        parse_max_time(timing.max_time)
    if timing.measure:
        from vtbench.measure.machine.devices import choose

        check_writable(timing.file)
        with Store(timing.file):  # refuses what holds something else
            choose(timing.gpu)


def timed(
    suites: list[Suite],
    only: frozenset[str] | None,
    records: dict[Workload, Record],
    timing: Timing,
) -> list[Measurement]:
    """The measurements of a file, and with ``--measure`` those that it lacks."""
    if not timing.measure:
        return [] if timing.file is None else read_measurements(timing.file)
    ask = MeasureAsk(gpu=timing.gpu, max_seconds=timing.max_time or 15.0, file=timing.file)
    found: list[Measurement] = []
    total = len({claim.workload for suite in suites for claim in suite.claims
                 if claim.metric in SPEEDS and claim.workload is not None})  # fmt: skip
    try:
        with stdout_kept_clean(), progress(total, "measuring") as advance:
            for record in measured(suites, only, records, ask, advance):
                found.append(record)  # noqa: PERF402  # what came before an interrupt is counted
    except KeyboardInterrupt:
        kept = f"{timing.file} keeps them" if timing.file else "name a file with --measurements"
        say(f"Interrupted after {len(found)} measurements; {kept}, and the same command goes on.")
        raise
    return found


def counted(
    suites: list[Suite], jobs: int | None, *, traceback: bool = False
) -> dict[Workload, Record]:
    """A record for each workload that the claims speak of, each counted once."""
    asked = [(workload, None) for workload in wanted(suites)]
    records, finished = count(asked, {}, jobs, traceback=traceback)
    if not finished:
        raise KeyboardInterrupt
    return dict(zip((workload for workload, _ in asked), records, strict=True))


def status(verdicts: list[Verdict], *, fail_on_unknown: bool = False) -> int:
    """0 all as expected, 1 some not, 2 nothing could be judged."""
    if all(v.verdict == "unknown" for v in verdicts):
        say("Nothing could be judged.")
        return 2
    wrong = [v for v in verdicts if not v.as_expected]
    if fail_on_unknown:
        wrong += [v for v in verdicts if v.verdict == "unknown" and v.claim.expect != "unknown"]
    return 1 if wrong else 0
