"""The other counters beside ours, and the operators that explain every difference."""

from __future__ import annotations

from collections.abc import Sequence

from vtbench.data.record import Explained, PeerCount, Record
from vtbench.report.table import Column, Table, figure_columns, name_column
from vtbench.report.units import (
    ABSENT,
    bound_of,
    bounded,
    common_prefix,
    macs,
    percent,
    plural,
    si,
    signed,
)
from vtbench.report.values_behind import marked, notes_of

EXPLANATIONS = 4
"""Operators named per counter; the rest of a difference is summed in one line."""


def peers(record: Record) -> Table:
    """What the other counters say of this model, and which operators explain the difference."""
    counted = [peer for peer in record.counters.values() if peer.macs is not None]
    prefix = common_prefix([record.macs, *(peer.macs or 0 for peer in counted)])
    ours = marked(macs(record.macs, complete=record.complete, prefix=prefix), record.by_values)
    rows: list[tuple[str, ...]] = [("vtbench", ours, "", "", "")]
    for name, peer in record.counters.items():
        rows += _peer_lines(name, peer, prefix, complete=record.complete)
    notes = [f"{name}: {peer.error}" for name, peer in record.counters.items() if peer.error]
    notes += notes_of([record], alone=True)
    return Table(
        title=f"{record.workload.model}: other counters",
        columns=(
            Column(head="Counter", align="left"),
            *figure_columns("MACs", "Difference", "of which"),
            Column(head="Explained by", align="left", shrink=True),
        ),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _peer_lines(
    name: str, peer: PeerCount, prefix: int, *, complete: bool
) -> list[tuple[str, ...]]:
    if peer.macs is None or peer.difference is None:
        return [(name, ABSENT, ABSENT, "", "did not run")]
    shown = sorted(peer.explained_by, key=lambda each: -abs(each.macs))
    said = [_explanation(each, prefix) for each in shown[:EXPLANATIONS]]
    rest = shown[EXPLANATIONS:]
    if rest:
        left = sum(each.macs for each in rest)
        said.append((signed(left, prefix), f"{plural(len(rest), 'more operator')}"))
    if peer.unexplained:
        said.append((signed(peer.unexplained, prefix), "unexplained"))
    bound = bound_of(complete=True, base_complete=complete)
    exact = signed(peer.difference, prefix) if peer.difference or bound else "="
    difference = bounded(exact, bound)
    first = (name, si(peer.macs, prefix), difference, *(said[0] if said else ("", "")))
    return [first, *(("", "", "", *line) for line in said[1:])]


def _explanation(each: Explained, prefix: int) -> tuple[str, str]:
    return signed(each.macs, prefix), f"{each.calls} × {each.op}"


def overview(records: Sequence[Record]) -> Table:
    """Many models against many counters: how far each is from our count."""
    names = list(dict.fromkeys(name for record in records for name in record.counters))
    columns = [name_column("Model"), *(Column(head=name, drop=1) for name in names)]
    rows = [
        (record.workload.model, *(_off(record, record.counters.get(name)) for name in names))
        for record in records
        if record.counters
    ]
    return Table(
        title="Other counters: difference from vtbench",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=(
            "+: it counts more than vtbench. -: it counts less. =: the same total.",
            *notes_of(records),
        ),
    )


def _off(record: Record, peer: PeerCount | None) -> str:
    if peer is None:
        return ABSENT
    if peer.difference is None:
        return "failed"
    bound = bound_of(complete=True, base_complete=record.complete)
    if peer.difference == 0 and bound is None:
        return "="
    sign = "+" if peer.difference > 0 else ""
    return bounded(sign + percent(peer.difference, record.macs), bound)
