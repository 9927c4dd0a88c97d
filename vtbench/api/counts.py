"""What counts came to: of one model, or of several side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from vtbench import report
from vtbench.api.public import speaking_of_keywords
from vtbench.api.shaped import Shaped, Shaping
from vtbench.api.shown import drawn, frame
from vtbench.claims.printed_figures import printed_figures
from vtbench.data.distribution import Distribution
from vtbench.data.record import ByValues, Record, Row
from vtbench.errors import UsageError
from vtbench.report.chart import Chart
from vtbench.report.counts_chart import counts_chart

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from typing_extensions import Unpack

    from vtbench.claims.judge import Verdict
    from vtbench.report.plot import PlotWidth


class Counts(Shaped):
    """Counts of several models, in order; each is a ``Count`` of its own."""

    def __init__(self, records: Sequence[Record], relative_to: str | None = None) -> None:
        self.records = list(records)
        self.relative_to = relative_to
        """The model that the others are measured against."""

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Count]:
        return (Count(record) for record in self.records)

    def __getitem__(self, which: int | str) -> Count:
        """The count at a place, or the one of a model."""
        if isinstance(which, int):
            return Count(self.records[which])
        found = [record for record in self.records if record.workload.model == which]
        if len(found) != 1:
            known = ", ".join(dict.fromkeys(record.workload.model for record in self.records))
            raise UsageError(f"There are {len(found)} counts of {which!r}; there is {known}.")
        return Count(found[0])

    def document(
        self, asked: report.Rendering, *, by: report.View = "total", depth: int | None = None
    ) -> str:
        """The document of ``vtbench macs``."""
        page = msgspec.structs.asdict(asked)
        printed, otherwise = self._printed
        question = report.CountsRendering(
            **page,
            view=by,
            depth=depth,
            relative_to=self.relative_to,
            printed=printed,
            printed_otherwise=otherwise,
        )
        return report.counts_document(self.records, question)

    @cached_property
    def _printed(self) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
        """What papers printed; suites are read once, however often a notebook shows the counts."""
        return printed_figures(self.records)

    def table(
        self,
        by: report.View = "total",
        depth: int | None = None,
        *,
        width: int = 80,
        **shaping: Unpack[Shaping],
    ) -> str:
        """The totals, or the rows by stage, block, module, op or class, as text.

        The other options are ``columns``, ``digits``, ``labels``, ``sort``, ``top`` and ``cite``,
        as those of ``vtbench macs``.
        """
        return self.shaped({"by": by, "depth": depth}, shaping, width=width)

    def to_frame(self) -> pd.DataFrame:
        """A row for each model, with every figure of one number."""
        base = next((r for r in self.records if r.workload.model == self.relative_to), None)
        return frame(report.flat_records(self.records, base))

    def chart(self, by: report.View = "stage", depth: int | None = None) -> Chart:
        """MACs along the parts of one model, or of several models beside their parameters."""
        return counts_chart(self.records, by, depth)

    def plot(
        self,
        by: report.View = "stage",
        depth: int | None = None,
        *,
        scale: str | None = None,
        width: PlotWidth = "page",
    ) -> Figure:
        """MACs along the stages, or modules, of one model; of several, beside their parameters."""
        with speaking_of_keywords():
            return drawn(self.chart(by, depth), scale, width)


class Count(Counts):
    """What a count came to; prints as a certificate, in a notebook too."""

    def __init__(self, record: Record) -> None:
        super().__init__([record])

    @property
    def record(self) -> Record:
        """Everything that is known of it."""
        return self.records[0]

    @record.setter
    def record(self, record: Record) -> None:
        self.records = [record]
        self.__dict__.pop("_printed", None)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of everything that was counted."""
        return self.record.macs

    @property
    def complete(self) -> bool:
        """Whether nothing that ran is unknown."""
        return self.record.complete

    @property
    def by_values(self) -> ByValues | None:
        """Why the count can change with the values of the input; None if shapes decide."""
        return self.record.by_values

    @property
    def distribution(self) -> Distribution | None:
        """The count over many inputs, if ``inputs`` or ``seeds`` asked for it."""
        return self.record.distribution

    @property
    def params(self) -> int:
        """Elements of the distinct parameters."""
        return self.record.parameters.total if self.record.parameters else 0

    def to_dict(self, by: report.View = "total", depth: int | None = None) -> dict[str, Any]:
        """The object that ``vtbench macs --format json`` prints for a model."""
        whole = self.document(report.Rendering(format="json"), by=by, depth=depth)
        entry: dict[str, Any] = json.loads(whole)["results"][0]
        return entry

    def to_frame(self) -> pd.DataFrame:
        """The ledger as a pandas frame, a row per module, operator and phase."""
        rows = [msgspec.structs.asdict(row) for row in self.record.rows]
        return frame(rows, Row.__struct_fields__)
