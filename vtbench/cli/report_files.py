"""Reports on files of measurements: tables in any shape, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from vtbench.cli.figures import Drawing
from vtbench.cli.groups import Group
from vtbench.cli.options import Across, Output, RelativeTo
from vtbench.cli.output import check_writable, say, write_document
from vtbench.cli.table_shape import Cite, TableShape, refuse_beside_axis
from vtbench.data.files import read_measurements
from vtbench.data.from_samples import ratios_of, ratios_to
from vtbench.data.measurement import Measurement
from vtbench.data.timm_results import read_timm_results
from vtbench.errors import BadInput, BadOption
from vtbench.report import Format
from vtbench.report.measured import (
    AUTO,
    MeasuredRendering,
    measured_document,
    refuse_unknown_columns,
)
from vtbench.report.measured.charts import ROWS, chart_of, charts
from vtbench.report.plot import MOST_LINES

if TYPE_CHECKING:
    from vtbench.report.chart import Chart


class ReportView(Group, frozen=True, kw_only=True):
    """What is to be seen of some measurements."""

    across: Across = None
    show: Annotated[
        str | None,
        typer.Option(
            metavar="QUANTITY",
            help="Quantity to show: throughput, time, macs, memory, utilisation or energy "
            "(default: the one that was measured).",
        ),
    ] = None
    protocol: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use only the measurements of this protocol.")
    ] = None
    relative_to: RelativeTo = None
    shaped: TableShape = TableShape()
    cite: Cite = False
    pareto: Annotated[
        bool,
        typer.Option("--pareto", help="Show the papers' accuracies against the measurements."),
    ] = False
    accuracy: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Take the accuracies of --pareto from these claims (default: '*.top1').",
        ),
    ] = None

    @property
    def along(self) -> str | None:
        """The axis of a table; None is a row per measurement."""
        return (
            None if self.across == ROWS else AUTO if self.across in (None, "macs") else self.across
        )


def report_files(
    files: Sequence[Path], shown: ReportView, drawing: Drawing, output: Output
) -> None:
    """Read measurements; write the document, the figure, or a folder of both."""
    if shown.accuracy is not None and not shown.pareto:
        raise BadOption("--accuracy chooses the accuracies of --pareto; give both.")
    shape = shown.shaped.shape()
    refuse_beside_axis(shape, across=shown.across, show=shown.show)
    if shown.pareto and shape.asked:
        raise BadOption(
            "--pareto has a table of its own; leave out --columns, --digits, --label, --sort and "
            "--top."
        )
    records = asked_records(files, shown)
    if output.output is not None and output.output.is_dir():
        if output.format_ is not None or drawing != Drawing() or shown.pareto:
            raise BadOption(
                f"--output: {str(output.output)!r} is a folder, into which every format is "
                "written; name a file to use --format, --plot or --pareto."
            )
        _write_folder(records, output.output, files[0].stem, shown)
        return
    plot = drawing.figure()
    written = shown.shaped.on_paper(
        output.written("report", "pareto" if shown.pareto else "measurements")
    )
    question = written.shown_as(
        MeasuredRendering, relative_to=shown.relative_to, shape=shape, cite=shown.cite
    )
    refuse_unknown_columns(records, question)
    make = _pareto if shown.pareto else _plain
    text, chart = make(records, shown, question, drawn=plot is not None)
    written.write(text)
    if plot is not None and chart is not None:
        plot.draw(chart)


def asked_records(files: Sequence[Path], shown: ReportView) -> list[Measurement]:
    """The measurements of some files, of one protocol if one is asked for."""
    records = [record for file in files for record in measurements_of(file)]
    if not records:
        raise BadInput(f"There are no measurements in {', '.join(map(str, files))}.")
    names = dict.fromkeys(record.protocol.name for record in records)
    if shown.protocol is not None:
        records = [record for record in records if record.protocol.name == shown.protocol]
        if not records:
            raise BadOption(
                f"--protocol: no measurement has the protocol {shown.protocol!r}; the files "
                f"hold {', '.join(names)}."
            )
    if shown.relative_to is not None and not any(
        record.workload.model == shown.relative_to for record in records
    ):
        raise BadOption(
            f"--relative-to: the model {shown.relative_to!r} is not among the measured models."
        )
    return records


def measurements_of(file: Path) -> list[Measurement]:
    """Measurements of a file of ours, or of timm's results if its name ends in ``.csv``."""
    return read_timm_results(file) if file.suffix == ".csv" else read_measurements(file)


