"""What a sweep shows when it is done: its document, its figure, and what failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vtbench.cli.figures import Figure
from vtbench.cli.output import say
from vtbench.cli.written import Written
from vtbench.data.from_samples import ratios_to
from vtbench.data.measurement import Measurement
from vtbench.data.protocol import PROTOCOLS
from vtbench.report.measured import MeasuredRendering, measured_document
from vtbench.report.measured.charts import chart_of
from vtbench.sweep.cells import Cell


class Shown(NamedTuple):
    """How the measurements of a sweep are to be shown."""

    written: Written
    question: MeasuredRendering
    figure: Figure | None
    across: str | None
    """The axis of the figure, if one was asked for."""


def finish(records: Sequence[Measurement], shown: Shown, unsolved: int) -> int:
    """Say what failed, and write the document and the figure; the exit status."""
    failed = [record for record in records if record.error is not None]
    _say_failures(failed)
    if len(failed) == len(records):
        return 2
    ratios = ratios_to(records, shown.question.relative_to)
    shown.written.write(measured_document(records, ratios, shown.question))
    if shown.figure is not None:
        _draw(records, shown.across, shown.figure)
    return 1 if failed or unsolved else 0


def first_drawn(found: Sequence[Cell]) -> list[Measurement]:
    """The cells of the metric that is drawn first, as far as they are known before they are run."""
    return [
        Measurement(workload=cell.workload, protocol=PROTOCOLS[cell.protocol].id)
        for cell in found
        if cell.protocol == found[0].protocol
    ]


def _draw(records: Sequence[Measurement], by: str | None, figure: Figure) -> None:
    """The first metric without an error, along the longest axis or the one that was asked for."""
    first = next(record.protocol for record in records if record.error is None)
    same = [record for record in records if record.protocol == first]
    others = {r.protocol.name: r for r in records if r.error is None and r.protocol != first}
    figure.draw(chart_of(same, by, None))
    if others:
        say(
            f"The figure shows {first.name}; `vtbench report FILE --protocol NAME --plot FILE` "
            f"draws {' and '.join(others)} from a file that --save wrote."
        )


def _say_failures(failed: Sequence[Measurement]) -> None:
    """Every kind of failure once, with how many cells it befell."""
    kinds: dict[str, int] = {}
    for record in failed:
        said = f"{record.workload.model}: {record.error}"
        kinds[said] = kinds.get(said, 0) + 1
    for said, number in kinds.items():
        say(said if number == 1 else f"{said} ({number} cells)")
