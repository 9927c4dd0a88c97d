"""``vtbench report``: tables and figures from saved results, and whether they are stale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtbench.claims.judge import Explainer, judge
from vtbench.claims.suite import Suite
from vtbench.claims.suite.files import find
from vtbench.cli.figures import Drawing
from vtbench.cli.groups import command
from vtbench.cli.options import Output
from vtbench.cli.output import say
from vtbench.cli.report_files import (
    ReportView,
    derived_charts,
    derived_text,
    measurements_of,
    report_files,
    with_figures,
    write_all,
)
from vtbench.data.files import read_records
from vtbench.data.measurement import Measurement
from vtbench.data.record import Record
from vtbench.data.workload import Workload
from vtbench.errors import BadInput, BadOption
from vtbench.report import CountsRendering, Rendering, counts_document
from vtbench.report.checking import check_document
from vtbench.report.claims_by_values import claims_by_values

if TYPE_CHECKING:
    from vtbench.report.chart import Chart

MEASURED = "measured"
"""The folder within, whose files of measurements have tables and figures beside them."""


@command
def report(
    *,
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FOLDER|FILE...",
            help="A folder that holds records.jsonl, and measurements in measured/; or files of "
            "measurements or of timm's results (default: the folder `reports`).",
            show_default=False,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; end with exit status 1 if a table or figure is stale."
        ),
    ] = False,
    shown: ReportView,
    drawing: Drawing,
    output: Output,
) -> int:
    """Make tables and figures from saved results; equal results give equal files.

    \b
    vtbench report
    vtbench report reports --check
    vtbench report sweep.jsonl --across resolution --plot sweep.svg
    vtbench report sweep.jsonl --output tables/
    vtbench report speed.jsonl --pareto --plot front.png

    Exit status: 0 if all is done or up to date; 1 if a file is stale; 2 if the command failed.
    """
    found = places or [Path("reports")]
    folders = [place for place in found if place.is_dir() or (places is None)]
    if not folders:
        if check:
            raise BadOption("--check compares a folder with its records; name a folder.")
        report_files(found, shown, drawing, output)
        return 0
    if len(found) > 1:
        raise BadOption(
            "Expected one folder, or files of measurements, got both or several folders."
        )
    if shown != ReportView() or drawing != Drawing() or output != Output():
        raise BadOption(
            "A folder takes no option but --check; name files of measurements to use the others."
        )
    return _folder(folders[0], check=check)


def _folder(folder: Path, *, check: bool) -> int:
    """Everything that follows from a folder, written or compared with what is there."""
    texts, charts = measured_of(folder)
    if (folder / "records.jsonl").exists() or not texts:
        timed = timed_of(folder)
        texts = {**derived(read_records(folder / "records.jsonl"), timed), **texts}
    if check:
        return _stale(folder, texts, charts)
    write_all(folder, texts, charts)
    return 0


def measured_of(folder: Path) -> tuple[dict[str, str], dict[str, Chart]]:
    """Documents and figures of the files of measurements in a folder, by their names in it."""
    texts: dict[str, str] = {}
    charts: dict[str, Chart] = {}
    for file in sorted((folder / MEASURED).glob("*.jsonl")):
        records = measurements_of(file)
        if not records:
            raise BadInput(f"There are no measurements in {file}.")
        drawn = derived_charts(records, f"{MEASURED}/{file.stem}")
        texts[f"{MEASURED}/{file.stem}.md"] = with_figures(derived_text(records), drawn)
        charts |= drawn
    return texts, charts


def timed_of(folder: Path) -> list[Measurement]:
    """The measurements of a folder from the oldest on, by which claims about speed are judged."""
    files = sorted((folder / MEASURED).glob("*.jsonl"))
    found = [record for file in files for record in measurements_of(file)]
    return sorted(found, key=lambda record: record.date or "")


def derived(records: dict[Workload, Record], timed: Sequence[Measurement] = ()) -> dict[str, str]:
    """File name -> text: verdicts of the shipped suites, and the counts that they stand on."""
    suites = find([])
    explainer = Explainer(suites, records)
    verdicts = judge(suites, records, timed, explainer)
    wrong = explainer.wrong_figures()
    stated = _stated(suites, records)
    if not stated:
        raise BadInput(
            "The records of the folder hold none of the workloads of the suites; `vtbench "
            "check --save FILE` makes records."
        )
    by_values = claims_by_values(suites, records, verdicts)
    return {
        "check.md": check_document(
            verdicts, Rendering(format="markdown"), by_values=by_values, wrong=wrong
        ),
        "check.csv": check_document(verdicts, Rendering(format="csv"), by_values=by_values),
        "counts.md": counts_document(stated, CountsRendering(format="markdown")),
        "counts.csv": counts_document(stated, CountsRendering(format="csv")),
    }


def _stated(suites: list[Suite], records: dict[Workload, Record]) -> list[Record]:
    """Records of the workloads that the papers state, in the order of the suites."""
    wanted = dict.fromkeys(c.workload for suite in suites for c in suite.claims if c.workload)
    found = (records.get(workload) for workload in wanted)
    return [record for record in found if record is not None and record.error is None]


def _stale(folder: Path, texts: dict[str, str], charts: dict[str, Chart]) -> int:
    """Say what is missing or stale; the exit status."""
    states = {name: _state(folder / name, texts.get(name), charts.get(name))
              for name in (*texts, *charts)}  # fmt: skip
    wrong = {name: state for name, state in states.items() if state is not None}
    for name, state in wrong.items():
        say(f"{folder / name} is {state}; run `vtbench report {folder}`.")
    return 1 if wrong else 0


def _state(path: Path, text: str | None, chart: Chart | None) -> str | None:
    """What is wrong with a file; a figure is held by what it was drawn from, not by its bytes."""
    if not path.is_file():
        return "missing"
    if chart is None:
        same = path.read_text(encoding="utf-8") == text
    else:
        from vtbench.report.plot import digest, drawn_from

        same = drawn_from(path) == digest(chart)
    return None if same else "stale"