def derived_text(records: Sequence[Measurement]) -> str:
    """Everything that measurements say, as markdown: wide tables if an axis is long enough."""
    question = MeasuredRendering(format="markdown", by=AUTO)
    return measured_document(records, ratios_of(records), question)


def with_figures(text: str, figures: Mapping[str, Chart]) -> str:
    """A page in markdown with its figures at the end; they stand in the same folder."""
    shown = (f"\n![{chart.title}]({Path(name).name})\n" for name, chart in figures.items())
    return text + "".join(shown)


def derived_charts(records: Sequence[Measurement], stem: str) -> dict[str, Chart]:
    """File name -> what the figure shows, one for every protocol that has something to show.

    A figure of more lines than can be told apart is left out, and that is said.
    """
    found = {}
    for name, chart in charts(records).items():
        number = len(chart.lines) + len(chart.levels)
        if number > MOST_LINES:
            say(f"{stem} has no figure of {name}: it would have {number} lines, over {MOST_LINES}.")
        else:
            found[f"{stem}-{name}.svg"] = chart
    return found


def _plain(
    records: Sequence[Measurement], shown: ReportView, question: MeasuredRendering, *, drawn: bool
) -> tuple[str, Chart | None]:
    question = msgspec.structs.replace(question, by=shown.along, show=shown.show)
    chart = chart_of(records, shown.across, shown.show) if drawn else None
    return measured_document(records, ratios_to(records, shown.relative_to), question), chart


def _pareto(
    records: Sequence[Measurement], shown: ReportView, question: MeasuredRendering, *, drawn: bool
) -> tuple[str, Chart | None]:
    """Accuracies of the suites that ship beside what was measured."""
    from vtbench.claims.suite.files import find
    from vtbench.report.measured.accuracy import (
        TOP1,
        one_protocol,
        pareto_chart,
        points,
    )
    from vtbench.report.measured.fronts import pareto_document

    wanted = "macs" if shown.across == "macs" else shown.show
    group, quantity = one_protocol(records, wanted)
    found = points(group, find([]), shown.accuracy or TOP1, quantity)
    chart = pareto_chart(found, quantity, group) if drawn else None
    return pareto_document(found, quantity, group, question), chart


def _write_folder(
    records: Sequence[Measurement], folder: Path, stem: str, shown: ReportView
) -> None:
    """Tables as markdown, CSV and LaTeX, and a figure for every protocol."""
    ratios = ratios_to(records, shown.relative_to)
    asked = MeasuredRendering(by=shown.along, show=shown.show, relative_to=shown.relative_to)
    shapes: dict[str, Format] = {".md": "markdown", ".csv": "csv", ".tex": "latex"}
    texts = {
        f"{stem}{suffix}": measured_document(
            records, ratios, msgspec.structs.replace(asked, format=shape)
        )
        for suffix, shape in shapes.items()
    }
    drawn = derived_charts(records, stem)
    texts[f"{stem}.md"] = with_figures(texts[f"{stem}.md"], drawn)
    write_all(folder, texts, drawn)


def write_all(folder: Path, texts: Mapping[str, str], figures: Mapping[str, Chart]) -> None:
    """Documents and figures, once all of them can be written."""
    for name in (*texts, *figures):
        check_writable(folder / name)
    for name, text in texts.items():
        write_document(text, folder / name)
    for name, chart in figures.items():
        _draw(chart, folder / name)


def _draw(chart: Chart, path: Path) -> None:
    from vtbench.report.plot import draw

    draw(chart, path)
    say(f"wrote {path}")
