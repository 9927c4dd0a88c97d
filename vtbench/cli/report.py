"""``vtbench report``: the tables that follow from kept records, and whether they are up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vtbench.claim import Suite
from vtbench.claim.shelf import find
from vtbench.cli.options import Traceback
from vtbench.cli.output import check_writable, say, write_document
from vtbench.errors import BadInput
from vtbench.judge import judge
from vtbench.record import Record
from vtbench.records import read_records
from vtbench.report import Question, document
from vtbench.report.checking import check_document
from vtbench.workload import Workload


def report(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Where records.jsonl lies and the tables go.", show_default=True
        ),
    ] = Path("reports"),
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit 1 if a table is missing or stale."),
    ] = False,
    traceback: Traceback = False,  # noqa: ARG001  # the entry point reads it
) -> None:
    """Derive the tables of a folder from its records, the same bytes at every run.

    \b
    vtbench check --write-records reports/records.jsonl
    vtbench report
    vtbench report --check

    Exit status: 0 done, or all up to date; 1 something is stale; 2 it cannot be done.
    """
    documents = derived(read_records(folder / "records.jsonl"))
    if check:
        raise typer.Exit(_stale(folder, documents))
    for name in documents:
        check_writable(folder / name)
    for name, text in documents.items():
        write_document(text, folder / name)


def derived(records: dict[Workload, Record]) -> dict[str, str]:
    """File name -> text: verdicts of the shipped suites, and the counts that they stand on."""
    suites = find([])
    verdicts = judge(suites, records)
    stated = _stated(suites, records)
    if not stated:
        raise BadInput("The records hold none of the workloads of the suites; run `vtbench check`.")
    return {
        "check.md": check_document(verdicts, "markdown"),
        "check.csv": check_document(verdicts, "csv"),
        "counts.md": document(stated, Question(format="markdown")),
        "counts.csv": document(stated, Question(format="csv")),
    }


def _stated(suites: list[Suite], records: dict[Workload, Record]) -> list[Record]:
    """Records of the workloads that the papers state, in the order of the suites."""
    wanted = dict.fromkeys(c.workload for suite in suites for c in suite.claims if c.workload)
    found = (records.get(workload) for workload in wanted)
    return [record for record in found if record is not None and record.error is None]


def _stale(folder: Path, documents: dict[str, str]) -> int:
    stale = 0
    for name, text in documents.items():
        path = folder / name
        if not path.is_file():
            say(f"{path} is missing; run `vtbench report {folder}`.")
        elif path.read_text(encoding="utf-8") != text:
            say(f"{path} is stale; run `vtbench report {folder}`.")
        else:
            continue
        stale += 1
    return 1 if stale else 0
