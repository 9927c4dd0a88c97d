"""Where the time of a model goes, beside where its multiply-accumulates are."""

from __future__ import annotations

from vtbench.data.measurement import Measurement, Roofline, StageShare
from vtbench.data.stages import OTHER
from vtbench.report.breakdown import OWN
from vtbench.report.table import Column, Table, figure_columns
from vtbench.report.units import ABSENT, plain, plural, share, size, written
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
    """A row per stage or block: its share of the time and of the MACs; None if none was asked for.

    Stages with fewer MACs that are no faster stand out by their time per MAC, which is 1 for the
    model as a whole.
    """
    roof = record.roofline
    if roof is None or not (roof.stages or roof.by):
        return None
    noun = roof.by or "stage"
    label = name or record.workload.model
    title = f"{label}: where the time goes"
    if not roof.stages:
        return Table(title=title, columns=(), rows=(), notes=(_why_none(record, noun),))
    seconds = sum(each.seconds for each in roof.stages)
    macs = sum(each.macs for each in roof.stages)
    shown = [each for each in roof.stages if each.macs or each.bytes or each.stage == OTHER]
    return Table(
        title=title,
        columns=(
            Column(head=noun.title(), align="left", shrink=True, least=28),
            *figure_columns("ms/step", "Time", marked("MACs", record.by_values)),
            Column(head="Time per MAC", drop=1),
            Column(head="Util.", drop=2),
            Column(head="Least bytes", drop=3),
        ),
        rows=tuple(_row(_named(each, roof), each, seconds, macs) for each in shown),
        notes=(
            _sums(record, noun, seconds),
            *_hidden(noun, [each for each in roof.stages if each not in shown]),
            *_standing(record, roof, label),
            *_outside(noun, roof),
            *value_notes([(label, record.by_values)], alone=True),
        ),
    )


def _why_none(record: Measurement, noun: str) -> str:
    work = record.workload
    if work.compile or work.backward or record.protocol.name in ("compiled", "graph"):
        return (
            f"No {noun} was timed: compiled models, replayed graphs and the backward pass call no "
            "modules."
        )
    if noun == "block":
        return (
            "No block was timed: no class of modules that runs is repeated; `--by stage` times "
            "the stages."
        )
    return "No stage was timed: no module of the model was called."


def _named(each: StageShare, roof: Roofline) -> str:
    """The path; that of a stage whose blocks have rows of their own stands for the rest of it."""
    holds = any(other.stage.startswith(f"{each.stage}.") for other in roof.stages)
    return f"{each.stage} {OWN}" if holds else each.stage


def _hidden(noun: str, hidden: list[StageShare]) -> list[str]:
    if not hidden:
        return []
    are, take = ("is", "takes") if len(hidden) == 1 else ("are", "take")
    took = plain(sum(each.seconds for each in hidden) * MILLI)
    named = plural(len(hidden), noun)
    return [f"{named} with neither MACs nor bytes {are} not shown and {take} {took} ms."]


def _row(name: str, each: StageShare, seconds: float, macs: int) -> tuple[str, ...]:
    return (
        name,
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


def _sums(record: Measurement, noun: str, seconds: float) -> str:
    whole = (
        f"The sum of the {noun}s is {plain(seconds * MILLI)} ms, timed in a separate pass with "
        "hooks"
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


def _outside(noun: str, roof: Roofline) -> list[str]:
    """What the last row is, if there is one."""
    if any(each.stage == OTHER for each in roof.stages):
        return [f"{OTHER}: work outside of all {noun}s, including Python between them."]
    return []
