"""Measurements as charts: along an axis, against their MACs, or model by model."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.measurement import Measurement
from vtbench.errors import BadInput, BadOption
from vtbench.report.chart import Chart
from vtbench.report.measured.axes import ENOUGH, axis_named, longest
from vtbench.report.measured.columns import LATENCY, TIMED, kind
from vtbench.report.measured.drawn import against_macs, along, refuse_words, row_by_row
from vtbench.report.measured.quantities import (
    QUANTITIES,
    Quantity,
    has,
    quantity_named,
    usual,
)
from vtbench.report.measured.tables import by_protocol
from vtbench.report.measured.wide import rows_of
from vtbench.report.plot import refuse_many

SOME = 3
"""Models that are worth a figure."""
PAIR = 2
"""Values of an axis that are worth a line if there is nothing else to draw."""
AGAINST_MACS = "macs"
ROWS = "rows"


def chart_of(records: Sequence[Measurement], by: str | None, show: str | None) -> Chart:
    """The chart of a quantity along an axis, against MACs, or with a row per measurement.

    ``by`` is the axis, ``macs`` or ``rows``. If it is None, it is the axis with the most values;
    if there is none, what was timed stands against MACs, and anything else has rows.
    """
    group = _one_protocol(records, show)
    good = [record for record in group if record.error is None]
    if not good:
        raise BadInput("Every measurement failed, so there is nothing to draw.")
    if by == AGAINST_MACS:
        return against_macs(group, _shown(group, show, along=False))
    condition = None
    if by not in (None, ROWS):
        condition = axis_named(by, group)[0]
    elif by is None:
        condition = longest(group) or (None if _compares(group) else longest(group, PAIR))
    if condition is not None:
        return along(group, condition, _shown(group, show, along=True))
    if by is None and _compares(group, PAIR):
        return against_macs(group, _shown(group, show, along=False))
    return row_by_row(group, _shown(group, show, along=True))


def refuse_figure(planned: Sequence[Measurement], by: str | None) -> None:
    """Refuse what cannot be drawn, by the workloads alone, before anything is run for it.

    ``planned`` are of one protocol, without results.
    """
    if by in (AGAINST_MACS, ROWS):
        return
    timed = kind(planned[0].protocol) in (TIMED, LATENCY)
    many = len({record.workload.model for record in planned}) >= SOME
    enough = ENOUGH if timed and many else PAIR
    condition = longest(planned, enough) if by is None else axis_named(by, planned)[0]
    if condition is not None:
        refuse_words(planned, condition)
        refuse_many(len(rows_of(planned, condition)[1]))


def charts(records: Sequence[Measurement]) -> dict[str, Chart]:
    """Protocol -> the figure that says most: along the longest axis, else against MACs."""
    return {
        group[0].protocol.name: chart_of(group, None, None)
        for group in by_protocol(records)
        if longest(group) is not None or _compares(group)
    }


def _compares(records: Sequence[Measurement], enough: int = SOME) -> bool:
    """Whether several models have a time and MACs to stand against it."""
    timed = [r for r in records if r.macs is not None and r.median is not None]
    return len({record.workload.model for record in timed}) >= enough


def _shown(records: Sequence[Measurement], show: str | None, *, along: bool) -> Quantity:
    """What is asked for, or what the protocol is about; against MACs, time rather than a rate."""
    found = quantity_named(show) if show else usual(records)
    if show is None and not along and found.name in ("throughput", "macs"):
        found = QUANTITIES["time"]
    if not has(records, found):
        raise BadOption(f"The measurements have no {found.name} to draw.")
    return found


def _one_protocol(records: Sequence[Measurement], show: str | None) -> list[Measurement]:
    """The records of the only protocol that has the quantity; figures never mix protocols."""
    groups = by_protocol(records)
    if show is not None:
        quantity = quantity_named(show)
        groups = [group for group in groups if has(group, quantity)] or groups
    if len(groups) > 1:
        names = ", ".join(group[0].protocol.name for group in groups)
        raise BadOption(
            f"The measurements have several protocols ({names}), and a figure shows only one; "
            "choose it with --protocol."
        )
    return groups[0] if groups else []
