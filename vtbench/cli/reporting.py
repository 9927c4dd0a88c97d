"""Reports on files of measurements: tables in any shape, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from vtbench.cli.output import (
    check_suffix,
    check_writable,
    document_path,
    page_width,
    say,
    shape_of,
    wants_color,
    write_document,
)
from vtbench.data.files import read_measurements
from vtbench.data.from_samples import ratios_of
from vtbench.data.measurement import Measurement
from vtbench.data.timm_results import read_timm_results
from vtbench.errors import BadInput, BadOption
from vtbench.report import Format
from vtbench.report.measured import AUTO, MeasuredRendering, measured_document
from vtbench.report.measured.charts import chart_of, charts

if TYPE_CHECKING:
    from vtbench.report.chart import Chart

MeasuredFormat = Literal[
    "table", "json", "csv", "markdown", "latex", "github-action-benchmark", "bencher", "timm-csv"
]
MEASURED_FORMATS: tuple[MeasuredFormat, ...] = get_args(MeasuredFormat)
FOLDER_FORMATS: dict[str, Format] = {".md": "markdown", ".csv": "csv", ".tex": "latex"}
"""The tables that a folder takes, by the endings of their names."""
ROWS = "rows"
"""Said of ``--by``: a row per measurement, whatever axes there are."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants to see of some measurements."""

    format: MeasuredFormat | None = None
    output: Path | None = None
    plot: Path | None = None
    by: str | None = None
    show: str | None = None
    protocol: str | None = None
    relative_to: str | None = None
    pareto: bool = False
    accuracy: str | None = None


def report_files(files: Sequence[Path], ask: Ask) -> None:
    """Read measurements; write the document, the figure, or a folder of both."""
    if ask.accuracy is not None and not ask.pareto:
        raise BadOption("--accuracy says which accuracies --pareto takes; give both.")
    records = asked_records(files, ask)
    if ask.output is not None and ask.output.is_dir():
        _write_folder(records, ask.output, files[0].stem, ask)
        return
    _check_plot(ask.plot)
    path = document_path(ask.output)
    check_suffix(path, ask.format)
    check_writable(path)
    text, chart = _pareto(records, ask) if ask.pareto else _plain(records, ask)
    write_document(text, path)
    if ask.plot is not None and chart is not None:
        _draw(chart, ask.plot)


def asked_records(files: Sequence[Path], ask: Ask) -> list[Measurement]:
    """The measurements of some files, of one protocol where one is asked for."""
    records = [record for file in files for record in measurements_of(file)]
    if not records:
        raise BadInput(f"There are no measurements in {', '.join(map(str, files))}.")
    names = dict.fromkeys(record.protocol.name for record in records)
    if ask.protocol is not None:
        records = [record for record in records if record.protocol.name == ask.protocol]
        if not records:
            raise BadOption(
                f"Nothing was measured under the protocol {ask.protocol!r}; "
                f"there is {', '.join(names)}."
            )
    if ask.relative_to is not None and not any(
        record.workload.model == ask.relative_to for record in records
    ):
        raise BadOption(f"The model {ask.relative_to!r} is not among those that were measured.")
    return records


def measurements_of(file: Path) -> list[Measurement]:
    """Measurements of a file of ours, or of timm's results where its name ends in ``.csv``."""
    return read_timm_results(file) if file.suffix == ".csv" else read_measurements(file)


def derived_text(records: Sequence[Measurement]) -> str:
    """Everything that measurements say, as markdown: wide tables where an axis is long enough."""
    question = MeasuredRendering(format="markdown", by=AUTO)
    return measured_document(records, ratios_of(records), question)


def derived_charts(records: Sequence[Measurement], stem: str) -> dict[str, Chart]:
    """File name -> what the figure shows, one for every protocol that has something to show."""
    return {f"{stem}-{name}.svg": chart for name, chart in charts(records).items()}


def _plain(records: Sequence[Measurement], ask: Ask) -> tuple[str, Chart | None]:
    along = None if ask.by == ROWS else AUTO if ask.by in (None, "macs") else ask.by
    question = _question(ask)
    question = msgspec.structs.replace(question, by=along, show=ask.show)
    chart = chart_of(records, None if ask.by == ROWS else ask.by, ask.show) if ask.plot else None
    return measured_document(records, ratios_of(records), question), chart


def _question(ask: Ask) -> MeasuredRendering:
    return MeasuredRendering(
        format=shape_of(ask.format, ask.output),
        relative_to=ask.relative_to,
        width=page_width(),
        color=ask.output is None and wants_color(),
        command="vtbench report --pareto" if ask.pareto else "vtbench report",
    )


def _pareto(records: Sequence[Measurement], ask: Ask) -> tuple[str, Chart]:
    """Accuracies of the suites that ship beside what was measured."""
    from vtbench.claims.suite.files import find
    from vtbench.report.measured.accuracy import (
        TOP1,
        one_protocol,
        pareto_chart,
        points,
    )
    from vtbench.report.measured.fronts import pareto_document

    wanted = "macs" if ask.by == "macs" else ask.show
    group, quantity = one_protocol(records, wanted)
    found = points(group, find([]), ask.accuracy or TOP1, quantity)
    question = _question(ask)
    return pareto_document(found, quantity, group, question), pareto_chart(found, quantity, group)


def _write_folder(records: Sequence[Measurement], folder: Path, stem: str, ask: Ask) -> None:
    """Tables as markdown, CSV and LaTeX, and a figure for every protocol."""
    if ask.format is not None or ask.plot is not None or ask.pareto:
        raise BadOption(
            f"{str(folder)!r} is a folder, which takes every shape; name a file for one of them."
        )
    ratios = ratios_of(records)
    along = None if ask.by == ROWS else AUTO if ask.by in (None, "macs") else ask.by
    texts = {
        f"{stem}{suffix}": measured_document(
            records,
            ratios,
            MeasuredRendering(format=shape, by=along, show=ask.show, relative_to=ask.relative_to),
        )
        for suffix, shape in FOLDER_FORMATS.items()
    }
    write_all(folder, texts, derived_charts(records, stem))


def write_all(folder: Path, texts: Mapping[str, str], figures: Mapping[str, Chart]) -> None:
    """Documents and figures, once all of them can be written."""
    for name in (*texts, *figures):
        check_writable(folder / name)
    for name, text in texts.items():
        write_document(text, folder / name)
    for name, chart in figures.items():
        _draw(chart, folder / name)


def _check_plot(path: Path | None) -> None:
    from vtbench.report.plot.files import checked

    if path is not None:
        check_writable(checked(path))


def _draw(chart: Chart, path: Path) -> None:
    from vtbench.report.plot import draw

    draw(chart, path)
    say(f"wrote {path}")
