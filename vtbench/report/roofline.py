"""Where the time of a model goes, beside where its multiply-accumulates are."""

from __future__ import annotations

from vtbench.data.measurement import Measurement, Roofline, StageShare
from vtbench.data.stages import OTHER
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import ABSENT, plain, share, size, written

MILLI = 1e3
GIGA = 1e9
PRODUCTS = "products of square matrices"
BOUND = {
    "arithmetic": "its arithmetic is what binds it",
    "memory": "the traffic of its memory is what binds it",
    "neither": "neither binds it, so launching, small shapes or other work take the time",
}


def stages_table(record: Measurement, name: str | None = None) -> Table | None:
    """A row per stage: its share of the time and of the MACs; None where no stage was timed.

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
            *figure_columns("ms/step", "Time", "MACs", "Time per MAC", "Util."),
            Column(head="Least bytes", drop=1),
        ),
        rows=tuple(_row(each, seconds, macs) for each in roof.stages),
        notes=(_sums(record, seconds), *_standing(record, roof, label), *_outside(roof)),
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
    whole = f"Sum of the stages: {plain(seconds * MILLI)} ms, in a pass of its own with hooks"
    if record.median is None:
        return f"{whole}."
    return f"{whole}; {plain(record.median * MILLI)} ms as measured above."


def _standing(record: Measurement, roof: Roofline, label: str) -> list[str]:
    """The model as a whole below both ceilings, in words."""
    top, moved = roof.ceiling_macs_per_second, roof.ceiling_bytes_per_second
    if not top or not moved:
        return []
    source = record.environment.get("ceiling_source") or PRODUCTS
    seen = source if source == PRODUCTS else f"{source} itself, faster than {PRODUCTS}"
    said = [
        f"{label} as a whole: {share(roof.macs_per_second / top)} of {plain(top / GIGA)} GMAC/s "
        f"({seen}) and {share(roof.bytes_per_second / moved)} of {plain(moved / GIGA)} GB/s "
        f"(a copy); {BOUND[roof.bound]}."
        if roof.bound
        else ""
    ]
    if roof.datasheet_macs_per_second:
        part = share(roof.macs_per_second / roof.datasheet_macs_per_second)
        said.append(
            f"The maker prints {plain(roof.datasheet_macs_per_second / GIGA)} GMAC/s, of which "
            f"this is {part}."
        )
    return [text for text in said if text]


def _outside(roof: Roofline) -> list[str]:
    """What the last row is, where there is one."""
    if any(each.stage == OTHER for each in roof.stages):
        return [f"{OTHER}: outside of all stages, Python between them included."]
    return []
