"""``vtbench check``: what papers printed, held against the models themselves."""

from __future__ import annotations

import fnmatch
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from vtbench.claim import Suite
from vtbench.claim.shelf import find
from vtbench.cli.counting import count
from vtbench.cli.options import Jobs, Output, Traceback, parse_jobs
from vtbench.cli.output import check_writable, page_width, say, wants_color, write_document
from vtbench.errors import BadSuite, UsageError
from vtbench.judge import Verdict, judge, wanted
from vtbench.record import Record
from vtbench.records import lines_of, read_records
from vtbench.report.checking import check_document
from vtbench.workload import Workload

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
    allow_imports: Annotated[
        bool,
        typer.Option(
            "--allow-imports", help="Let a suite name package.module:function, which is then run."
        ),
    ] = False,
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

    Exit status: 0 if every verdict is the one expected; 1 if some is not; 2 if nothing could
    be judged, or the command cannot be carried out.
    """
    check_writable(output)
    found = selected(find(suites or []), only)
    if not allow_imports:
        refuse_code(found)
    if records is not None:
        known = read_records(records)
    else:
        known = counted(found, parse_jobs(jobs), traceback=traceback)
    if write_records is not None:
        write_document(lines_of(known), write_records)
    verdicts = judge(found, known)
    shape = format_ or "table"
    color = output is None and wants_color()
    write_document(check_document(verdicts, shape, width=page_width(), color=color), output)
    raise typer.Exit(status(verdicts, fail_on_unknown=fail_on_unknown))


def selected(suites: list[Suite], only: str | None) -> list[Suite]:
    """Suites with only the claims whose id matches, and what these follow from."""
    if only is None:
        return suites
    found = []
    for suite in suites:
        claims = tuple(c for c in suite.claims if fnmatch.fnmatch(c.id, only) or c.id == only)
        needed = _needed(suite, {c.id for c in claims})
        kept = tuple(c for c in suite.claims if c.id in needed)
        if kept:
            found.append(msgspec.structs.replace(suite, claims=kept))
    if not found:
        raise UsageError(f"No claim matches {only!r}; `vtbench check --format csv` lists the ids.")
    return found


def _needed(suite: Suite, ids: set[str]) -> set[str]:
    from vtbench.claim.expression import names_in

    by_id = {claim.id: claim for claim in suite.claims}
    waiting, needed = list(ids), set(ids)
    while waiting:
        claim = by_id.get(waiting.pop())
        names = set(names_in(claim.expression)) if claim and claim.expression else set()
        waiting += names - needed
        needed |= names
    return needed


def refuse_code(suites: list[Suite]) -> None:
    """Data never runs code: a suite may name a user's function only where the user allows it."""
    for suite in suites:
        for claim in suite.claims:
            model = claim.workload.model if claim.workload else ""
            library = model.partition(":")[0] in ("timm", "torchvision", "transformers")
            if ":" in model and not library:
                raise BadSuite(
                    f"{suite.path}: {claim.id} names the function {model}, which would be run; "
                    "give --allow-imports if you trust it."
                )


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
