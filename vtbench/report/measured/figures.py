"""Measurements in, a figure out: what Python and the command line draw is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vtbench.data.measurement import Measurement
from vtbench.report.chart_scales import Scales, rescaled
from vtbench.report.measured.charts import chart_of
from vtbench.report.plot import Look, PlotWidth, figure


def figure_of(
    records: Sequence[Measurement],
    *,
    across: str | None = None,
    show: str | None = None,
    scales: Scales | None = None,
    width: PlotWidth = "page",
) -> Any:
    """A matplotlib Figure of measurements of one protocol; ``vtbench.report.plot.save`` writes it.

    ``across`` is the axis, ``macs`` or ``rows``; ``show`` is the quantity.
    """
    chart = rescaled(chart_of(records, across, show), scales or Scales())
    return figure(chart, Look(width=width))
