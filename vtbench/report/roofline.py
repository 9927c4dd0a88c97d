"""Where the time of a model goes, beside where its multiply-accumulates are."""

from __future__ import annotations

from vtbench.data.measurement import Measurement, Roofline, StageShare
from vtbench.data.stages import OTHER
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import ABSENT, plain, share, size, written
from vtbench.report.values_behind import marked, value_notes

MILLI = 1e3
GIGA = 1e9
PRODUCTS = "products of square matrices"
BOUND = {
    "arithmetic": "arithmetic limits its speed",
    "memory": "memory traffic limits its speed",
    "neither": "neither limits its speed, so kernel launches, small shapes or other work do",
}


def stages_table(record: Measurement, name: str | None = None) -> Table | None:
    """A row per stage: its share of the time and of the MACs; None if no stage was timed.

    Stages with fewer MACs that are no faster stand out by their time per MAC, which is 1 for the
    model as a whole.
    """
    roof = record.roofline
    if roof is None or not roof.stages:
        return None
    seconds = sum(each.seconds for each in roof.stages)
    macs = sum(each.macs for each in roof.stages)
    label = name or record.workload.model
    return Table(
        title=f"{label}: where the time goes",
        columns=(
            name_column("Stage"),
            *figure_columns(
                "ms/step", "Time", marked("MACs", record.by_values), "Time per MAC", "Util."
            ),
            Column(head="Least bytes", drop=1),
        ),
        rows=tuple(_row(each, seconds, macs) for each in roof.stages),
        notes=(
            _sums(record, seconds),
            *_standing(record, roof, label),
            *_outside(roof),
            *value_notes([(label, record.by_values)], alone=True),
        ),
    )


def _row(each: StageShare, seconds: float, macs: int) -> tuple[str, ...]:
    return (
        each.stage,
        plain(each.seconds * MILLI),
        share(each.seconds / seconds),
        share(each.macs / macs) if macs else ABSENT,
        _per_mac(each, seconds, macs),
        share(each.utilisation) if each.macs else ABSENT,
        size(each.bytes),
    )


def _per_mac(each: StageShare, seconds: float, macs: int) -> str:
    """How many times the time that its MACs would take at the speed of the whole."""
    if not each.macs:
        return ABSENT
    return f"{written((each.seconds / seconds) / (each.macs / macs), 2)}×"


def _sums(record: Measurement, seconds: float) -> str:
    whole = (
        f"The sum of the stages is {plain(seconds * MILLI)} ms, timed in a separate pass with hooks"
    )
    if record.median is None:
        return f"{whole}."
    return f"{whole}; the model takes {plain(record.median * MILLI)} ms, as measured above."


def _standing(record: Measurement, roof: Roofline, label: str) -> list[str]:
    """The model as a whole below both ceilings, in words."""
    top, moved = roof.ceiling_macs_per_second, roof.ceiling_bytes_per_second
    if not top or not moved:
        return []
    source = record.environment.get("ceiling_source") or PRODUCTS
    seen = source if source == PRODUCTS else f"{source} itself, faster than {PRODUCTS}"
    said = [
        f"{label} reaches {share(roof.macs_per_second / top)} of {plain(top / GIGA)} GMAC/s "
        f"({seen}) and {share(roof.bytes_per_second / moved)} of {plain(moved / GIGA)} GB/s "
        f"(a copy); {BOUND[roof.bound]}."
        if roof.bound
        else ""
    ]
    if roof.datasheet_macs_per_second:
        part = share(roof.macs_per_second / roof.datasheet_macs_per_second)
        said.append(
            f"This is {part} of the {plain(roof.datasheet_macs_per_second / GIGA)} GMAC/s in the "
            "datasheet."
        )
    return [text for text in said if text]


def _outside(roof: Roofline) -> list[str]:
    """What the last row is, if there is one."""
    if any(each.stage == OTHER for each in roof.stages):
        return [f"{OTHER}: work outside of all stages, including Python between them."]
    return []
