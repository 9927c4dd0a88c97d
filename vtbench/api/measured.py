"""What was measured: records and their ratios, as tables, frames and figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from vtbench.api.public import speaking_of_keywords
from vtbench.api.shaped import Shaped
from vtbench.api.shown import drawn, frame
from vtbench.data.from_samples import ratios_of, ratios_to
from vtbench.data.measurement import Measurement, Ratio
from vtbench.errors import UsageError
from vtbench.report.chart import Chart
from vtbench.report.document import Rendering
from vtbench.report.measured import AUTO, MeasuredRendering, flat_rows, measured_document
from vtbench.report.measured.charts import chart_of
from vtbench.report.measured.tables import by_protocol

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from vtbench.report.plot import PlotWidth


class Measured(Shaped):
    """Measurements and their ratios; prints as a table, in a notebook too."""

    def __init__(self, records: Sequence[Measurement], *, relative_to: str | None = None) -> None:
        self.records = list(records)
        self.relative_to = relative_to
        """The model that ratios are said to; None holds the first against each other."""

    @property
    def ratios(self) -> list[Ratio]:
        """How many times as fast each is as each later one of its session."""
        return ratios_of(self.records)

    @property
    def images_per_second(self) -> float | None:
        """Of the one measurement there is."""
        return self._only().images_per_second

    @property
    def median(self) -> float | None:
        """Seconds per step of the one measurement there is."""
        return self._only().median

    def _only(self) -> Measurement:
        if len(self.records) != 1:
            raise UsageError(
                f"There are {len(self.records)} measurements, not one; use one of `.records`, or "
                "`.to_frame()`."
            )
        return self.records[0]

    def document(self, asked: Rendering) -> str:
        """The document of the command that measures."""
        question = MeasuredRendering(**msgspec.structs.asdict(asked), relative_to=self.relative_to)
        return measured_document(self.records, self.ratios, question)

    def to_frame(self) -> pd.DataFrame:
        """A row for each measurement with every figure of one number."""
        return frame(flat_rows(self.records))

    def chart(self, across: str | None = None, show: str | None = None) -> Chart:
        """A quantity along an axis, or against MACs; of several protocols, that of the first."""
        good = [record for record in self.records if record.error is None]
        groups = by_protocol(good) if show is None else [good]
        if not good:
            raise UsageError("Every measurement failed, so there is nothing to draw.")
        chart = chart_of(groups[0], across, show)
        if sum(len(line.marks) for line in chart.lines) == 1:
            raise UsageError(
                "There is one measurement, and a figure needs several: measure several models, or "
                "several values of an option, such as batch_size=[1, 8]."
            )
        return chart

    def plot(
        self,
        across: str | None = None,
        show: str | None = None,
        *,
        scale: str | None = None,
        width: PlotWidth = "page",
    ) -> Figure:
        """A quantity along an axis (default: the longest, or MACs if there is none).

        ``across`` is an axis such as resolution, batch_size or tokens, or ``macs``; ``show`` is a
        quantity such as time, throughput, macs or memory.
        """
        with speaking_of_keywords():
            return drawn(self.chart(across, show), scale, width)


class Swept(Measured):
    """What came of the cells of a sweep; prints with the longest axis across, as the command."""

    def __init__(
        self,
        records: Sequence[Measurement],
        *,
        across: str | None = None,
        relative_to: str | None = None,
    ) -> None:
        super().__init__(records, relative_to=relative_to)
        self.across = across
        """The axis whose values stand across; None is the longest."""

    def document(self, asked: Rendering) -> str:
        """The document of ``vtbench sweep``."""
        page = msgspec.structs.asdict(asked)
        by = None if self.across == "rows" else self.across or AUTO
        question = MeasuredRendering(**page, by=by, relative_to=self.relative_to)
        return measured_document(self.records, self.ratios, question)

    @property
    def ratios(self) -> list[Ratio]:
        """Ratios from common rounds: to ``relative_to``, or of each to each later one."""
        return ratios_to(self.records, self.relative_to)

    def chart(self, across: str | None = None, show: str | None = None) -> Chart:
        """A quantity along an axis, or against MACs."""
        wanted = across or self.across
        return super().chart(None if wanted == "rows" else wanted, show)
