"""``vtbench check``: the published numbers of papers, compared with the models themselves."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from vtbench.api.checking import Checked, MeasureAsk, checked, kept_condensed, measured
from vtbench.api.choosing import refuse_code, refuse_idle_axes, refuse_unknown_models, selected
from vtbench.claims.baseline import judge_baseline, read_baseline, suite_of
from vtbench.claims.judge import Verdict, wanted
from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import find
from vtbench.claims.suite.speed import SPEEDS
from vtbench.cli.counting import Counter
from vtbench.cli.groups import command
from vtbench.cli.options import (
    AllowImports,
    Device,
    FailOnUnknown,
    From,
    Jobs,
    Output,
    Save,
    Session,
)
from vtbench.cli.output import say, stdout_kept_clean, tell
from vtbench.cli.progress import progress
from vtbench.cli.table_shape import TableShape
from vtbench.cli.written import Written
from vtbench.data.files import ResultFile, read_results
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import UsageError
from vtbench.report import Style, render
from vtbench.report.baseline import baseline_table, with_reasons
from vtbench.report.claims_by_values import claims_by_values
from vtbench.report.claims_sheet import refuse_labels
from vtbench.report.shape import Shape, ShapedRendering


@command
def check(
    *,
    suites: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SUITE|FILE",
            help="Suites by name (`vtbench suites` lists them) or by file (default: all suites "
            "that come with vtbench).",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN", help="Check only the claims whose id matches, such as '*.t1.*'."
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare models with a baseline that `vtbench baseline write` made; suites are "
            "checked too if you name them.",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Time the models of the claims about speed."),
    ] = False,
    device: Device,
    session: Session,
    kept: From,
    save: Save,
    allow_imports: AllowImports = False,
    fail_on_unknown: FailOnUnknown = False,
    jobs: Jobs,
    shaped: TableShape,
    output: Output,
) -> int:
    """Check a paper's published numbers against its models, and say where they differ and why.

    \b
    vtbench check
    vtbench check vt_v3 --only '*.t1.*'
    vtbench check my_suite.toml --format junit --output check.xml
    vtbench check --against baseline.jsonl
    vtbench check my_suite.toml --measure --gpu 0 --save speed.jsonl

    With --from, the counts in the files are judged and nothing is counted; claims about speed are
    judged by the measurements in the files.

    Exit status: 0 if every verdict is as expected; 1 if one is not; 2 if nothing could be judged,
    or if the command failed.
    """
    written = shaped.on_paper(output.written("check", "check"))
    shape = shaped.shape()
    refuse_labels(shape)
    if against is not None and shape.asked:
        raise UsageError(
            "--columns, --digits, --sort and --top are for claims of suites; leave out --against."
        )
    number = jobs.number
    base = read_baseline(against) if against is not None else None
    given = read_results(kept.from_ or (), ("records", "measurements"))
    if base is not None and given.records:
        raise UsageError(
            "--against counts the models again, module by module; leave out the --from "
            "files that hold counts."
        )
    timing = _timing(device, session, measure=measure)
    every = find(suites or []) if suites or base is None else []
    found, matching = selected(every, only)
    guarded = [suite_of(base)] if base is not None else []
    if not allow_imports:
        refuse_code([*found, *guarded])
    with ResultFile(save.save, ("records", "measurements")) as file:
        tell(file.said)
        if base is not None and file.results.records:
            raise UsageError(
                f"--against counts the models again, but the file of --save, {file.path}, "
                "already holds counts; name a new file."
            )
        known = given.records
        if not known:
            refuse_unknown_models(found)
            counter = Counter(jobs=number, traceback=output.traceback)
            known = counted([*found, *guarded], counter, file)
        timed = [*given.measurements, *file.results.measurements]
        if timing is not None:
            timed += _measured(found, matching, known, timing, file)
    judged = checked(found, matching, known, timed, counted_here=not given.records)
    held = with_reasons(judge_baseline(base, known, version("torch"))) if base is not None else []
    judged.by_values |= claims_by_values((), known, held)
    written.write(document(judged, held, written, shape))
    return status([*judged.verdicts, *held], fail_on_unknown=fail_on_unknown)


def document(judged: Checked, held: list[Verdict], written: Written, shape: Shape) -> str:
    """The verdicts on suites, and those on a baseline."""
    look = written.shown_as(ShapedRendering, shape=shape)
    if not held or look.format not in ("table", "markdown"):
        return judged.document(look, beside=held)
    style: Style = "markdown" if look.format == "markdown" else "table"
    table = baseline_table(held, judged.by_values)
    text = render([table], style, width=look.width, color=look.color) + "\n"
    return text if not judged.verdicts else judged.document(look) + "\n" + text


def _timing(device: Device, session: Session, *, measure: bool) -> MeasureAsk | None:
    """How speeds are measured, if they are; options that would be idle are refused."""
    given = {"--gpu": device.gpu, "--device": device.device, "--max-time": session.max_time}
    idle = [option for option, value in given.items() if value is not None]
    if not measure:
        if idle:
            raise UsageError(
                f"{idle[0]} is for measuring, and nothing is measured; add --measure, or leave "
                f"{idle[0]} out."
            )
        return None
    from vtbench.measure.machine.devices import choose

    choose(device.gpu, device.device)
    return MeasureAsk(gpu=device.gpu, device=device.device, max_seconds=session.seconds())


def _measured(
    suites: list[Suite],
    only: frozenset[str] | None,
    records: dict[Workload, Record],
    ask: MeasureAsk,
    file: ResultFile,
) -> list[Measurement]:
    """The measurements that a file lacks; an interrupt says where they are kept."""
    found: list[Measurement] = []
    total = len({claim.workload for suite in suites for claim in suite.claims
                 if claim.metric in SPEEDS and claim.workload is not None})  # fmt: skip
    try:
        with stdout_kept_clean(), progress(total, "measuring") as advance:
            for record in measured(suites, only, records, ask, file, advance):
                found.append(record)  # noqa: PERF402  # what came before an interrupt is counted
    except KeyboardInterrupt:
        where = (
            f"{file.path} holds them; the same command goes on from there."
            if file.path
            else "Give --save FILE to keep them next time."
        )
        say(f"The command was interrupted after {len(found)} measurements. {where}")
        raise
    return found


def counted(suites: list[Suite], counter: Counter, file: ResultFile) -> dict[Workload, Record]:
    """A record for each workload that the claims speak of, each counted once."""
    asked = [(workload, None) for workload in wanted(suites)]
    keep = kept_condensed(suites, file)
    records, finished = counter.count(asked, file.results.records, keep)
    if not finished:
        raise KeyboardInterrupt
    found = dict(zip((workload for workload, _ in asked), records, strict=True))
    refuse_idle_axes(suites, found)
    return found


def status(verdicts: list[Verdict], *, fail_on_unknown: bool = False) -> int:
    """0 all as expected, 1 some not, 2 nothing could be judged."""
    if all(v.verdict == "unknown" for v in verdicts):
        say("Nothing could be judged.")
        return 2
    wrong = [v for v in verdicts if not v.as_expected]
    if fail_on_unknown:
        wrong += [v for v in verdicts if v.verdict == "unknown" and v.claim.expect != "unknown"]
    return 1 if wrong else 0
